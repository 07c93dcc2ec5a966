"""Run one server by itself, for whatever wants to attach to it.

    python -m interop.serve prosody [--builtin] [NAME …]

Prints one line of JSON when it is up: its domain, ports, secrets, users with
their passwords, directory and process id. Ends, and removes the directory, on
SIGTERM, on Ctrl-C and when its standard input ends.
"""

import argparse
import json
import sys

from . import ending
from .servers import SERVERS


def main():
    parser = argparse.ArgumentParser(prog="python -m interop.serve")
    parser.add_argument("server", choices=SERVERS)
    parser.add_argument("--builtin", action="store_true", help="with the server's own rooms")
    parser.add_argument("names", nargs="*", metavar="NAME", help="accounts to make")
    options = parser.parse_args()
    return ending.tidily(lambda: work(options))


def work(options):
    with SERVERS[options.server](builtin=options.builtin) as server:
        for name in options.names:
            server.add_user(name)
        told = {
            "domain": server.domain,
            "client_port": server.client_port,
            "component_ports": server.ports,
            "secrets": server.secrets,
            "users": server.passwords,
            "directory": str(server.directory),
            "pid": server.process.pid,
        }
        print(json.dumps(told), flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
