"""What keeps a component from attaching: said once, in the server's words, with the thing to do."""

import asyncio
import json
import subprocess

from ..annex import Component, binaries
from ..waiting import PATIENCE, PAUSE, TimedOut, free_ports
from ..world import equal, scenario

BOTH = ("prosody", "ejabberd")

# What is wrong, the line of the configuration that makes it so, and what is said of it by each
# server; None: that server has no objection.
MISTAKES = [
    (
        "a wrong secret",
        ("secret", '"not the one"'),
        {
            "prosody": ("not-authorized (“", "component_secret"),
            "ejabberd": ("not-authorized", "password equal to our secret"),
        },
    ),
    (
        "a subdomain that is not set up",
        ("jid", '"nowhere.example.test"'),
        {
            "prosody": ("host-unknown (“", "restart Prosody"),
            "ejabberd": ("not-authorized", 'an entry "nowhere.example.test"'),
        },
    ),
    (
        "a second process",
        None,
        {"prosody": ("conflict (“", "another process is connected as rooms."), "ejabberd": None},
    ),
    ("the port for clients", ("port", "{client_port}"), dict.fromkeys(BOTH, ["component.port"])),
    (
        "a port that nobody listens at",
        ("port", "{free_port}"),
        dict.fromkeys(BOTH, ["nothing listens at", "start the server"]),
    ),
]


@scenario(needs_annex=True)
async def what_keeps_a_component_away_is_said_once(world):
    server = world.server
    ports = {"client_port": server.client_port, "free_port": free_ports(1)[0]}
    for number, (what, change, said) in enumerate(MISTAKES):
        pieces = said[server.name]
        if pieces is None:
            continue
        name = f"mistaken-{number}"
        extra = f'[admin]\nsocket = "{server.directory / name}.sock"\n'
        component = Component(server, "rooms", name=name, settings=extra)
        if change:
            key, value = change[0], change[1].format(**ports)
            lines = component.config.read_text().splitlines()
            lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in lines]
            component.config.write_text("\n".join(lines) + "\n")
        with component:
            # At once, at once, after one second, two, four: five attempts.
            await attempts(component, 4)
            warnings = [line for line in component.log.read_text().splitlines() if "WARN" in line]
        equal(len(warnings), 1, f"{what}: lines of {warnings}")
        for piece in pieces:
            equal(piece in warnings[0], True, f"{what}: whether {piece!r} is in {warnings[0]!r}")


async def attempts(component, count):
    """Wait until it has tried to connect so often."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                if await asyncio.to_thread(tried, component) >= count:
                    return
                await asyncio.sleep(PAUSE)
    except TimeoutError:
        raise TimedOut(f"waited {PATIENCE:g} s for {count} attempts: {component.tail()}") from None


def tried(component):
    """How often it has tried."""
    asked = [binaries() / component.program, "status", "--json", "--config", component.config]
    answer = subprocess.run(asked, capture_output=True, check=False).stdout
    try:
        return json.loads(answer)["domains"][0]["link"]["attempts"]
    except ValueError:
        return 0  # not yet up
