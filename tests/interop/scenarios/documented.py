"""The configuration that operators are told to add to their server."""

import asyncio
import re

from ..annex import ROOT
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
    readme = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    everything = (ROOT / "deploy/servers/snippets" / file).read_text()
    equal(len(re.findall(pattern, everything, re.DOTALL)), 4, f"components in {file}")
    for snippet in [everything, *readme]:
        await asyncio.to_thread(boot, type(world.server), snippet, pattern)


def boot(server, snippet, pattern):
    """Start a server that has no components but the snippet's, and attach each of them."""
    shown = sorted(set(re.findall(r"port: (\d+)", snippet)))
    ports = dict(zip(shown, free_ports(len(shown))))
    snippet = re.sub(r"port: (\d+)", lambda found: f"port: {ports[found[1]]}", snippet)
    with server(config=lambda one: one.with_snippet(snippet)) as running:
        for found in re.finditer(pattern, snippet, re.DOTALL):
            port = int(found.groupdict().get("port") or running.ports["rooms"])
            attach(port, found["address"], found["secret"]).close()
