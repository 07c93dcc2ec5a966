"""Prosody, in the foreground, as its own system user where we are root."""

import subprocess

from .process import Process, find, give
from .server import Server


class Prosody(Server):
    name = "prosody"
    template = "prosody.cfg.lua"
    system_user = "prosody"

    def builtin_rooms(self):
        return f'\nComponent "builtin.{self.domain}" "muc"\n'

    def with_snippet(self, snippet):
        before, _, _components = self.render().partition("\nComponent ")
        return before + snippet

    def launch(self):
        give(self.directory / "data", self.user)
        # Its temporary files, such as the pid file, go beside its configuration.
        give(self.directory, self.user)
        return Process([find("prosody"), "--config", self.config, "-F"], self.log, user=self.user, cwd=self.directory)

    def register(self, name, password, domain):
        owner = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        subprocess.run(
            [find("prosodyctl"), "--config", self.config, "register", name, domain, password],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=self.directory,
            **owner,
        )
