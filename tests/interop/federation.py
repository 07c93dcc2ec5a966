"""Servers that reach one another on loopback (s2s, XEP-0220), each with hosts and components of its own.

Their domains are those of a specification's example, so nobody asks the DNS for
them: Prosody loads a module that knows where they are, ejabberd asks us.
"""

import contextlib
import json

from .ejabberd import Ejabberd
from .names import Names
from .prosody import Prosody
from .waiting import free_ports

MODULE = """
local service, manual = require "net.resolvers.service", require "net.resolvers.manual";
local ports = { %s };
function service.new(domain)
    local targets = {};
    for known, port in pairs(ports) do
        if domain == known or domain:sub(-#known - 1) == "." .. known then
            targets[1] = { "tcp4", "127.0.0.1", port };
        end
    end
    return manual.new(targets);
end
"""


class Federated:
    """What to add to a server for others to reach it, and for it to reach others."""

    def __init__(self, domain, more, port, others):
        """`more` hosts without components are beside `domain`; `others` are ports by domain."""
        self.more, self.port, self.others = more, port, others
        super().__init__(config=lambda server: server.federated(server.render()), domain=domain)


class FederatedProsody(Federated, Prosody):
    def federated(self, text):
        (self.directory / "mod_loopback.lua").write_text(
            MODULE % ", ".join(f'["{domain}"] = {port}' for domain, port in self.others.items())
        )
        text = text.replace('modules_disabled = { "s2s", "tls" }', 'modules_disabled = { "tls" }')
        text = text.replace('"posix" }', '"posix", "dialback", "loopback" }')
        hosts = "".join(f'VirtualHost "{host}"\n' for host in self.more)
        return (
            f'plugin_paths = {{ "{self.directory}" }}\n'
            f"s2s_ports = {{ {self.port} }}\ns2s_require_encryption = false\ns2s_secure_auth = false\n"
            + text.replace(f'VirtualHost "{self.domain}"\n', f'{hosts}VirtualHost "{self.domain}"\n')
        )


class FederatedEjabberd(Federated, Ejabberd):
    def federated(self, text):
        text = text.replace(f'hosts: ["{self.domain}"]', "hosts: " + json.dumps([self.domain, *self.more]))
        text = text.replace("s2s_access: none\n", "s2s_access: all\ns2s_use_starttls: false\n")
        listener = f"listen:\n  - {{ip: 127.0.0.1, port: {self.port}, module: ejabberd_s2s_in}}\n"
        text = text.replace("listen:\n", listener)
        return text + "  mod_s2s_dialback: {}\n"

    def __enter__(self):
        self.names = Names(self.others).__enter__()
        (self.directory / "inetrc").write_text(
            # In this order: what a file of the system says comes before what is said here.
            f'{{resolv_conf, "/dev/null"}}.\n{{nameserver, {{127,0,0,1}}, {self.names.port}}}.\n'
        )
        return super().__enter__()

    def __exit__(self, *_):
        super().__exit__()
        self.names.__exit__()

    def environment(self):
        return {"ERL_INETRC": str(self.directory / "inetrc")}


KINDS = {"prosody": FederatedProsody, "ejabberd": FederatedEjabberd}


@contextlib.contextmanager
def pair(first, second, domains, more=()):
    """Two servers of these kinds with a domain each, the second with `more` hosts."""
    ports = free_ports(2)
    with contextlib.ExitStack() as stack:
        here = KINDS[first](domains[0], [], ports[0], dict.fromkeys([domains[1], *more], ports[1]))
        there = KINDS[second](domains[1], list(more), ports[1], {domains[0]: ports[0]})
        yield stack.enter_context(here), stack.enter_context(there)
