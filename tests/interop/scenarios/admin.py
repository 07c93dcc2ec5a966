"""Kicking, banning, lists and privileges (XEP-0045 §8, §9, §10)."""

from ..world import equal, refused, scenario


@scenario
async def a_moderator_kicks(world):
    room, alice, bob, carol = await world.occupants("alice", "bob", "carol")
    await alice.role(room, "bob", "none", "noise")
    for session, own in ((bob, True), (carol, False)):
        seen = await session.next("bob being kicked")
        equal((seen.nick, seen.type, seen.reason), ("bob", "unavailable", "noise"), "who goes, and why (§8.2)")
        equal((307 in seen.statuses, 110 in seen.statuses), (True, own), f"307 and 110 in {seen}")
    await bob.enter(room, "bob")


@scenario
async def an_owner_bans(world):
    room, alice, bob, carol = await world.occupants("alice", "bob", "carol")
    await alice.affiliation(room, world.jid("bob"), "outcast", "enough")
    for session in (bob, carol):
        seen = await session.next("bob being banned")
        equal((seen.nick, seen.type, 301 in seen.statuses), ("bob", "unavailable", True), f"301 (§9.1) in {seen}")
    equal(await alice.affiliated(room, "outcast"), {world.jid("bob")}, "the ban list (§9.2)")
    await refused(bob.enter(room, "bob"), "forbidden", "coming back")


@scenario
async def lists_are_kept_and_shown(world):
    room, alice, bob = await world.occupants("alice", "bob")
    await alice.affiliation(room, world.jid("bob"), "admin")
    seen = await bob.next("becoming an admin")
    equal((seen.item["affiliation"], seen.item["role"]), ("admin", "moderator"), "the new standing (§10.6)")
    await alice.affiliation(room, world.jid("carol"), "owner")
    await bob.affiliation(room, world.jid("dave"), "member")
    for affiliation, name in (("admin", "bob"), ("member", "dave")):
        equal(await alice.affiliated(room, affiliation), {world.jid(name)}, f"the {affiliation} list")
    equal(await alice.affiliated(room, "owner"), {world.jid("alice"), world.jid("carol")}, "the owner list")


@scenario(differs={"prosody": "answers not-allowed", "ejabberd": "answers not-allowed"})
async def who_may_not_is_refused(world):
    room, alice, bob, carol = await world.occupants("alice", "bob", "carol")
    await refused(bob.role(room, "carol", "none"), "forbidden", "a participant kicking (§8.2)")
    await refused(bob.affiliation(room, world.jid("carol"), "outcast"), "forbidden", "a participant banning (§9.1)")
    await refused(bob.affiliated(room, "outcast"), "forbidden", "a participant reading the ban list (§9.2)")
    await alice.affiliation(room, world.jid("bob"), "admin")
    await refused(bob.role(room, "alice", "none"), "not-allowed", "an admin kicking an owner (§8.2)")
    equal((await carol.ping(room)).type, "result", "who is still there")


@scenario(differs={"ejabberd": "answers not-allowed"})
async def the_last_owner_stays(world):
    room, alice = await world.occupants("alice")
    await refused(alice.affiliation(room, world.jid("alice"), "none"), "conflict", "the last owner (§10.5)")


@scenario
async def voice_is_granted_and_revoked(world):
    # A newcomer's role in a moderated room differs (§5.1.2 says visitor): nobody begins as moderator.
    room, alice, bob = await world.occupants("alice", "bob", moderatedroom=True)
    for role in ("moderator", "visitor", "participant"):
        await alice.role(room, "bob", role)
        seen = await alice.find(lambda one: one.nick == "bob", "bob's new role")
        equal(seen.item["role"], role, "the role (§8.3, §8.4, §9.6)")
