"""Leaving, and being found gone (XEP-0045 §7.14, §18.1.2)."""

from ..stanza import CLIENT, DISCO_INFO, STREAM_ERRORS, element
from ..world import equal, refused, scenario


@scenario
async def leaving_is_seen_by_all(world):
    room, alice, bob = await world.occupants("alice", "bob")
    own = await bob.leave(room, "bob", "good night")
    seen = await alice.next("bob leaving")
    for one in (own, seen):
        equal((one.nick, one.type, one.item["role"]), ("bob", "unavailable", "none"), "who has left")
        equal(one.element.findtext(f"{{{CLIENT}}}status"), "good night", "the last words (§7.14)")
    equal(110 in seen.statuses, False, "110 in what others see")


@scenario
async def a_lost_connection_leaves_the_room(world):
    room, alice, bob = await world.occupants("alice", "bob")
    await bob.drop()
    seen = await alice.next("bob leaving")
    equal((seen.nick, seen.type), ("bob", "unavailable"), "who has left")


@scenario(differs={"ejabberd": "keeps it for a while"})
async def a_temporary_room_ends_with_its_last_occupant(world):
    room, alice = await world.occupants("alice", persistentroom=False)
    await alice.leave(room, "alice")
    again = await alice.enter(room, "alice")
    equal(201 in again[0].statuses, True, "whether the room is new (§10.1)")
    await alice.configure(room, persistentroom=True)
    await alice.leave(room, "alice")
    again = await alice.enter(room, "alice")
    equal(201 in again[0].statuses, False, "whether a persistent room is new")


@scenario
async def a_room_that_is_gone_is_not_found(world):
    alice = await world.client("alice")
    query = element(DISCO_INFO, "query")
    await refused(alice.request("get", world.room(), query), "item-not-found", "a room that never was (§6.4)")


@scenario(differs={"ejabberd": "gives no 333"})
async def an_error_from_an_occupant_removes_him(world):
    room, alice, bob = await world.occupants("alice", "bob")
    alice.message(room, body="are you there?")
    await bob.next("the message")
    error = element(CLIENT, "error", element(STREAM_ERRORS, "recipient-unavailable"), type="cancel")
    bob.message(room, error, type_="error")
    await alice.next("the message")
    seen = await alice.next("bob being removed")
    equal((seen.nick, seen.type, 333 in seen.statuses), ("bob", "unavailable", True), f"{seen}")
    equal(307 in seen.statuses, False, "307 beside 333")
