"""What a Prosody and an ejabberd under test have in common."""

import os
import re
import secrets
import shutil
import string
import tempfile
from pathlib import Path

from .process import user_for
from .waiting import accepts, free_ports

DOMAIN = "example.test"
SERVICES = ("rooms", "feeds", "multicast", "announce")
TEMPLATES = Path(__file__).resolve().parents[2] / "deploy" / "servers"


class Server:
    """A server on loopback, in a temporary directory. Use it as a context manager."""

    name = ""
    template = ""  # a file of deploy/servers
    system_user = ""
    ports_are_separate = False  # whether each component has a port of its own

    def __init__(self, config=None, builtin=False, domain=DOMAIN):
        """`config` replaces the template; `builtin` adds the server's own rooms."""
        self.domain = domain
        self.builtin = builtin
        self.user = user_for(self.system_user)
        self.process = None
        self.passwords = {}
        self.directory = Path(tempfile.mkdtemp(prefix=f"annex-{self.name}-"))
        self.directory.chmod(0o755)
        self.log = self.directory / f"{self.name}.log"
        self.client_port, self.http_port, *ports = free_ports(2 + len(SERVICES))
        if not self.ports_are_separate:
            ports = ports[:1] * len(SERVICES)
        self.ports = dict(zip(SERVICES, ports))
        self.secrets = {service: secrets.token_hex(16) for service in SERVICES}
        self.config = self.directory / self.template
        self.config.write_text(config(self) if config else self.render())
        self._only_for(self.config)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self.remove()

    def address(self, service):
        """The component's domain, such as `rooms.example.test`."""
        return f"{service}.{self.domain}"

    def render(self):
        """The configuration, from the template in deploy/servers."""
        values = {"directory": self.directory, "domain": self.domain}
        values |= {"client_port": self.client_port, "http_port": self.http_port}
        for service in SERVICES:
            values[f"{service}_port"] = self.ports[service]
            values[f"{service}_secret"] = self.secrets[service]
        text = string.Template((TEMPLATES / self.template).read_text()).substitute(values)
        return text + (self.builtin_rooms() if self.builtin else "")

    def start(self):
        """Start the server and wait until it accepts clients and components."""
        self.process = self.launch()
        try:
            for port in self.listens():
                self.process.wait_for(lambda: accepts(port), f"listening on port {port}")
        except BaseException:
            self.stop()
            raise

    def listens(self):
        """The ports that its configuration names."""
        text = self.config.read_text()
        return sorted(int(port) for port in set(re.findall(r"ports? ?[:=] ?{? ?(\d+)", text)))

    def stop(self):
        """Stop it; its data stay, and `start` brings it up again on the same ports."""
        if self.process:
            self.process.stop()
            self.process = None

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def add_user(self, name, password=None, domain=None):
        """Make an account; return its password. `domain` is another one of this server's."""
        known = name if domain in (None, self.domain) else f"{name}@{domain}"
        if known not in self.passwords:
            password = password or secrets.token_hex(8)
            self.register(name, password, domain or self.domain)
            self.passwords[known] = password
        return self.passwords[known]

    def _only_for(self, path):
        """A file that holds secrets, readable to the server's user alone."""
        path.chmod(0o600)
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    # What each server does in its own way.

    def builtin_rooms(self):
        """Configuration that adds the server's own rooms as `builtin.DOMAIN`."""
        raise NotImplementedError

    def with_snippet(self, snippet):
        """The configuration with `snippet` in place of its components."""
        raise NotImplementedError

    def launch(self):
        """Start the program; return its `Process`."""
        raise NotImplementedError

    def register(self, name, password, domain):
        """Make an account on the running server."""
        raise NotImplementedError
