"""What a scenario has at hand: a server, the component behind it, users and rooms."""

import asyncio
import time

from .client import Client, Refused
from .waiting import PATIENCE, PAUSE, TimedOut

SCENARIOS = []


def scenario(function=None, *, needs_annex=False, differs=None):
    """Register a scenario. Its name, spoken, is what it shows.

    `needs_annex` marks one that makes no sense with a server's own rooms;
    `differs` says, by server, how its own rooms deviate from what is right.
    """

    def register(function):
        function.title = function.__name__.replace("_", " ")
        function.needs_annex = needs_annex
        function.differs = differs or {}
        SCENARIOS.append(function)
        return function

    return register(function) if function else register


class World:
    """A running server and, unless its own rooms stand in, the components behind it."""

    def __init__(self, server, components=None):
        self.server = server
        self.components = components or {}
        self.component = component = self.components.get("rooms")
        self.service = component.address if component else f"builtin.{server.domain}"
        self.name = ""  # of the scenario that runs
        self._clients = []
        self._rooms = 0

    def jid(self, name):
        """A user's bare address."""
        return f"{name}@{self.server.domain}"

    def room(self):
        """A room that nobody has used yet."""
        self._rooms += 1
        return f"{self.name.replace(' ', '-')}-{self._rooms}@{self.service}"

    async def client(self, name):
        """A new session of a user, logged in."""
        password = self.server.add_user(name)
        client = Client(self.jid(name), password, self.server.client_port)
        self._clients.append(client)
        return await client.open()

    async def clients(self, *names):
        return [await self.client(name) for name in names]

    async def occupants(self, *names, **config):
        """A new room of the first, with all of them in it under their own names, inboxes read."""
        room = self.room()
        sessions = await self.clients(*names)
        for place, (session, name) in enumerate(zip(sessions, names)):
            if place == 0:
                await session.create(room, name, **config)
            else:
                await session.enter(room, name)
                for earlier in sessions[:place]:
                    await earlier.find(lambda one: one.nick == name, f"{name} entering")
        for session in sessions:
            session.inbox.clear()
        return room, *sessions

    async def serving(self, client, address=None):
        """Wait until the component answers; the server does so in its place while it is away.

        A ping that the server wrote to a component that had just died is answered by nobody.
        """
        address = address or self.service
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await client.ping(address, patience=1)
            except (Refused, TimedOut) as away:
                if time.monotonic() > deadline:
                    raise TimedOut(f"{address} does not answer: {away}") from None
            await asyncio.sleep(PAUSE)

    async def ready(self):
        """Have annex-muc running and answering, whatever the last scenario left."""
        if not self.component.running:
            self.component.start()
        probe = await self.client("probe")
        await self.serving(probe)

    async def close_clients(self):
        clients, self._clients = self._clients, []
        for client in clients:
            await client.close()


def equal(actual, wanted, what):
    """The one assertion: two values, and what they are."""
    if actual != wanted:
        raise AssertionError(f"{what}: wanted {wanted!r}, got {actual!r}")


async def refused(awaitable, condition, what):
    """Check that a request is refused with this condition; return the error stanza."""
    try:
        answer = await awaitable
    except Refused as error:
        equal(error.condition, condition, what)
        return error.stanza
    raise AssertionError(f"{what}: wanted {condition}, got {answer!r}")
