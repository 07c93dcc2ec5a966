"""What every service has in common, asked with slixmpp's own plugins, and by strangers with none."""

import asyncio
import datetime

from slixmpp import JID

from ..annex import PROGRAMS
from ..waiting import PATIENCE
from ..world import equal, scenario

PLUGINS = ("xep_0004", "xep_0012", "xep_0050", "xep_0059", "xep_0128", "xep_0199", "xep_0202")


async def equipped(world, name):
    client = await world.client(name)
    for plugin in PLUGINS:
        client.register_plugin(plugin)
    return client


@scenario(needs_annex=True)
async def slixmpp_understands_every_service(world):
    alice = await equipped(world, "alice")
    for service in PROGRAMS:
        address = JID(world.server.address(service))
        await world.serving(alice, str(address))
        info = await alice["xep_0030"].get_info(jid=address, timeout=PATIENCE)
        features = info["disco_info"]["features"]
        wanted = {"urn:xmpp:ping", "urn:xmpp:time", "jabber:iq:last", "jabber:iq:version"}
        equal(wanted - set(features), set(), f"what {service} lacks")
        rtt = await alice["xep_0199"].ping(address, timeout=PATIENCE)
        equal(rtt < PATIENCE, True, f"a ping to {service}")
        version = await alice["xep_0092"].get_version(address, timeout=PATIENCE)
        equal(PROGRAMS[service] in version["software_version"]["name"], True, f"the name in {version}")
        last = await alice["xep_0012"].get_last_activity(address, timeout=PATIENCE)
        equal(last["last_activity"]["seconds"] >= 0, True, f"the uptime of {service}")
        time = await alice["xep_0202"].get_entity_time(address, timeout=PATIENCE)
        # slixmpp's own reading of these two expects what XEP-0202 does not have.
        utc = datetime.datetime.strptime(time.xml.findtext(".//{urn:xmpp:time}utc"), "%Y-%m-%dT%H:%M:%S%z")
        off = datetime.datetime.now(datetime.UTC) - utc
        equal(abs(off.total_seconds()) < 30, True, f"the clock of {service}, which is {off} behind")
        equal(time.xml.findtext(".//{urn:xmpp:time}tzo"), "+00:00", f"the zone of {service}")
        items = await alice["xep_0030"].get_items(jid=address, timeout=PATIENCE)
        equal(items["type"], "result", f"items of {service}")


@scenario(needs_annex=True)
async def slixmpp_runs_a_command_of_every_service(world):
    admin = await equipped(world, "admin")
    for service in PROGRAMS:
        address = world.server.address(service)
        await world.serving(admin, address)
        nodes = await admin["xep_0050"].get_commands(JID(address), timeout=PATIENCE)
        nodes = [node for _, node, _ in nodes["disco_items"]["items"]]
        equal({"audit", "status"} - set(nodes), set(), f"commands that {service} lacks")
        done = asyncio.get_running_loop().create_future()

        def keep(iq, session, done=done):
            done.done() or done.set_result(iq)

        admin["xep_0050"].start_command(JID(address), "status", {"next": keep, "error": keep})
        answer = await asyncio.wait_for(done, PATIENCE)
        equal(answer["type"], "result", f"status of {service}")
        equal(answer["command"]["status"], "completed", f"status of {service}")
        form = answer["command"]["form"]
        names = [row["name"] for row in form.get_items()]
        equal({"program", "uptime_seconds", "connected"} - set(names), set(), f"rows that {service} lacks")


@scenario(needs_annex=True)
async def slixmpp_fills_in_the_form_of_a_command(world):
    admin = await equipped(world, "admin")
    commands = admin["xep_0050"]
    for service in PROGRAMS:
        address = world.server.address(service)
        await world.serving(admin, address)
        done = asyncio.get_running_loop().create_future()

        def keep(iq, session, done=done):
            done.done() or done.set_result(iq)

        def fill(iq, session, keep=keep):
            form = iq["command"]["form"]
            form["type"] = "submit"
            session.update(payload=form, next=keep, error=keep)
            commands.complete_command(session)

        commands.start_command(JID(address), "audit", {"next": fill, "error": keep})
        answer = await asyncio.wait_for(done, PATIENCE)
        equal((answer["type"], answer["command"]["status"]), ("result", "completed"), f"{service}: {answer}")
        columns = [name for name, _ in answer["command"]["form"]["reported"].items()]
        equal(columns, ["stamp", "time", "who", "what", "whom", "reason"], f"the audit log of {service}")


