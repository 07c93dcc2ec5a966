"""ejabberd, in the foreground, as an Erlang node without a name.

A node without a name needs no port mapper, no cookie and no port for a
cluster, so any number of them run side by side. `ejabberdctl` cannot speak to
it; accounts are made over the HTTP interface instead.
"""

import json
import urllib.request
from pathlib import Path

from .process import Process, find, give
from .server import Server


class Ejabberd(Server):
    name = "ejabberd"
    template = "ejabberd.yml"
    system_user = "ejabberd"
    ports_are_separate = True

    def builtin_rooms(self):
        # The template ends with its modules.
        return f'  mod_muc: {{hosts: ["builtin.{self.domain}"], default_room_options: {{public: false}}}}\n'

    def with_snippet(self, snippet):
        before, _, components = self.render().partition("  - ip: ")
        return before + snippet + "\nauth_method:" + components.partition("\nauth_method:")[2]

    def launch(self):
        spool = self.directory / "spool"
        give(self.directory, self.user)
        give(spool, self.user)
        return Process(
            [find("erl"), "-noinput", "-mnesia", "dir", f'"{spool}"', "-s", "ejabberd"],
            self.log,
            user=self.user,
            cwd=self.directory,
            env={
                "HOME": str(self.directory),
                "ERL_LIBS": libraries(),
                "ERL_CRASH_DUMP_BYTES": "0",
                "EJABBERD_CONFIG_PATH": str(self.config),
                "EJABBERD_LOG_PATH": str(self.directory / "server.log"),
                **self.environment(),
            },
        )

    def environment(self):
        """What else its environment has."""
        return {}

    def register(self, name, password, domain):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}/api/register",
            data=json.dumps({"user": name, "host": domain, "password": password}).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()


def libraries():
    """Where Debian keeps Erlang's libraries; ejabberd is one of them."""
    for ebin in Path("/usr/lib").glob("*/ejabberd-*/ebin"):
        return str(ebin.parents[1])
    raise SystemExit("ejabberd is not installed: run deploy/install-deps")
