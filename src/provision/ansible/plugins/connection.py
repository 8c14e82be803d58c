"""Reaches the machines of a stack through `envup exec`, whatever runs them; every other host is out of reach.

A command travels on standard input, before what it reads itself: arguments can be seen by everybody on this host, and
Ansible puts a task's `environment` into its commands.
"""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import signal
import subprocess

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: envup
short_description: Reaches the machines of an envup stack
description: Runs commands with C(envup exec).
extends_documentation_fragment: connection_pipelining
options:
  machine:
    description: The machine's name in the stack; without one the host is none of the stack's.
    vars:
      - name: envup_machine
  remote_user:
    description: Who runs commands; root, whatever is said, and other users are become.
    default: root
"""

# Runs the command that is the first `$1` bytes of standard input, in the machine's language as a login over ssh has it; `dd`
# with a block of one byte reads no further.
RUN = """
if [ -r /etc/default/locale ]; then set -a; . /etc/default/locale; set +a; fi
eval "$(dd bs=1 count="$1" 2>/dev/null)"
"""

# What `envup exec` exits with when the failure is its own.
OWN_FAILURE = 125

# How the become plugin beside this one says who runs a command.
AS_USER = "envup-as-user "

# See prctl(2): the signal this process gets when its parent ends.
PR_SET_PDEATHSIG = 1


def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def taken_apart(cmd):
    """Who runs a command, and the command without the shell around it, which would show it among its arguments."""
    words = shlex.split(cmd)
    wrapped = len(words) == 3 and words[1] == "-c"
    inner = words[2] if wrapped else cmd
    user = None
    if inner.startswith(AS_USER):
        user, inner = inner[len(AS_USER):].split(" ", 1)
    if wrapped and words[0] != "/bin/sh":
        inner = f"{words[0]} -c {shlex.quote(inner)}"
    return user, inner


class Connection(ConnectionBase):
    transport = "envup"
    has_pipelining = True

    def get_option(self, option, hostvars=None):
        # Production's plays may name who logs in there.
        return "root" if option == "remote_user" else super().get_option(option, hostvars)

    def _connect(self):
        if not self._connected:
            if not self.get_option("machine"):
                raise AnsibleConnectionFailure(
                    f"{self._play_context.remote_addr} is no machine of this stack, and nothing is done outside of it"
                )
            # Whatever ends Ansible ends its workers, which are not always in its process group.
            end_with_parent()
            self._connected = True
        return self

    def _exec(self, user, argv, stdin, stdout=subprocess.PIPE):
        words = json.loads(os.environ["ENVUP_EXEC"])
        if user:
            words += ["--user", user]
        words += [self.get_option("machine"), "--", *argv]
        return subprocess.Popen(
            words, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, preexec_fn=end_with_parent
        )

    def _ended(self, run, stderr):
        if run.returncode == OWN_FAILURE:
            raise AnsibleConnectionFailure(to_text(stderr, errors="surrogate_or_strict").strip())

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        user, cmd = taken_apart(to_text(cmd, errors="surrogate_or_strict"))
        command = to_bytes(cmd, errors="surrogate_or_strict")
        run = self._exec(user, ["/bin/sh", "-c", RUN, "sh", str(len(command))], subprocess.PIPE)
        stdout, stderr = run.communicate(command + (to_bytes(in_data) if in_data else b""))
        self._ended(run, stderr)
        return run.returncode, stdout, stderr

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        with open(to_bytes(in_path), "rb") as source:
            self._copy(["/bin/sh", "-c", 'cat > "$1"', "sh", out_path], source, subprocess.PIPE, out_path)

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        with open(to_bytes(out_path), "wb") as target:
            self._copy(["/bin/sh", "-c", 'cat < "$1"', "sh", in_path], subprocess.DEVNULL, target, in_path)

    def _copy(self, argv, stdin, stdout, path):
        run = self._exec(None, argv, stdin, stdout)
        _, stderr = run.communicate()
        self._ended(run, stderr)
        if run.returncode != 0:
            reason = to_text(stderr, errors="surrogate_or_strict").strip()
            raise AnsibleConnectionFailure(f"cannot copy {path}: {reason}")

    def close(self):
        self._connected = False
