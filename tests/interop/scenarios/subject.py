"""The room's subject (XEP-0045 §7.2.15, §8.1)."""

from ..stanza import CLIENT, element
from ..world import equal, scenario


def set_subject(session, room, text):
    session.message(room, element(CLIENT, "subject", text=text))


@scenario
async def a_room_without_a_subject_says_so(world):
    room, alice = await world.occupants("alice")
    bob = await world.client("bob")
    entered = await bob.enter(room, "bob")
    equal(entered[-1].subject, "", "the subject of a room that has none (§7.2.15)")


@scenario
async def a_moderator_changes_the_subject(world):
    room, alice, bob = await world.occupants("alice", "bob", changesubject=False)
    set_subject(alice, room, "tea & cake")
    for session in (alice, bob):
        told = await session.next("the subject")
        equal((told.sender, told.subject), (f"{room}/alice", "tea & cake"), "what is told (§8.1)")
    carol = await world.client("carol")
    entered = await carol.enter(room, "carol")
    equal(entered[-1].subject, "tea & cake", "what a newcomer is told last")


@scenario
async def a_participant_may_not_unless_the_room_allows_it(world):
    room, alice, bob = await world.occupants("alice", "bob", changesubject=False)
    set_subject(bob, room, "mine")
    equal((await bob.next("a refusal")).condition, "forbidden", "a participant's subject (§8.1)")
    await alice.configure(room, changesubject=True)
    bob.inbox.clear()
    set_subject(bob, room, "mine")
    await alice.find(lambda one: one.subject == "mine", "the subject")
