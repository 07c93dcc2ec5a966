"""The programs under test: a configuration for a server, and their starts and ends."""

import os
from pathlib import Path

from .process import Process

PROGRAMS = {"rooms": "annex-muc", "feeds": "annex-pubsub", "multicast": "annex-multicast", "announce": "annex-announce"}
ROOT = Path(__file__).resolve().parents[2]


def binaries():
    """Where the built programs are."""
    return Path(os.environ.get("ANNEX_BIN_DIR") or ROOT / "target" / "release")


class Component:
    """One of the four programs, attached to a server. Its data are below the server's directory."""

    def __init__(self, server, service, program=None, name=None, port=None, settings=""):
        """`program` runs at another's address, and has `name` then; `settings` are added to its file."""
        self.server = server
        self.address = server.address(service)
        self.program = program or PROGRAMS[service]
        name = name or self.program
        self.directory = server.directory / name
        self.directory.mkdir(mode=0o700)
        self.log = server.directory / f"{name}.log"
        self.config = self.directory / "config.toml"
        self.config.touch(mode=0o600)
        self.config.write_text(
            "[component]\n"
            f'jid = "{self.address}"\n'
            f'secret = "{server.secrets[service]}"\n'
            'server = "127.0.0.1"\n'
            f"port = {port or server.ports[service]}\n"
            f'admins = ["admin@{server.domain}"]\n'
            f'local_domains = ["{server.domain}"]\n'
            + ("foreign_from = true\n" if self.program == "annex-multicast" else "")
            + "[store]\n"
            f'path = "{self.directory / "store"}"\n' + settings
        )
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        program = binaries() / self.program
        if not program.exists():
            raise SystemExit(f"{program} is not built: cargo build --release -p annex")
        self.process = Process([program, "run", "--config", self.config], self.log, cwd=self.directory)

    @property
    def running(self):
        return self.process is not None and self.process.running

    def tail(self, lines=12):
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def stop(self):
        """Ask it to end; return its exit code."""
        process, self.process = self.process, None
        return process.stop() if process else None

    def crash(self):
        """End it as a power cut would, as far as the program can tell."""
        self.process.kill()
        self.process = None
