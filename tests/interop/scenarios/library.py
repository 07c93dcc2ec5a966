"""slixmpp's own idea of a room, which is what its users rely on (its plugin for XEP-0045)."""

import asyncio

from slixmpp import JID

from ..waiting import PATIENCE
from ..world import equal, scenario


@scenario
async def slixmpp_enters_talks_and_leaves(world):
    room, alice = await world.occupants("alice")
    bob = await world.client("bob")
    bob.register_plugin("xep_0045")
    rooms = bob["xep_0045"]
    _own, _subject, occupants, _history = await rooms.join_muc_wait(JID(room), "bob", timeout=PATIENCE, maxstanzas=0)
    equal(sorted(one["from"].resource for one in occupants), ["alice", "bob"], "whom it sees inside")
    heard = asyncio.get_running_loop().create_future()
    bob.add_event_handler(f"muc::{room}::message", lambda one: heard.done() or heard.set_result(one["body"]))
    alice.message(room, body="hello slixmpp")
    equal(await asyncio.wait_for(heard, PATIENCE), "hello slixmpp", "what it hears")
    equal(await rooms.set_self_nick(JID(room), "robert"), "robert", "its new nickname")
    rooms.leave_muc(JID(room), "robert")
    await alice.find(lambda one: one.nick == "robert" and one.type == "unavailable", "bob leaving")
