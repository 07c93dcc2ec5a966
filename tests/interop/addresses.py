"""Stanzas to many (XEP-0033), and clients that read what comes of them."""

import asyncio
import json
import subprocess

from .annex import binaries
from .client import Client
from .stanza import CLIENT, element
from .waiting import PATIENCE, until

ADDRESS = "http://jabber.org/protocol/address"
KEPT = "the server lets senders' addresses stay"
REFUSED = "the server does not let this service keep senders' addresses"


class Party(Client):
    """A client whose inbox has all that others send it, whoever they are."""

    def _is_from_a_room(self, stanza):
        return stanza.kind in ("message", "presence") and stanza.sender.partition("/")[0] != self.boundjid.bare


async def party(world, name, server=None, domain=None):
    """A new session of a user that reads everything. Others' domains have other servers."""
    server = server or world.server
    domain = domain or server.domain
    client = Party(f"{name}@{domain}", server.add_user(name, domain=domain), server.client_port)
    world._clients.append(client)
    return await client.open()


async def parties(world, *names):
    return [await party(world, name) for name in names]


def address(type_, jid=None, **attributes):
    return element(ADDRESS, "address", type_=type_, jid=jid, **attributes)


def addresses(*entries):
    """`<addresses/>` of elements, or of pairs of a type and an address."""
    made = [address(*entry) if isinstance(entry, tuple) else entry for entry in entries]
    return element(ADDRESS, "addresses", *made)


def seen(stanza):
    """What a recipient sees of the addresses: type, address, and whether it was delivered."""
    found = stanza.element.iter(f"{{{ADDRESS}}}address")
    return [(one.get("type"), one.get("jid"), one.get("delivered")) for one in found]


async def message(client, service, *entries, body="hello", extra=(), **attributes):
    """Send a message to many; return its id."""
    return client.message(service, addresses(*entries), *extra, body=body, type_=None, **attributes)


async def said(client, body):
    """The message with this body."""
    return await client.find(lambda one: one.body == body, f"“{body}”")


async def answered(client, identity):
    """The error to what was sent with this id."""
    return await client.find(lambda one: one.type == "error" and one.id == identity, f"an error to {identity}")


def available(client, service, *entries, **attributes):
    client.put(element(CLIENT, "presence", addresses(*entries), to=service, **attributes))


async def logs(component, words):
    """Wait until the component has said these words."""
    await asyncio.to_thread(
        until, lambda: words in component.tail(1000), f"{component.program} saying: {words}", PATIENCE
    )


async def permitted(component):
    """Started, and its probe has come back."""
    if not component.running:
        component.start()
    await logs(component, KEPT)


def known(component):
    """How many other servers it knows, and how many of them with a service."""
    status = [binaries() / component.program, "status", "--json", "--config", component.config]
    [domain] = json.loads(subprocess.run(status, capture_output=True, check=True).stdout)["domains"]
    servers = domain["component"]["servers"]
    return servers["known"], servers["with_service"]
