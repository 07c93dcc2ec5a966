"""Changing one's nickname and presence (XEP-0045 §7.6, §7.7)."""

from ..stanza import CLIENT, element
from ..world import equal, scenario


@scenario
async def a_nickname_changes_for_everyone(world):
    room, alice, bob = await world.occupants("alice", "bob")
    bob.presence(f"{room}/robert")
    for session, own in ((alice, False), (bob, True)):
        left = await session.next("the old name leaving")
        equal((left.nick, left.type, left.item["nick"]), ("bob", "unavailable", "robert"), "the old name")
        equal((303 in left.statuses, 110 in left.statuses), (True, own), f"303 and 110 in {left}")
        came = await session.next("the new name")
        equal((came.nick, came.type, 110 in came.statuses), ("robert", None, own), "the new name")
    bob.message(room, body="it is me")
    equal((await alice.next("the message")).nick, "robert", "who speaks")


@scenario
async def a_taken_nickname_is_refused(world):
    room, alice, bob = await world.occupants("alice", "bob")
    bob.presence(f"{room}/alice")
    equal((await bob.next("a refusal")).condition, "conflict", "a nickname in use (§7.6)")
    bob.message(room, body="still bob")
    equal((await alice.next("the message")).nick, "bob", "who speaks")


@scenario
async def availability_is_shown_to_all(world):
    room, alice, bob = await world.occupants("alice", "bob")
    show, status = element(CLIENT, "show", text="away"), element(CLIENT, "status", text="tea")
    bob.presence(f"{room}/bob", show, status)
    for session in (alice, bob):
        seen = await session.next("the presence")
        texts = seen.element.findtext(f"{{{CLIENT}}}show"), seen.element.findtext(f"{{{CLIENT}}}status")
        equal((seen.nick, *texts), ("bob", "away", "tea"), "what is shown (§7.7)")