@scenario(needs_annex=True)
async def slixmpp_pages_through_rooms(world):
    alice = await equipped(world, "alice")
    rooms = [world.room() for _ in range(5)]
    for room in rooms:
        await alice.create(room, "alice", publicroom=True)
    found = []
    pages = await alice["xep_0030"].get_items(jid=JID(world.service), iterator=True)
    pages.amount = 2
    async for page in pages:
        found += [jid for jid, _, _ in page["disco_items"]["items"]]
    equal(set(rooms) - set(found), set(), "rooms that were missed")
    equal(len(found), len(set(found)), "rooms that are named once")


@scenario(needs_annex=True)
async def an_address_in_capitals_is_the_same_service(world):
    alice = await world.client("alice")
    for service in PROGRAMS:
        address = world.server.address(service)
        await world.serving(alice, address)
        for spelled in (address.upper(), f"{address}/Some/Where", f"{address.capitalize()}/é"):
            equal((await alice.ping(spelled)).type, "result", f"a ping to {spelled}")


# What is sent, and the condition it is refused with; none where nothing is answered.
HOSTILE = {
    "<iq type='get' id='{id}' to='{to}'/>": "bad-request",
    "<iq type='get' id='{id}' to='{to}'><a xmlns='x'/><b xmlns='x'/></iq>": "bad-request",
    "<iq type='set' id='{id}' to='{to}'><ping xmlns='urn:xmpp:ping'/></iq>": "service-unavailable",
    "<iq type='get' id='{id}' to='{to}/some/where'><x xmlns='urn:x'/></iq>": "service-unavailable",
    "<iq type='get' id='{id}' to='{to}'><query xmlns='http://jabber.org/protocol/disco#info' node='no'/></iq>": (
        "item-not-found"
    ),
    "<iq type='get' id='{id}' to='{to}'><query xmlns='http://jabber.org/protocol/disco#items' node='no'/></iq>": (
        "item-not-found"
    ),
    "<iq type='get' id='{id}' to='{to}'><query xmlns='http://jabber.org/protocol/disco#items'>"
    "<set xmlns='http://jabber.org/protocol/rsm'><max>-1</max></set></query></iq>": "bad-request",
    "<iq type='set' id='{id}' to='{to}'><command xmlns='http://jabber.org/protocol/commands' node='no'/></iq>": (
        "item-not-found"
    ),
    "<iq type='set' id='{id}' to='{to}'><command xmlns='http://jabber.org/protocol/commands'/></iq>": "bad-request",
    "<iq type='set' id='{id}' to='{to}'><command xmlns='http://jabber.org/protocol/commands' node='status'"
    " sessionid='guessed' action='complete'/></iq>": "forbidden",
    "<iq type='result' id='{id}' to='{to}'/>": None,
    "<iq type='error' id='{id}' to='{to}'><error type='wait'/></iq>": None,
    "<message type='error' id='{id}' to='{to}'><error type='wait'/></message>": None,
    "<presence type='unsubscribed' id='{id}' to='{to}'/>": None,
    "<presence id='{id}' to='{to}/somewhere'/>": None,
}


@scenario(needs_annex=True)
async def what_strangers_send_is_refused_as_it_should_be(world):
    alice = await world.client("alice")
    heard = {}
    listening = alice.incoming_filter

    def listen(xml):
        heard.setdefault(xml.get("id"), []).append(xml)
        return listening(xml)

    alice.incoming_filter = listen
    for service in PROGRAMS:
        address = world.server.address(service)
        await world.serving(alice, address)
        asked = {}
        for text, condition in HOSTILE.items():
            # What multicast takes presence for is its own affair.
            if service == "multicast" and text.startswith("<presence id"):
                continue
            identity = alice.next_id("h")
            asked[identity] = (text, condition)
            alice.send_raw(text.replace("{id}", identity).replace("{to}", address))
        # The answer to a last ping follows all others.
        await alice.ping(address)
        for identity, (text, condition) in asked.items():
            answers = [
                [child.tag.rpartition("}")[2] for child in xml.iter() if "xmpp-stanzas" in child.tag][:1]
                for xml in heard.get(identity, [])
            ]
            equal(answers, [] if condition is None else [[condition]], f"what {service} answers to {text}")
