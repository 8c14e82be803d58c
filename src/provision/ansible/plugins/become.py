"""Says who runs a command in a machine; the connection plugin beside this one hands that to the engine.

So nothing has to be installed in a machine: no sudo, no su.
"""

from __future__ import annotations

import shlex

from ansible.plugins.become import BecomeBase

DOCUMENTATION = """
name: envup
short_description: Lets the engine run a command as another user
description: Works with the connection plugin of the same name only.
options:
  become_user:
    description: Who runs the command.
    default: root
    ini:
      - section: privilege_escalation
        key: become_user
    vars:
      - name: ansible_become_user
    env:
      - name: ANSIBLE_BECOME_USER
    keyword:
      - name: become_user
  become_exe:
    description: Not used.
    default: ""
  become_flags:
    description: Not used.
    default: ""
  become_pass:
    description: Not used.
"""


class BecomeModule(BecomeBase):
    name = "envup"

    def build_become_command(self, cmd, shell):
        super().build_become_command(cmd, shell)
        user = self.get_option("become_user") or "root"
        return f"envup-as-user {shlex.quote(user)} {cmd}" if cmd else cmd
