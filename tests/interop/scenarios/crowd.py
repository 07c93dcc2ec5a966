"""Many at once: whatever they do, each of them sees what there is."""

import asyncio
import contextlib
import itertools
import random

from ..client import Refused
from ..stanza import CLIENT, MUC, MUC_ADMIN, element
from ..world import equal, scenario
from .crashes import eventually

ENTRIES = 4  # of each newcomer
PACE = 0.25  # seconds between two messages: an occupant may send five in a second
STEPS = 120
NICKS = ("one", "two", "three", "four")


@scenario(needs_annex=True)
async def who_enters_while_others_talk_misses_and_doubles_nothing(world):
    room, alice = await world.occupants("alice")
    newcomers = await world.clients("bob", "carol", "dave", "eve")
    said, stop = [], asyncio.Event()

    async def talk():
        for number in itertools.count():
            if stop.is_set():
                return
            said.append(f"number {number}")
            alice.message(room, body=said[-1])
            await asyncio.sleep(PACE)

    async def come_and_go(client, nick):
        for _ in range(ENTRIES):
            entered = await client.enter(room, nick)
            oneself = next(place for place, one in enumerate(entered) if 110 in one.statuses)
            equal({one.kind for one in entered[:oneself]} - {"presence"}, set(), "what comes before oneself (§7.1)")
            equal([one for one in entered[oneself:] if one.kind == "message" and not one.body][:-1], [], "subjects")
            equal([one.body for one in entered if one.body and not one.is_delayed], [], "live before the subject")
            live = await client.until(lambda one: one.body, "a message after the subject")
            heard = [one.body for one in entered + live if one.body]
            begin = said.index(heard[0])
            equal(heard, said[begin : begin + len(heard)], "what was heard")
            await client.leave(room, nick)
            client.inbox.clear()

    talking = asyncio.create_task(talk())
    try:
        names = ("bob", "carol", "dave", "eve")
        await asyncio.gather(*(come_and_go(client, name) for client, name in zip(newcomers, names)))
    finally:
        stop.set()
        await talking


class Watcher:
    """A session, and whom it sees: standing by nickname."""

    def __init__(self, client):
        self.client = client
        self.sees = {}
        self.nick = None  # while it is inside

    def look(self):
        while self.client.inbox:
            one = self.client.inbox.popleft()
            if one.kind != "presence" or not one.nick or one.type == "error":
                continue
            if one.type == "unavailable":
                self.sees.pop(one.nick, None)
                if 110 in one.statuses and 303 not in one.statuses:
                    self.sees, self.nick = {}, None
            else:
                self.sees[one.nick] = (one.item["affiliation"], one.item["role"])
                if 110 in one.statuses:
                    self.nick = one.nick


@scenario(needs_annex=True)
async def whatever_they_do_everyone_sees_who_is_there(world):
    room, alice = await world.occupants("alice")
    names = ("bob", "carol", "dave")
    others = [Watcher(await world.client(name)) for name in names for _ in range(2)]
    owner = Watcher(alice)
    owner.sees, owner.nick = {"alice": ("owner", "moderator")}, "alice"
    chance = random.Random(45)

    async def rule(**item):
        with contextlib.suppress(Refused):
            await alice.request("set", room, element(MUC_ADMIN, "query", element(MUC_ADMIN, "item", **item)))

    for _ in range(STEPS):
        one, nick = chance.choice(others), chance.choice(NICKS)
        one.look()
        match chance.choice(("enter", "move", "enter", "leave", "show", "role", "affiliation", "configure", "crash")):
            case "enter":
                one.client.presence(f"{room}/{nick}", element(MUC, "x"))
            case "move" if one.nick:
                one.client.presence(f"{room}/{nick}")
            case "leave":
                one.client.presence(f"{room}/{nick}", type_="unavailable")
            case "show" if one.nick:
                shown = element(CLIENT, "show", text=chance.choice(("away", "dnd")))
                one.client.presence(f"{room}/{one.nick}", shown)
            case "role":
                await rule(nick=nick, role=chance.choice(("none", "visitor", "participant", "moderator")))
            case "affiliation":
                affiliation = chance.choice(("none", "none", "outcast", "member", "admin", "owner"))
                await rule(jid=world.jid(chance.choice(names)), affiliation=affiliation)
            case "configure":
                whois = chance.choice(("anyone", "moderators"))
                await alice.configure(room, whois=whois, moderatedroom=chance.choice("01"))
            case "crash" if chance.random() < 0.4:
                world.component.crash()
                world.component.start()
                await world.serving(alice, room)

    eve = Watcher(await world.client("eve"))
    eve.client.inbox.extend(await eve.client.enter(room, "eve"))
    watchers = [owner, eve, *others]

    def agree():
        for one in watchers:
            one.look()
        return all(one.sees == (eve.sees if one.nick else {}) for one in watchers)

    try:
        await eventually(agree, "the same view for all")
    except AssertionError:
        for one in watchers:
            equal(one.sees, eve.sees if one.nick else {}, f"whom {one.client.full} sees")
        raise
    inside = [one for one in watchers if one.nick]
    equal({one.nick for one in inside}, set(eve.sees), "who is there, and knows it")
    for one in inside:
        await one.client.ping(f"{room}/{one.nick}")
