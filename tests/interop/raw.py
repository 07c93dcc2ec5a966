"""A session whose stanzas are kept as the bytes that came, for what must be right to the byte."""

import asyncio
import base64
import contextlib
import xml.etree.ElementTree as ElementTree
from xml.parsers import expat

from .stanza import Stanza
from .waiting import PATIENCE, TimedOut

STREAM = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0'"
    " xmlns:stream='http://etherx.jabber.org/streams' to='{}'>"
)


class Splitter:
    """Cuts a stream into its children, as bytes."""

    def __init__(self):
        self.children = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._text, self._depth, self._begin, self._ends = b"", 0, 0, False

    def feed(self, data):
        self._text += data
        self._parser.Parse(data)
        if self._ends and self._depth == 1:
            self._cut(len(self._text))

    def _start(self, _name, _attributes):
        if self._depth == 1:
            self._cut(self._parser.CurrentByteIndex)
            self._begin = self._parser.CurrentByteIndex
        self._depth += 1

    def _end(self, _name):
        self._depth -= 1
        self._ends = self._depth == 1

    def _cut(self, end):
        """What ended before `end` is a child; where it ends exactly, its last byte tells."""
        if self._ends:
            self._ends = False
            child = self._text[self._begin : end]
            self.children.append(child[: child.rindex(b">") + 1])


class RawClient:
    """One session of one user: plain login, a resource, available."""

    def __init__(self, jid, password, port, declares=""):
        self.user, _, self.domain = jid.partition("@")
        self.password, self.port = password, port
        self.declares = declares  # prefixes, in the header of its stream
        self.inbox = []  # bytes of messages and presences

    async def open(self, resource):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        await self._begin()
        secret = base64.b64encode(f"\0{self.user}\0{self.password}".encode()).decode()
        self.put(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>")
        await self._until(b"<success")
        await self._begin()
        bind = f"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind>"
        self.put(f"<iq type='set' id='bind'>{bind}</iq>")
        await self._until(b"<jid>")
        self.put("<presence/>")
        # The server handles what a session sends in order: from here on others find it available.
        self.put(f"<iq type='get' id='available' to='{self.domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
        await self._until(b"available")
        return self

    async def close(self):
        self.put("</stream:stream>")
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def put(self, text):
        self._writer.write(text.encode())

    async def next(self, what):
        """The next message that is not the server's own, as bytes."""
        while True:
            child = await self._child(what)
            stanza = Stanza(parsed(child))
            if stanza.kind == "message" and stanza.sender != self.domain:
                return child

    async def answer(self, identity):
        """The answer to this request."""
        while True:
            stanza = Stanza(parsed(await self._child(f"an answer to {identity}")))
            if (stanza.kind, stanza.id) == ("iq", identity):
                return stanza

    async def _begin(self):
        self._splitter = Splitter()
        self.put(STREAM.format(self.domain).replace(" to=", f" {self.declares} to="))
        await self._until(b"features>")

    async def _until(self, wanted):
        while wanted not in await self._child(wanted):
            pass

    async def _child(self, what):
        try:
            async with asyncio.timeout(PATIENCE):
                while not self._splitter.children:
                    data = await self._reader.read(65536)
                    if not data:
                        raise ConnectionError(f"{self.user}: the server has closed the stream")
                    self._splitter.feed(data)
        except TimeoutError:
            raise TimedOut(f"{self.user}@{self.domain}: waited in vain for {what}") from None
        return self._splitter.children.pop(0)


def parsed(child):
    """A child of a client's stream, alone."""
    opening = STREAM.format("x").partition("?>")[2].encode()
    return ElementTree.fromstring(opening + child + b"</stream:stream>")[0]


def canonical(child):
    """Canonical XML (C14N 2.0) of a client's stanza, without what servers add on its way.

    That is an id in their archive (XEP-0359), and the language of the stream
    that it came over where it has none of its own (RFC 6120 §8.1.5).
    """
    element = parsed(child)
    element.attrib.pop("{http://www.w3.org/XML/1998/namespace}lang", None)
    for one in element.findall("{urn:xmpp:sid:0}stanza-id"):
        element.remove(one)
    return ElementTree.canonicalize(ElementTree.tostring(element, encoding="unicode"), rewrite_prefixes=True)
