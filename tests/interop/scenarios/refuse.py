"""Who may not enter (XEP-0045 §7.2.5 to 7.2.7)."""

from ..world import equal, refused, scenario


@scenario
async def a_password_is_asked_for(world):
    room, alice = await world.occupants("alice", passwordprotectedroom=True, roomsecret="xyzzy")
    bob = await world.client("bob")
    error = await refused(bob.enter(room, "bob"), "not-authorized", "no password (§7.2.5)")
    equal(error.error_type, "auth", "the type of error")
    await refused(bob.enter(room, "bob", password="plugh"), "not-authorized", "a wrong password")
    await bob.enter(room, "bob", password="xyzzy")


@scenario
async def a_room_for_members_is_closed_to_others(world):
    room, alice = await world.occupants("alice", membersonly=True)
    bob = await world.client("bob")
    error = await refused(bob.enter(room, "bob"), "registration-required", "a non-member (§7.2.6)")
    equal(error.error_type, "auth", "the type of error")
    await alice.affiliation(room, world.jid("bob"), "member")
    entered = await bob.enter(room, "bob")
    equal(entered[1].item["affiliation"], "member", "the affiliation")


@scenario
async def who_is_banned_stays_out(world):
    room, alice = await world.occupants("alice")
    await alice.affiliation(room, world.jid("bob"), "outcast", "noise")
    bob = await world.client("bob")
    error = await refused(bob.enter(room, "bob"), "forbidden", "an outcast (§7.2.7)")
    equal(error.error_type, "auth", "the type of error")
    await alice.affiliation(room, world.jid("bob"), "none")
    await bob.enter(room, "bob")


@scenario
async def who_loses_membership_leaves_a_members_room(world):
    room, alice, bob = await world.occupants("alice", "bob")
    await alice.affiliation(room, world.jid("bob"), "member")
    await alice.configure(room, membersonly=True)
    await alice.affiliation(room, world.jid("bob"), "none")
    out = await bob.find(lambda one: one.type == "unavailable" and one.nick == "bob", "being put out")
    equal(321 in out.statuses, True, f"status 321 (§9.4) in {out}")
