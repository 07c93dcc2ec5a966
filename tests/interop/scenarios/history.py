"""What a late joiner gets of what was said (XEP-0045 §7.2.13, §7.2.14)."""

from ..stanza import DELAY
from ..world import equal, scenario


async def room_with_history(world, *bodies):
    room, alice = await world.occupants("alice")
    for body in bodies:
        alice.message(room, body=body)
        await alice.find(lambda one: one.body == body, "the message")
    return room, alice


@scenario
async def a_late_joiner_gets_history(world):
    room, alice = await room_with_history(world, "one", "two", "three")
    bob = await world.client("bob")
    told = [one for one in await bob.enter(room, "bob") if one.kind == "message" and one.body]
    equal([one.body for one in told], ["one", "two", "three"], "the history, oldest first")
    for one in told:
        equal((one.type, one.sender), ("groupchat", f"{room}/alice"), "who said it")
        equal(one.child(DELAY, "delay").get("stamp", "")[-1:], "Z", f"the stamp (§7.2.13) in {one}")


@scenario
async def history_is_as_long_as_asked_for(world):
    room, alice = await room_with_history(world, "one", "two", "three")
    for limit, wanted in (("0", []), ("2", ["two", "three"])):
        bob = await world.client("bob")
        told = [one.body for one in await bob.enter(room, "bob", history={"maxstanzas": limit}) if one.body]
        equal(told, wanted, f"maxstanzas={limit} (§7.2.14)")
        await bob.leave(room, "bob")
