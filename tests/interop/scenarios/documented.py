"""The configuration that operators are told to add to their server."""

import asyncio
import os
import re
import subprocess
import tempfile

from ..annex import PROGRAMS, ROOT, binaries
from ..component import attach
from ..waiting import free_ports
from ..world import equal, scenario

# For each server: the language of its snippets in Markdown, the file of all
# four components, and how an address and its secret are found in a snippet.
PLACES = {
    "prosody": ("lua", "prosody.cfg.lua", r'Component "(?P<address>.*?)"\s+component_secret = "(?P<secret>.*?)"'),
    "ejabberd": (
        "yaml",
        "ejabberd.yml",
        r'port: (?P<port>\d+)(?:(?!port:).)*?hosts:\s+"(?P<address>.*?)":\s*\{?\s*password: "(?P<secret>.*?)"',
    ),
}


@scenario
async def the_documented_configuration_works(world):
    language, file, pattern = PLACES[world.server.name]
    everything = (ROOT / "deploy/servers/snippets" / file).read_text()
    equal(len(re.findall(pattern, everything, re.DOTALL)), len(PROGRAMS), f"components in {file}")
    snippets = [everything]
    for page in (ROOT / "README.md", *sorted((ROOT / "docs/book").glob("*.md"))):
        snippets += re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    for snippet in snippets:
        await asyncio.to_thread(boot, type(world.server), snippet, pattern)


def boot(server, snippet, pattern):
    """Start a server that has no components but the snippet's, and attach each of them."""
    attached = re.findall(pattern, snippet, re.DOTALL)
    equal(len(attached), len(re.findall(r"^Component|ejabberd_service", snippet, re.MULTILINE)), snippet)
    shown = sorted(set(re.findall(r"port: (\d+)", snippet)))
    ports = dict(zip(shown, free_ports(len(shown))))
    snippet = re.sub(r"port: (\d+)", lambda found: f"port: {ports[found[1]]}", snippet)
    with server(config=lambda one: one.with_snippet(snippet)) as running:
        for found in re.finditer(pattern, snippet, re.DOTALL):
            port = int(found.groupdict().get("port") or running.ports["rooms"])
            attach(port, found["address"], found["secret"]).close()


@scenario(needs_annex=True)
async def what_init_prints_is_what_the_server_needs(world):
    server = type(world.server)
    with tempfile.TemporaryDirectory() as place:
        await asyncio.to_thread(set_up, server, place)


def set_up(server, place):
    """As an operator does: init, the server's configuration, check. Every program, on one server."""
    snippets = []
    # The settings that the program itself proposes, but for the port, which others may use.
    ports = free_ports(len(PROGRAMS)) if server.ports_are_separate else free_ports(1) * len(PROGRAMS)
    for (service, program), port in zip(PROGRAMS.items(), ports):
        words = ["init", f"{service}.example.test", "--server", server.name, "--port", str(port)]
        snippets.append(re.search(r'^(Component "|  - port: ).*?\n(?=\n)', ask(program, place, *words), re.M | re.S)[0])
    with server(config=lambda one: configured(one, ports, "".join(snippets))):
        for service, program in PROGRAMS.items():
            said = ask(program, place, "check", "--connect", "--strict")
            equal(f"accepts the component {service}." in said, True, said)


def configured(server, ports, snippet):
    server.ports = dict(zip(server.ports, ports))
    return server.with_snippet(snippet)


def ask(program, place, *words):
    words = [binaries() / program, *words, "--config", f"{place}/{program}.toml"]
    environment = os.environ | {"ANNEX_STORE__PATH": f"{place}/{program}"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    equal(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
    return done.stdout
