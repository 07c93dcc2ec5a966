"""A client of slixmpp that keeps what rooms send it, in order, as it came.

slixmpp does what a client does: connecting, logging in, answering requests.
What a scenario looks at are the stanzas themselves, because a library's view
of them hides just what has to be checked.
"""

import asyncio
import collections
import contextlib
import xml.etree.ElementTree as ElementTree

import slixmpp

from .stanza import CLIENT, MUC, MUC_ADMIN, MUC_OWNER, Stanza, element, form
from .waiting import PATIENCE, TimedOut


class Refused(Exception):
    """A request was answered with an error."""

    def __init__(self, stanza):
        super().__init__(repr(stanza))
        self.stanza = stanza
        self.condition = stanza.condition


class Client(slixmpp.ClientXMPP):
    """One session of one user."""

    def __init__(self, jid, password, port):
        super().__init__(jid, password)
        # Loopback: no certificates, and passwords may be seen.
        self.enable_plaintext, self.enable_starttls, self.enable_direct_tls = True, False, False
        self["feature_mechanisms"].unencrypted_plain = True
        for plugin in ("xep_0030", "xep_0092", "xep_0199"):
            self.register_plugin(plugin)
        self.port = port
        self.inbox = collections.deque()  # what rooms sent and nobody has read
        self.full = ""  # our address with its resource
        self._news = asyncio.Event()
        self._requests = {}
        self._count = 0
        self._ended = None

    # The session.

    async def open(self):
        """Connect, log in and be available."""
        loop = asyncio.get_running_loop()
        started, self._ended = loop.create_future(), loop.create_future()

        def settle(result):
            if not started.done():
                started.set_result(result)

        self.add_event_handler("session_start", lambda _: settle(None), disposable=True)
        self.add_event_handler("failed_all_auth", lambda _: settle("login was refused"), disposable=True)
        self.add_event_handler("connection_failed", lambda why: settle(str(why)), disposable=True)
        self.add_event_handler("disconnected", self._on_disconnected)
        self.connect("127.0.0.1", self.port)
        trouble = await asyncio.wait_for(started, PATIENCE)
        if trouble:
            raise ConnectionError(f"{self.boundjid}: {trouble}")
        self.full = self.boundjid.full
        self.send_presence()
        # The server handles what a session sends in order: from here on others find it available.
        await self.ping(self.boundjid.domain)
        return self

    async def close(self):
        """Log out as a client does that is told to quit."""
        if self._ended and not self._ended.done():
            self.disconnect(wait=5)
            await self._ended

    async def drop(self):
        """Vanish, as a client does whose machine is gone."""
        self.abort()
        await self._ended

    async def ended(self):
        """Wait until the server has ended the session."""
        await asyncio.wait_for(asyncio.shield(self._ended), PATIENCE)

    def _on_disconnected(self, _):
        self.cancel_connection_attempt()
        if not self._ended.done():
            self._ended.set_result(None)

    def incoming_filter(self, xml):
        stanza = Stanza(xml)
        if stanza.kind == "iq" and stanza.id in self._requests and stanza.type in ("result", "error"):
            self._requests.pop(stanza.id).set_result(stanza)
        elif self._is_from_a_room(stanza):
            self.inbox.append(stanza)
            self._news.set()
        return xml

    def _is_from_a_room(self, stanza):
        """Whether a room sent it, of what it says about occupants and to them.

        A room may have presence of its own, without a nickname (XEP-0045
        knows none; avatars and capabilities use it), which no scenario counts.
        """
        room, _, nick = stanza.sender.partition("/")
        if stanza.kind not in ("message", "presence") or "@" not in room or room == self.boundjid.bare:
            return False
        return stanza.kind == "message" or bool(nick) or stanza.type == "error"

    # Sending.

    def put(self, stanza):
        """Send an element as it is."""
        self.send_raw(ElementTree.tostring(stanza, encoding="unicode"))

    def next_id(self, prefix="s"):
        self._count += 1
        return f"{prefix}{self._count}"

    def presence(self, to, *children, **attributes):
        self.put(element(CLIENT, "presence", *children, to=to, **attributes))

    def message(self, to, *children, body=None, type_="groupchat", **attributes):
        """Send a message; return its id."""
        identity = attributes.pop("id_", None) or self.next_id("m")
        bodies = [] if body is None else [element(CLIENT, "body", text=body)]
        self.put(element(CLIENT, "message", *bodies, *children, to=to, type_=type_, id=identity, **attributes))
        return identity

    async def request(self, type_, to, payload, patience=PATIENCE):
        """Send an IQ; return its result, or raise `Refused` with its error."""
        identity = self.next_id("q")
        answer = self._requests[identity] = asyncio.get_running_loop().create_future()
        self.put(element(CLIENT, "iq", payload, to=to, type_=type_, id=identity))
        try:
            stanza = await asyncio.wait_for(answer, patience)
        except TimeoutError:
            raise TimedOut(f"{self.boundjid}: no answer from {to} in {patience:g} s") from None
        finally:
            self._requests.pop(identity, None)
        if stanza.type == "error":
            raise Refused(stanza)
        return stanza

    async def ping(self, to, patience=PATIENCE):
        return await self.request("get", to, element("urn:xmpp:ping", "ping"), patience)

    # Reading.

    async def next(self, what="a stanza", patience=PATIENCE):
        """The next unread stanza from a room."""
        try:
            async with asyncio.timeout(patience):
                while not self.inbox:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimedOut(f"{self.boundjid}: waited {patience:g} s in vain for {what}") from None
        return self.inbox.popleft()

    async def until(self, test, what):
        """All unread stanzas up to and with the first that passes `test`."""
        read = []
        while not read or not test(read[-1]):
            try:
                read.append(await self.next(what))
            except TimedOut as late:
                raise TimedOut(f"{late}; there were {read}") from None
        return read

    async def find(self, test, what):
        """The first stanza that passes `test`; those before it are read over."""
        return (await self.until(test, what))[-1]

    async def quiet(self, room):
        """What the room has sent us, and nobody has read, by the time it answers a request."""
        with contextlib.suppress(Refused):
            await self.ping(room)
        unread = list(self.inbox)
        self.inbox.clear()
        return unread

    # What people do in rooms.

    async def enter(self, room, nick, *children, password=None, history=None):
        """Join; return all that came up to the subject, or raise `Refused`."""
        secret = [] if password is None else [element(MUC, "password", text=password)]
        wanted = [] if history is None else [element(MUC, "history", **history)]
        self.presence(f"{room}/{nick}", element(MUC, "x", *secret, *wanted), *children)

        def is_end(stanza):
            if stanza.kind == "presence" and stanza.type == "error" and stanza.sender.startswith(room):
                raise Refused(stanza)
            return stanza.is_subject and stanza.sender.partition("/")[0] == room

        return await self.until(is_end, f"the subject of {room}")

    async def create(self, room, nick, **config):
        """Make a room, with this configuration; be in it."""
        got = await self.enter(room, nick)
        await self.configure(room, **config)
        return got

    async def configure(self, room, **config):
        payload = form("http://jabber.org/protocol/muc#roomconfig", **config)
        return await self.request("set", room, element(MUC_OWNER, "query", payload))

    async def leave(self, room, nick, status=None):
        """Leave; return the presence that says so."""
        said = [] if status is None else [element(CLIENT, "status", text=status)]
        self.presence(f"{room}/{nick}", *said, type_="unavailable")
        return await self.find(lambda one: one.type == "unavailable" and 110 in one.statuses, "having left")

    async def affiliation(self, room, jid, affiliation, reason=None):
        """Change someone's affiliation."""
        reasons = [] if reason is None else [element(MUC_ADMIN, "reason", text=reason)]
        item = element(MUC_ADMIN, "item", *reasons, jid=jid, affiliation=affiliation)
        return await self.request("set", room, element(MUC_ADMIN, "query", item))

    async def role(self, room, nick, role, reason=None):
        """Change someone's role."""
        reasons = [] if reason is None else [element(MUC_ADMIN, "reason", text=reason)]
        item = element(MUC_ADMIN, "item", *reasons, nick=nick, role=role)
        return await self.request("set", room, element(MUC_ADMIN, "query", item))

    async def affiliated(self, room, affiliation):
        """The bare addresses on one of a room's lists."""
        query = element(MUC_ADMIN, "query", element(MUC_ADMIN, "item", affiliation=affiliation))
        answer = await self.request("get", room, query)
        return {item.get("jid") for item in answer.element.iter(f"{{{MUC_ADMIN}}}item")}
