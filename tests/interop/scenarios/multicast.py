"""One stanza to many, behind one server (XEP-0033)."""

import asyncio
import contextlib

from ..addresses import (
    ADDRESS,
    REFUSED,
    address,
    addresses,
    answered,
    available,
    logs,
    message,
    parties,
    party,
    permitted,
    said,
    seen,
)
from ..annex import Component
from ..client import Refused
from ..ejabberd import Ejabberd
from ..stanza import DISCO_INFO, FORM, element, field
from ..world import equal, scenario

COMMANDS = "http://jabber.org/protocol/commands"
REPORT = "urn:annex:multicast:0"
LINES = {"prosody": "validate_from_addresses = false", "ejabberd": "check_from: false"}


async def service(world):
    """The component, when it may deliver; its address."""
    component = world.components["multicast"]
    await permitted(component)
    return component.address


@contextlib.asynccontextmanager
async def configured(world, settings):
    """The component with these settings, for a while."""
    component = world.components["multicast"]
    before = component.config.read_text()

    async def restart(text):
        component.stop()
        component.log.unlink(missing_ok=True)
        component.config.write_text(text)
        await permitted(component)

    await restart(f"{before}[multicast]\n{settings}\n")
    try:
        yield component.address
    finally:
        await restart(before)


@scenario(needs_annex=True)
async def one_message_reaches_everyone_it_names(world):
    multicast = await service(world)
    alice, bob, carol, dave, erin = await parties(world, "alice", "bob", "carol", "dave", "erin")
    names = [("to", "bob"), ("cc", "carol"), ("bcc", "dave"), ("bcc", "erin")]
    await message(alice, multicast, *((kind, world.jid(name)) for kind, name in names), body="to all of you")
    shown = [("to", world.jid("bob"), "true"), ("cc", world.jid("carol"), "true")]
    for name, client in [("bob", bob), ("carol", carol), ("dave", dave), ("erin", erin)]:
        got = await said(client, "to all of you")
        equal(got.sender, alice.full, f"the sender, as {name} sees it (XEP-0033 §3)")
        own = [("bcc", world.jid(name), None)] if name in ("dave", "erin") else []
        equal(seen(got), shown + own, f"the addresses that {name} sees (XEP-0033 §4.5, §4.6.3)")


@scenario(needs_annex=True)
async def what_is_wrong_comes_back_from_the_service_and_names_the_address(world):
    multicast = await service(world)
    alice, bob = await parties(world, "alice", "bob")
    for bad, condition, named in [
        (address("cc", uri="sip:x@y.example"), "jid-malformed", "sip:x@y.example"),
        (address("to", "not@an@address"), "jid-malformed", "not@an@address"),
        (address("bcc", f"nobody@{multicast}"), "item-not-found", "nobody"),
    ]:
        identity = await message(alice, multicast, ("to", world.jid("bob")), bad, body="never")
        error = await answered(alice, identity)
        equal((error.sender, error.condition), (multicast, condition), "who refuses, and why (XEP-0033 §9)")
        equal(named in repr(error), True, f"the address in {error}")
    identity = await message(alice, multicast, ("to", world.jid("bob")), body="last")
    equal((await bob.next()).body, "last", "what bob gets, none of the others")
    # Both servers read addresses as RFC 3920 says.
    odd = f"bob@{world.server.domain}/\u202e"
    identity = await message(alice, multicast, ("to", odd))
    error = await answered(alice, identity)
    equal((error.sender, error.condition), (multicast, "jid-malformed"), "an address that the server does not take")
    equal(odd in repr(error), True, f"the address in {error}")


