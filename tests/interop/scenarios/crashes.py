"""Crash after crash, while people talk, come and go."""

import asyncio
import itertools
import random

from ..client import Refused
from ..waiting import PATIENCE, PAUSE, TimedOut
from ..world import equal, scenario

ROUNDS = 5
BETWEEN_CRASHES = 40  # messages that came back to their senders
PACE = 0.02  # seconds between two messages of one speaker


async def eventually(condition, what):
    """Look until `condition` is true; the clients go on meanwhile."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(PAUSE)
    except TimeoutError:
        raise TimedOut(f"waited {PATIENCE:g} s in vain for {what}") from None


class Speaker:
    """One who talks in every room without a pause, and keeps all that was heard."""

    def __init__(self, client, name, rooms):
        self.client, self.name, self.rooms = client, name, rooms
        self.heard = {room: [] for room in rooms}  # bodies, in the order in which they first came
        self.own = 0  # messages of our own that came back

    async def talk(self, stop):
        for number in itertools.count():
            if stop.is_set():
                return
            self.client.message(self.rooms[number % len(self.rooms)], body=f"{self.name} {number}")
            self.listen()
            await asyncio.sleep(PACE)

    def listen(self):
        while self.client.inbox:
            one = self.client.inbox.popleft()
            room, _, nick = one.sender.partition("/")
            if one.kind == "presence" and one.type in ("unavailable", "error") and nick in (self.name, ""):
                raise AssertionError(f"{self.name} was put out: {one}")
            if one.kind != "message" or one.type != "groupchat" or one.body is None:
                continue
            if one.body not in self.heard[room]:
                self.heard[room].append(one.body)
                self.own += nick == self.name

    def has_heard(self, bodies):
        self.listen()
        return all(body in heard for heard in self.heard.values() for body in bodies)


@scenario(needs_annex=True)
async def what_came_back_to_its_sender_reaches_everyone_whatever_crashes(world):
    names = ("alice", "bob", "carol", "dave")
    settled = [await world.occupants(*names) for _ in range(2)]
    rooms = [room for room, *_ in settled]
    speakers = []
    for name, *sessions in zip(names, *(sessions for _, *sessions in settled)):
        # One session of each in every room, so that what one hears can be compared.
        client = sessions[0]
        await sessions[1].leave(rooms[1], name)
        await client.enter(rooms[1], name)
        speakers.append(Speaker(client, name, rooms))
    for speaker in speakers:
        speaker.client.inbox.clear()

    stop = asyncio.Event()
    talking = [asyncio.create_task(speaker.talk(stop)) for speaker in speakers]
    try:
        for _ in range(ROUNDS):
            wanted = sum(speaker.own for speaker in speakers) + BETWEEN_CRASHES
            await eventually(
                lambda: any(one.done() for one in talking) or sum(one.own for one in speakers) >= wanted,
                "messages that came back",
            )
            world.component.crash()
            world.component.start()
            await world.serving(speakers[0].client, rooms[0])
    finally:
        stop.set()
        await asyncio.gather(*talking)

    ends = [f"{name} ends" for name in names]
    for speaker, end in zip(speakers, ends):
        for room in rooms:
            speaker.client.message(room, body=end)
    for speaker in speakers:
        await eventually(lambda: speaker.has_heard(ends), f"{speaker.name} hearing the last words")

    for room in rooms:
        acknowledged = {body for one in speakers for body in one.heard[room] if body.startswith(one.name)}
        for speaker in speakers:
            equal(sorted(acknowledged - set(speaker.heard[room])), [], f"what {speaker.name} missed in {room}")
        first = speakers[0].heard[room]
        for other in speakers[1:]:
            equal([one for one in other.heard[room] if one in first], first, f"the order that {other.name} heard")


@scenario(needs_annex=True)
async def no_ghost_remains_of_who_came_and_went_among_crashes(world):
    room, alice, bob = await world.occupants("alice", "bob")
    visitor = await world.client("carol")
    chance = random.Random(45)
    inside = None
    for round_ in range(8):
        nick = f"visitor{round_}"
        try:
            if inside:
                visitor.presence(f"{room}/{inside}", type_="unavailable")
                left, inside = inside, None
                if chance.random() < 0.5:
                    await visitor.find(lambda one: one.type == "unavailable" and one.nick == left, "having left")
            else:
                await visitor.enter(room, nick)
                inside = nick
        except Refused:
            pass
        world.component.crash()
        world.component.start()
        await world.serving(alice, room)
    # Who believes to be outside says so once more: a server may have lost it while nobody was there to hear.
    if not inside:
        visitor.presence(f"{room}/anyone", type_="unavailable")
    dave = await world.client("dave")
    entered = await dave.enter(room, "dave")
    present = {one.nick for one in entered if one.kind == "presence" and one.type is None}
    equal(present, {"alice", "bob", "dave"} | ({inside} if inside else set()), "who is inside")
    for session, name in ((alice, "alice"), (bob, "bob")):
        seen = {}
        for one in await session.quiet(room):
            if one.kind == "presence" and one.nick:
                seen[one.nick] = one.type is None
        ghosts = {nick for nick, there in seen.items() if there} - present
        equal(ghosts, set(), f"whom {name} still sees")
