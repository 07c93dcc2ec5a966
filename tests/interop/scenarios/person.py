"""A person with profanity or poezio, and someone with slixmpp, in one room."""

from ..poezio import Poezio
from ..profanity import Profanity
from ..stanza import CLIENT, element
from ..world import equal, scenario


def person(world, name):
    return Profanity(world.jid(name), world.server.add_user(name), world.server.client_port)


@scenario
async def a_person_joins_and_talks(world):
    room, alice = await world.occupants("alice")
    alice.message(room, body="said before")
    await alice.find(lambda one: one.body == "said before", "the message")
    async with person(world, "erin") as erin:
        erin.type(f"/join {room} nick erin")
        await erin.shows("said before")
        came = await alice.next("erin entering")
        equal((came.nick, came.type, came.item["role"]), ("erin", None, "participant"), "who has come")

        erin.type("hello from a terminal 🙂")
        said = await alice.next("the message")
        equal((said.nick, said.body), ("erin", "hello from a terminal 🙂"), "what is heard")
        await erin.shows("erin: hello from a terminal")
        alice.message(room, body="and from a library")
        await erin.shows("alice: and from a library")

        alice.inbox.clear()
        alice.message(room, element(CLIENT, "subject", text="terminals"))
        await erin.shows("terminals")

        erin.type("/nick erika")
        await erin.shows("erika")
        await alice.find(lambda one: one.nick == "erika", "the new nickname")
        erin.type("/close")
        left = await alice.find(lambda one: one.type == "unavailable" and one.nick == "erika", "erin leaving")
        equal(303 in left.statuses, False, f"leaving, not changing names: {left}")


@scenario
async def a_person_makes_a_room(world):
    room, bob = world.room(), await world.client("bob")
    async with person(world, "erin") as erin:
        erin.type(f"/join {room} nick erin")
        await erin.shows("Room locked, requires configuration")
        erin.type("/room accept")
        await erin.shows("Room unlocked")
        await bob.enter(room, "bob")
        await erin.shows("  bob")  # in the list of occupants
        erin.type("/kick bob too loud")
        out = await bob.find(lambda one: one.type == "unavailable" and one.nick == "bob", "being kicked")
        equal((307 in out.statuses, out.reason), (True, "too loud"), f"how bob left: {out}")
        await erin.shows("bob has been kicked")


@scenario
async def another_person_joins_and_talks(world):
    room, alice = await world.occupants("alice")
    alice.message(room, body="said before")
    await alice.find(lambda one: one.body == "said before", "the message")
    password = world.server.add_user("frank")
    async with Poezio(world.jid("frank"), password, world.server.client_port, room, "frank") as frank:
        # Whatever else the server still had for alice may come before.
        came = await alice.find(lambda one: one.kind == "presence" and one.nick == "frank", "frank entering")
        equal((came.nick, came.type, came.item.get("role")), ("frank", None, "participant"), f"who has come: {came}")
        await frank.shows("alice> said before")

        await frank.say("hello from another terminal")
        said = await alice.find(lambda one: one.body, "the message, after word that it is typed")
        equal((said.nick, said.body), ("frank", "hello from another terminal"), "what is heard")
        await frank.shows("frank> hello from another terminal")
        alice.message(room, body="and from a library")
        await frank.shows("alice> and from a library")

        await frank.say("/nick francis")
        await alice.find(lambda one: one.nick == "francis", "the new nickname")
        await frank.shows("frank is now known as francis")
        alice.message(room, element(CLIENT, "subject", text="terminals"))
        await frank.shows("set the subject to: terminals")
        await frank.say("/part goodbye")
        left = await alice.find(lambda one: one.type == "unavailable" and one.nick == "francis", "francis leaving")
        equal(303 in left.statuses, False, f"leaving, not changing names: {left}")
