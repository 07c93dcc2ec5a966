"""Creating a room (XEP-0045 §10.1)."""

from ..stanza import DISCO_INFO, FORM, MUC_OWNER, element
from ..world import equal, refused, scenario


@scenario
async def creating_an_instant_room(world):
    room, (alice, bob) = world.room(), await world.clients("alice", "bob")
    entered = await alice.enter(room, "Alice")
    own = entered[0]
    equal(own.sender, f"{room}/Alice", "who the presence is from")
    equal(own.statuses >= {110, 201}, True, f"status 110 and 201 in {own}")
    equal((own.item["affiliation"], own.item["role"]), ("owner", "moderator"), "the creator's standing")
    await alice.configure(room)
    await bob.enter(room, "Bob")


@scenario(differs={"ejabberd": "does not lock new rooms"})
async def a_new_room_is_locked_until_it_is_configured(world):
    room, (alice, bob) = world.room(), await world.clients("alice", "bob")
    await alice.enter(room, "Alice")
    await refused(bob.enter(room, "Bob"), "item-not-found", "entering a locked room (§10.1.1)")
    await alice.configure(room)
    await bob.enter(room, "Bob")


@scenario
async def creating_a_configured_room(world):
    room, alice = world.room(), await world.client("alice")
    await alice.enter(room, "Alice")
    offered = await alice.request("get", room, element(MUC_OWNER, "query"))
    names = {one.get("var") for one in offered.element.iter(f"{{{FORM}}}field")}
    wanted = {"FORM_TYPE"} | {
        f"muc#roomconfig_{name}"
        for name in ("roomname", "roomdesc", "persistentroom", "publicroom", "membersonly", "moderatedroom", "whois")
    }
    equal(wanted - names, set(), "fields that are not offered (§10.1.3)")
    await alice.configure(room, roomname="A room", roomdesc="With a view", persistentroom=True, whois="anyone")
    info = await alice.request("get", room, element(DISCO_INFO, "query"))
    features = {one.get("var") for one in info.element.iter(f"{{{DISCO_INFO}}}feature")}
    equal({"muc_persistent", "muc_nonanonymous", "muc_open"} - features, set(), "missing features (§6.4)")
    equal(info.element.find(f".//{{{DISCO_INFO}}}identity").get("name"), "A room", "the room's name")


@scenario(differs={"prosody": "tells the owner nothing", "ejabberd": "keeps the room"})
async def cancelling_the_first_configuration_destroys_the_room(world):
    room, alice = world.room(), await world.client("alice")
    await alice.enter(room, "Alice")
    await alice.request("set", room, element(MUC_OWNER, "query", element(FORM, "x", type="cancel")))
    gone = await alice.find(lambda one: one.type == "unavailable", "leaving the destroyed room")
    equal(gone.item["affiliation"], "none", "the affiliation afterwards")
    query = element(DISCO_INFO, "query")
    await refused(alice.request("get", room, query), "item-not-found", "asking a room that is gone")


@scenario
async def only_an_owner_may_configure_and_destroy(world):
    room, alice, bob = await world.occupants("alice", "bob")
    await refused(bob.request("get", room, element(MUC_OWNER, "query")), "forbidden", "the form (§10.2)")
    await refused(bob.configure(room, roomname="mine"), "forbidden", "a configuration (§10.2)")
    destroy = element(MUC_OWNER, "query", element(MUC_OWNER, "destroy"))
    await refused(bob.request("set", room, destroy), "forbidden", "destroying (§10.9)")


@scenario
async def destroying_a_room_tells_everyone_where_to_go(world):
    room, alice, bob = await world.occupants("alice", "bob")
    venue = f"elsewhere@{world.service}"
    reason = element(MUC_OWNER, "reason", text="moved")
    await alice.request("set", room, element(MUC_OWNER, "query", element(MUC_OWNER, "destroy", reason, jid=venue)))
    for session, nick in ((alice, "alice"), (bob, "bob")):
        gone = await session.find(lambda one: one.type == "unavailable" and one.nick == nick, "being put out")
        destroy = gone.element.find(".//{http://jabber.org/protocol/muc#user}destroy")
        equal(destroy.get("jid"), venue, "the alternate venue (§10.9)")
    bob.message(room, body="anyone?")
    equal((await bob.next("a refusal")).type, "error", "what a message to a destroyed room brings")
