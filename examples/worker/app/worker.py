"""Does the jobs in the table, and tells on port 8000 how far it has come. POST adds a job."""

import json
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def connect():
    return sqlite3.connect("/var/lib/jobs/jobs.sqlite", timeout=5, isolation_level=None)


def work():
    database = connect()
    while True:
        job = database.execute("select id, text from job where result is null order by id limit 1").fetchone()
        if job is None:
            time.sleep(0.2)
            continue
        database.execute("update job set result = ? where id = ?", (job[1].upper(), job[0]))
        print(f"job {job[0]} done")


class Jobs(BaseHTTPRequestHandler):
    def do_GET(self):
        rows = connect().execute("select id, text, result from job order by id").fetchall()
        body = json.dumps([dict(zip(("id", "text", "result"), row)) for row in rows]).encode() + b"\n"
        self.answer(200, body)

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        connect().execute("insert into job (text) values (?)", (text,))
        self.answer(201, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


threading.Thread(target=work, daemon=True).start()
server = ThreadingHTTPServer(("", 8000), Jobs)
print("waiting for jobs")
server.serve_forever()
