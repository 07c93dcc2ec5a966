"""What the service says about itself, and whether one is still in a room."""

from ..annex import PROGRAMS
from ..stanza import DISCO_INFO, DISCO_ITEMS, MUC, element
from ..world import equal, refused, scenario

COMMANDS = "http://jabber.org/protocol/commands"


@scenario
async def the_service_describes_itself(world):
    alice = await world.client("alice")
    info = await alice.request("get", world.service, element(DISCO_INFO, "query"))
    identities = [(one.get("category"), one.get("type")) for one in info.element.iter(f"{{{DISCO_INFO}}}identity")]
    equal(("conference", "text") in identities, True, f"the identity (XEP-0045 §6.2) in {identities}")
    features = [one.get("var") for one in info.element.iter(f"{{{DISCO_INFO}}}feature")]
    equal({MUC, DISCO_INFO, DISCO_ITEMS} - set(features), set(), "missing features")
    equal(len(features), len(set(features)), "features that are named once")


@scenario
async def public_rooms_are_listed(world):
    room, alice = await world.occupants("alice", publicroom=True, roomname="In the open")
    hidden = world.room()
    await alice.create(hidden, "alice", publicroom=False)
    bob = await world.client("bob")
    answer = await bob.request("get", world.service, element(DISCO_ITEMS, "query"))
    names = {one.get("jid"): one.get("name", "") for one in answer.element.iter(f"{{{DISCO_ITEMS}}}item")}
    equal((names.get(room, "").startswith("In the open"), hidden in names), (True, False), f"what is listed: {names}")


@scenario
async def a_ping_to_oneself_tells_whether_one_is_inside(world):
    room, alice, bob = await world.occupants("alice", "bob")
    equal((await bob.ping(f"{room}/bob")).type, "result", "an occupant's own ping (XEP-0410 §3)")
    await bob.leave(room, "bob")
    await refused(bob.ping(f"{room}/bob"), "not-acceptable", "the same, outside")


@scenario(needs_annex=True)
async def the_service_answers_small_questions(world):
    alice = await world.client("alice")
    version = await alice.request("get", world.service, element("jabber:iq:version", "query"))
    equal("annex" in version.element.findtext(".//{jabber:iq:version}name").lower(), True, f"the name in {version}")
    equal(bool(version.element.findtext(".//{jabber:iq:version}version")), True, f"a version in {version}")
    last = await alice.request("get", world.service, element("jabber:iq:last", "query"))
    equal(last.element.find("{jabber:iq:last}query").get("seconds").isdigit(), True, f"seconds in {last}")
    time = await alice.request("get", world.service, element("urn:xmpp:time", "time"))
    equal(bool(time.element.findtext(".//{urn:xmpp:time}utc")), True, f"the time in {time}")


@scenario(needs_annex=True)
async def what_is_not_known_is_refused(world):
    alice = await world.client("alice")
    strange = element("urn:example:strange", "thing")
    await refused(alice.request("get", world.service, strange), "service-unavailable", "an unknown request")


@scenario(needs_annex=True)
async def every_service_is_there(world):
    alice = await world.client("alice")
    for service, program in PROGRAMS.items():
        address = world.server.address(service)
        await world.serving(alice, address)
        info = await alice.request("get", address, element(DISCO_INFO, "query"))
        equal(info.element.find(f".//{{{DISCO_INFO}}}identity") is not None, True, f"an identity of {program}")


@scenario(needs_annex=True)
async def commands_are_for_admins(world):
    admin, alice = await world.clients("admin", "alice")
    query = element(DISCO_ITEMS, "query", node=COMMANDS)
    answer = await admin.request("get", world.service, query)
    nodes = [one.get("node") for one in answer.element.iter(f"{{{DISCO_ITEMS}}}item")]
    equal(nodes != [], True, "whether an admin is offered commands (XEP-0050 §2.3)")
    command = element(COMMANDS, "command", node=nodes[0], action="execute")
    await refused(alice.request("set", world.service, command), "forbidden", "a command of someone else")