@scenario(needs_annex=True)
async def limits_are_advertised_and_hold(world):
    multicast = await service(world)
    alice, bob = await parties(world, "alice", "bob")
    info = await alice.request("get", multicast, element(DISCO_INFO, "query"))
    features = [one.get("var") for one in info.element.iter(f"{{{DISCO_INFO}}}feature")]
    equal(ADDRESS in features, True, f"the feature (XEP-0033 §2.1) in {features}")
    fields = {one.get("var"): one.findtext(f"{{{FORM}}}value") for one in info.element.iter(f"{{{FORM}}}field")}
    equal(fields, {"FORM_TYPE": ADDRESS, "message": "50", "presence": "50"}, "the limits")
    many = [("to", f"user{number}@{world.server.domain}") for number in range(50)]
    identity = await message(alice, multicast, *many, ("to", world.jid("bob")), body="51")
    error = await answered(alice, identity)
    equal((error.sender, error.condition), (multicast, "not-acceptable"), "one too many (XEP-0033 §9)")
    await message(alice, multicast, *many[:49], ("to", world.jid("bob")), body="50")
    equal((await bob.next()).body, "50", "what bob gets")


@scenario(needs_annex=True)
async def presence_ends_for_those_who_got_it_whatever_happens(world):
    multicast = await service(world)
    component = world.components["multicast"]
    alice, bob, carol = await parties(world, "alice", "bob", "carol")
    available(alice, multicast, ("to", bob.full), ("bcc", carol.full))
    for client in (bob, carol):
        equal((await client.next()).sender, alice.full, "whose presence it is")
    component.crash()
    component.log.unlink()
    await permitted(component)
    await alice.close()
    for client in (bob, carol):
        got = await client.find(lambda one: one.type == "unavailable", "alice's end (XEP-0033 §5.1)")
        equal(got.sender, alice.full, "who is gone")


@scenario(needs_annex=True)
async def who_left_while_the_service_was_down_is_found_out(world):
    multicast = await service(world)
    component = world.components["multicast"]
    alice, bob = await parties(world, "alice", "bob")
    available(alice, multicast, ("to", bob.full))
    await bob.next()
    component.crash()
    component.log.unlink()
    await alice.close()
    await permitted(component)
    got = await bob.find(lambda one: one.type == "unavailable", "alice's end (XEP-0033 §5.1)")
    equal(got.sender, alice.full, "who is gone")


@scenario(needs_annex=True)
async def a_list_is_made_with_commands_and_written_to(world):
    multicast = await service(world)
    admin, alice, bob, carol = await parties(world, "admin", "alice", "bob", "carol")

    async def run(client, node, **fields):
        command = element(COMMANDS, "command", node=node, action="execute")
        asked = await client.request("set", multicast, command)
        session = asked.element.find(f"{{{COMMANDS}}}command").get("sessionid")
        form = element(FORM, "x", *(field(name, value) for name, value in fields.items()), type="submit")
        command = element(COMMANDS, "command", form, node=node, sessionid=session)
        done = await client.request("set", multicast, command)
        equal(done.element.find(f"{{{COMMANDS}}}command").get("status"), "completed", f"{node} (XEP-0050)")
        return done

    members = [world.jid("bob"), world.jid("carol")]
    await run(admin, "lists/create", list="team")
    await run(admin, "lists/owners", list="team", owners=[world.jid("alice")])
    await run(alice, "lists/add", list="team", members=members)
    shown = [one.text for one in (await run(alice, "lists/show", list="team")).element.iter(f"{{{FORM}}}value")]
    equal([one for one in members if one not in shown], [], f"members missing in {shown}")
    await message(alice, multicast, ("to", f"team@{multicast}"), body="to the team")
    for client in (bob, carol):
        got = await said(client, "to the team")
        equal(seen(got), [("to", f"team@{multicast}", "true")], "what a member sees")
    alice.message(f"team@{multicast}", body="straight to the team", type_="chat")
    for client in (bob, carol):
        got = await said(client, "straight to the team")
        equal((got.sender, got.type), (alice.full, "chat"), "who writes to the list itself")
        equal(seen(got), [("to", f"team@{multicast}", "true")], "what a member sees")
    await run(alice, "lists/delete", list="team")
    identity = await message(alice, multicast, ("to", f"team@{multicast}"))
    equal((await answered(alice, identity)).condition, "item-not-found", "a list that is gone")


