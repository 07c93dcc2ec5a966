"""What remains when a program ends without warning."""

import asyncio

from ..stanza import DISCO_INFO, element
from ..world import equal, scenario


@scenario(needs_annex=True)
async def occupants_outlive_a_crash(world):
    room, alice, bob = await world.occupants("alice", "bob", persistentroom=False)
    world.component.crash()
    world.component.start()
    await world.serving(alice)
    alice.message(room, body="did anything happen?")
    got = await bob.find(lambda one: one.body == "did anything happen?", "a message without entering again")
    equal(got.nick, "alice", "who speaks")
    equal((await bob.ping(f"{room}/bob")).type, "result", "whether bob is still inside")
    left = [one for one in (*alice.inbox, *bob.inbox) if one.type == "unavailable"]
    equal(left, [], "who was seen leaving")


@scenario(needs_annex=True)
async def rooms_outlive_a_crash(world):
    room, alice = await world.occupants("alice", persistentroom=True, roomname="Lasting", whois="anyone")
    await alice.affiliation(room, world.jid("bob"), "admin")
    alice.message(room, body="to be kept")
    await alice.find(lambda one: one.body == "to be kept", "the message")
    world.component.crash()
    world.component.start()
    await world.serving(alice)
    equal(await alice.affiliated(room, "admin"), {world.jid("bob")}, "the admins")
    info = await alice.request("get", room, element(DISCO_INFO, "query"))
    equal(info.element.find(f".//{{{DISCO_INFO}}}identity").get("name"), "Lasting", "the name")
    bob = await world.client("bob")
    entered = await bob.enter(room, "bob")
    equal([one.body for one in entered if one.body], ["to be kept"], "the history")


@scenario(needs_annex=True)
async def the_component_comes_back_to_a_restarted_server(world):
    room, alice = await world.occupants("alice", persistentroom=True)
    await asyncio.to_thread(world.server.stop)
    await alice.ended()
    await asyncio.to_thread(world.server.start)
    alice = await world.client("alice")
    await world.serving(alice)
    await alice.enter(room, "alice")
    alice.message(room, body="back again")
    await alice.find(lambda one: one.body == "back again", "the message")


@scenario(needs_annex=True)
async def a_clean_stop_ends_well(world):
    alice = await world.client("alice")
    equal(world.component.stop(), 0, "the exit code")
    world.component.start()
    await world.serving(alice)
