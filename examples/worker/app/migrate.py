"""Brings the table of jobs to its present form, and ends."""

import sqlite3

STEPS = [
    "create table job (id integer primary key, text text not null, result text)",
    "insert into job (text) values ('hello'), ('world')",
]

database = sqlite3.connect("/var/lib/jobs/jobs.sqlite", isolation_level=None)
done = database.execute("pragma user_version").fetchone()[0]
for number, step in enumerate(STEPS[done:], start=done + 1):
    # Each step and the note that it was taken go in together, or not at all.
    database.execute("begin")
    database.execute(step)
    database.execute(f"pragma user_version = {number}")
    database.execute("commit")
print(f"{len(STEPS) - done} of {len(STEPS)} steps taken")