@scenario(needs_annex=True)
async def who_asks_is_told_what_became_of_each(world):
    async with configured(world, 'bad_address = "itself"') as multicast:
        alice, bob = await parties(world, "alice", "bob")
        report = element(REPORT, "report")
        entries = [("to", world.jid("bob")), ("cc", "@")]
        await message(alice, multicast, *entries, body="tell me", extra=[report])
        got = await said(bob, "tell me")
        equal(got.has(REPORT, "report"), False, "whether the wish goes further")
        told = await alice.find(lambda one: one.has(REPORT, "report"), "the report")
        numbers = told.child(REPORT, "report").attrib
        equal([numbers.get(one) for one in ("sent", "relayed", "refused")], ["1", "0", "1"], "the numbers")


@scenario(needs_annex=True)
async def an_error_of_a_recipient_reaches_the_sender_and_goes_nowhere_else(world):
    multicast = await service(world)
    alice, bob = await parties(world, "alice", "bob")
    identity = await message(alice, multicast, ("to", world.jid("nobody")), ("cc", world.jid("bob")), body="x")
    equal((await bob.next()).body, "x", "what bob gets")
    error = await answered(alice, identity)
    equal(error.sender.partition("/")[0], world.jid("nobody"), "whom the error names")
    equal(await bob.quiet(multicast), [], "what else bob gets")


@scenario(needs_annex=True)
async def addresses_and_requests_do_not_mix(world):
    multicast = await service(world)
    alice, bob = await parties(world, "alice", "bob")
    try:
        await alice.request("set", multicast, addresses(("to", world.jid("bob"))))
    except Refused as error:
        equal(error.condition, "bad-request", "addresses in an iq (XEP-0033 §3)")
    identity = await message(alice, f"x@{multicast}", ("to", world.jid("bob")))
    equal((await answered(alice, identity)).condition, "item-not-found", "to another than the service (XEP-0033 §3)")


@scenario(needs_annex=True)
async def without_permission_it_says_which_line_is_missing_and_refuses(world):
    # The place of another component has no permission.
    world.components["announce"].stop()
    with Component(world.server, "announce", program="annex-multicast", name="unpermitted") as component:
        await logs(component, REFUSED)
        line = next(one for one in component.tail(1000).splitlines() if REFUSED in one)
        others = [one for name, one in LINES.items() if name != world.server.name]
        equal(
            (LINES[world.server.name] in line, others[0] in line), (True, False), f"the line of this server in: {line}"
        )
        [alice] = await parties(world, "alice")
        await world.serving(alice, component.address)
        identity = await message(alice, component.address, ("to", world.jid("bob")))
        error = await answered(alice, identity)
        equal((error.sender, error.condition), (component.address, "forbidden"), "who refuses, and why")
        info = await alice.request("get", component.address, element(DISCO_INFO, "query"))
        equal(ADDRESS in repr(info), False, f"the feature in {info}")
    world.components["announce"].start()


@scenario(needs_annex=True)
async def with_privilege_messages_leave_from_the_bare_address(world):
    if world.server.name != "ejabberd":
        return  # Prosody has no module of its own for XEP-0356.
    with contextlib.ExitStack() as stack:

        def start():
            privileged = "  mod_privilege: {message: {outgoing: all}}\n"
            server = stack.enter_context(Ejabberd(config=lambda server: server.render() + privileged))
            settings = '[multicast]\nfrom_fallback = "privilege"\n'
            one = Component(server, "announce", program="annex-multicast", settings=settings)
            return server, stack.enter_context(one)

        server, component = await asyncio.to_thread(start)
        await logs(component, REFUSED)
        alice, bob, carol = [await party(world, name, server) for name in ("alice", "bob", "carol")]
        await world.serving(alice, component.address)
        entries = [("to", bob.boundjid.bare), ("bcc", carol.boundjid.bare)]
        await message(alice, component.address, *entries, body="on my behalf")
        shown = [("to", bob.boundjid.bare, "true")]
        for client, own in [(bob, []), (carol, [("bcc", carol.boundjid.bare, None)])]:
            got = await said(client, "on my behalf")
            equal(got.sender, alice.boundjid.bare, "the sender (XEP-0356 §6)")
            equal(seen(got), shown + own, "the addresses")
