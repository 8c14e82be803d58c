"""Writes what became of each task and host as lines of JSON, beside whatever Ansible shows to people.

Results of tasks with `no_log` come to callbacks without what they hide.
"""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: envup_results
type: notification
short_description: Results for envup
description: Writes results as lines of JSON to the file that the environment variable ENVUP_RESULTS names.
"""


def reason(result):
    """The module's own words; of a loop those of its first item that failed."""
    for item in result.get("results") or []:
        if isinstance(item, dict) and (item.get("failed") or item.get("unreachable")):
            return reason(item)
    said = [str(result["msg"])] if result.get("msg") else []
    # A command that failed says why on its streams, and a module that crashed in its traceback.
    for stream in ("stderr", "stdout", "module_stderr", "module_stdout", "exception"):
        text = str(result.get(stream) or "").strip()
        if text and text not in said[0:1]:
            said.append(text)
            break
    return "\n".join(said)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "envup_results"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        path = os.environ.get("ENVUP_RESULTS")
        self.disabled = not path
        self._file = open(path, "a", encoding="utf-8") if path else None

    def _write(self, **line):
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def _task(self, event, result, **more):
        task = result._task
        self._write(
            event=event, host=result._host.get_name(), task=task.get_name().strip(), path=task.get_path(), **more
        )

    def v2_runner_on_ok(self, result):
        if result._result.get("changed"):
            self._task("changed", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        if not ignore_errors:
            self._task("failed", result, message=reason(result._result))

    def v2_runner_on_unreachable(self, result):
        self._task("unreachable", result, message=reason(result._result))

    def v2_playbook_on_stats(self, stats):
        hosts = {host: stats.summarize(host) for host in stats.processed}
        self._write(event="stats", hosts=hosts)
