"""Messages to everyone and to one occupant (XEP-0045 §7.4, §7.5)."""

from ..stanza import MUC_USER, element
from ..world import equal, scenario


@scenario
async def a_message_reaches_everyone(world):
    room, *sessions = await world.occupants("alice", "bob", "carol")
    identity = sessions[0].message(room, body="hello <&> 'all' 🙂")
    for session in sessions:
        got = await session.next("the message")
        equal((got.kind, got.type, got.sender), ("message", "groupchat", f"{room}/alice"), "what comes")
        equal((got.id, got.body), (identity, "hello <&> 'all' 🙂"), "id and body (§7.4)")
        equal(got.to, session.full, "the recipient")


@scenario
async def messages_keep_their_order(world):
    room, alice, bob = await world.occupants("alice", "bob")
    wanted = [f"{number}" for number in range(5)]
    for body in wanted:
        alice.message(room, body=body)
    for session in (alice, bob):
        equal([(await session.next("a message")).body for _ in wanted], wanted, "the order")


@scenario
async def what_is_not_known_is_passed_on(world):
    room, alice, bob = await world.occupants("alice", "bob")
    strange = element("urn:example:strange", "thing", element("urn:example:other", "part", text="x"), mood="odd")
    alice.message(room, strange, body="with a payload")
    got = (await bob.next("the message")).child("urn:example:strange", "thing")
    equal(got.get("mood"), "odd", "an attribute")
    equal(got.findtext("{urn:example:other}part"), "x", "a child")


@scenario
async def who_is_not_inside_cannot_speak(world):
    room, alice = await world.occupants("alice")
    bob = await world.client("bob")
    bob.message(room, body="through the door")
    equal((await bob.next("a refusal")).condition, "not-acceptable", "speaking from outside (§7.4)")
    equal(await alice.quiet(room), [], "what those inside hear")


@scenario
async def a_private_message_reaches_one(world):
    room, alice, bob, carol = await world.occupants("alice", "bob", "carol")
    alice.message(f"{room}/bob", body="between us", type_="chat")
    got = await bob.next("the private message")
    equal((got.type, got.sender, got.body), ("chat", f"{room}/alice", "between us"), "what comes")
    equal(got.has(MUC_USER, "x"), True, "the mark of a private message (§7.5)")
    equal(await carol.quiet(room), [], "what a third hears")


@scenario
async def private_messages_are_refused_where_they_must_be(world):
    room, alice, bob = await world.occupants("alice", "bob")
    alice.message(f"{room}/nobody", body="hello?", type_="chat")
    equal((await alice.next("an error")).condition, "item-not-found", "a nickname nobody has (§7.5)")
    alice.message(f"{room}/bob", body="hello", type_="groupchat")
    equal((await alice.next("an error")).condition, "bad-request", "groupchat to one occupant (§7.5)")
    equal(await bob.quiet(room), [], "what the other hears")


@scenario
async def a_visitor_may_not_speak(world):
    room, alice, bob = await world.occupants("alice", "bob", moderatedroom=True)
    # Whatever a newcomer's role is in a moderated room: §5.1.2 says visitor.
    for role in ("moderator", "visitor"):
        await alice.role(room, "bob", role)
        await bob.find(lambda one, role=role: one.item.get("role") == role, f"becoming {role}")
    bob.message(room, body="psst")
    equal((await bob.next("an error")).condition, "forbidden", "a visitor's message (§7.4)")
    await alice.role(room, "bob", "participant")
    await bob.find(lambda one: one.item.get("role") == "participant", "gaining voice")
    bob.message(room, body="thanks")
    await alice.find(lambda one: one.body == "thanks", "the message")
