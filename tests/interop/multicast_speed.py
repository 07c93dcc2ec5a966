"""Starts an ejabberd with its own mod_multicast, and measures it beside annex-multicast."""

import subprocess
import sys

from . import ending
from .annex import ROOT
from .ejabberd import Ejabberd

SERVICE = "many"
# A component counts as remote; what it sends to its own domain passes.
MODULE = """\
  mod_multicast:
    host: {}
    limits: {{local: {{message: infinite, presence: infinite}}, remote: {{message: infinite, presence: infinite}}}}
"""


def main():
    with Ejabberd(config=lambda server: server.render() + MODULE.format(f"{SERVICE}.{server.domain}")) as server:
        domain = server.address("rooms")
        where = (
            server.ports["rooms"],
            domain,
            server.secrets["rooms"],
            f"{SERVICE}.{server.domain}",
            server.process.pid,
        )
        bench = ["cargo", "bench", "-p", "annex", "--bench", "multicast", "--", *sys.argv[1:]]
        return subprocess.call([*bench, "--ejabberd", ",".join(map(str, where))], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(ending.tidily(main))
