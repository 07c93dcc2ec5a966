"""Entering a room (XEP-0045 §7.2)."""

from ..client import Refused
from ..stanza import MUC, element
from ..world import equal, refused, scenario


@scenario
async def events_come_in_their_order(world):
    room, alice, bob = await world.occupants("alice", "bob", whois="anyone")
    alice.message(room, body="before")
    await alice.find(lambda one: one.body == "before", "the reflection")
    carol = await world.client("carol")
    entered = await carol.enter(room, "carol")
    kinds = ["history" if one.is_delayed and one.body else "subject" if one.is_subject else one.nick for one in entered]
    equal(sorted(kinds[:2]), ["alice", "bob"], "the others' presence comes first (§7.1)")
    equal(kinds[2:], ["carol", "history", "subject"], "then one's own, history and subject (§7.1)")
    equal(110 in entered[2].statuses, True, f"status 110 in {entered[2]}")
    equal([110 in one.statuses for one in entered[:2]], [False, False], "110 in others' presence")


@scenario
async def others_see_one_enter(world):
    room, alice, bob = await world.occupants("alice", "bob")
    carol = await world.client("carol")
    await carol.enter(room, "carol")
    seen = await bob.next("carol entering")
    equal((seen.nick, seen.type, seen.statuses), ("carol", None, set()), "what others see")
    equal((seen.item["affiliation"], seen.item["role"]), ("none", "participant"), "with which standing")


@scenario
async def real_addresses_are_for_moderators(world):
    room, alice, bob = await world.occupants("alice", "bob", whois="moderators")
    carol = await world.client("carol")
    entered = await carol.enter(room, "carol")
    equal([one.item.get("jid") for one in entered[:2]], [None, None], "addresses that a participant gets")
    equal(100 in entered[2].statuses, False, "status 100 in a semi-anonymous room")
    seen = await alice.find(lambda one: one.nick == "carol", "carol entering")
    equal(seen.item["jid"], carol.full, "the address that a moderator gets")
    seen = await bob.find(lambda one: one.nick == "carol", "carol entering")
    equal(seen.item.get("jid"), None, "the address that a participant gets")


@scenario
async def everyone_sees_addresses_in_a_nonanonymous_room(world):
    room, alice, bob = await world.occupants("alice", "bob", whois="anyone")
    carol = await world.client("carol")
    entered = await carol.enter(room, "carol")
    equal(100 in entered[2].statuses, True, "status 100 (§7.2.3)")
    equal({one.item["jid"] for one in entered[:2]}, {alice.full, bob.full}, "the others' addresses")
    seen = await bob.find(lambda one: one.nick == "carol", "carol entering")
    equal(seen.item["jid"], carol.full, "the newcomer's address")


@scenario
async def a_nickname_in_use_is_refused(world):
    room, alice = await world.occupants("alice")
    bob = await world.client("bob")
    error = await refused(bob.enter(room, "alice"), "conflict", "another's nickname (§7.2.8)")
    equal(error.error_type, "cancel", "the type of error")


@scenario(differs={"prosody": "answers nothing"})
async def a_nickname_is_needed(world):
    room, alice = await world.occupants("alice")
    bob = await world.client("bob")
    bob.presence(room, element(MUC, "x"))
    error = await bob.next("a refusal")
    equal(error.condition, "jid-malformed", "no nickname (§7.2.1)")


@scenario
async def entering_again_tells_everything_again(world):
    room, alice, bob = await world.occupants("alice", "bob")
    entered = await bob.enter(room, "bob")
    seen = [one.nick for one in entered if one.kind == "presence"]
    equal(seen, ["alice", "bob"], "presence on a second join (§17.3)")
    equal(110 in entered[1].statuses, True, "status 110")


@scenario(differs={"prosody": "tells them again", "ejabberd": "tells them again"})
async def entering_again_is_no_news_to_others(world):
    room, alice, bob = await world.occupants("alice", "bob")
    await bob.enter(room, "bob")
    equal(await alice.quiet(room), [], "what others see of it")


@scenario
async def two_sessions_share_a_nickname(world):
    room, alice, bob = await world.occupants("alice", "bob")
    again = await world.client("bob")
    await again.enter(room, "bob")
    alice.message(room, body="to both")
    for session in (bob, again):
        await session.find(lambda one: one.body == "to both", "the message")
    alice.inbox.clear()
    await again.leave(room, "bob")
    alice.message(room, body="to one")
    await bob.find(lambda one: one.body == "to one", "the message")
    seen = [one for one in await alice.quiet(room) if one.type == "unavailable"]
    equal(seen, [], "who has left while a session remains (§7.2.8)")


@scenario
async def an_emoji_in_a_resource_disturbs_nobody(world):
    room, alice = await world.occupants("alice")
    bob = await world.client("bob")
    try:
        await bob.enter(room, "b🙂b")
    except Refused as error:
        # ejabberd itself refuses what is addressed to such a nickname.
        equal(error.condition in ("jid-malformed", "bad-request"), True, f"how it is refused: {error}")
    alice.message(room, body="still here? 🙂")
    await alice.find(lambda one: one.body == "still here? 🙂", "the message")
