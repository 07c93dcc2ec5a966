"""One stanza to many on several servers (XEP-0033 §6, §7)."""

import asyncio
import contextlib

from ..addresses import KEPT, answered, available, known, logs, message, party
from ..annex import Component
from ..federation import pair
from ..raw import RawClient, canonical
from ..tap import Tap
from ..waiting import until
from ..world import equal, scenario

DOMAINS = ("header1.org", "header2.org")
BARE = "noheader.org"
KINDS = ("to", "cc", "bcc")
HEAD = "<addresses xmlns='http://jabber.org/protocol/address'>"


@contextlib.asynccontextmanager
async def federation(world, other=None, settings=""):
    """Two hosts with a multicast service each, taps on them, and a third host without."""
    with contextlib.ExitStack() as stack:
        servers = await asyncio.to_thread(
            lambda: stack.enter_context(pair(world.server.name, other or world.server.name, DOMAINS, [BARE]))
        )
        taps = [stack.enter_context(Tap(server.ports["multicast"])) for server in servers]
        components = [
            stack.enter_context(Component(server, "multicast", port=tap.port, settings=f"[multicast]\n{settings}\n"))
            for server, tap in zip(servers, taps)
        ]
        for component in components:
            await logs(component, KEPT)
        yield servers, components, taps


async def discovered(component, wanted):
    """Wait until it knows so many other servers, so many of them with a service."""
    await asyncio.to_thread(until, lambda: known(component) == wanted, f"{wanted} servers known, with a service")


def entry(kind, host, mark=False):
    return f"<address type='{kind}' jid='{kind}@{host}'" + (" delivered='true'/>" if mark else "/>")


def header(own=None):
    """What a recipient sees: the header with the blind entry of `own` host."""
    return "".join(
        entry("to", host, True) + entry("cc", host, True) + (entry("bcc", host) if host == own else "")
        for host in (*DOMAINS, BARE)
    )


def copy(to, entries):
    return f"<message from='a@header1.org/work' to='{to}'>{inside(entries)}</message>"


def inside(entries):
    return f"{HEAD}{entries}</addresses><body>Hello, World!</body>"


def written(tap):
    """Copies that the component wrote, in an order of their own."""
    return canonically(one for one in tap.stanzas("message") if "<body>" in one)


def canonically(copies):
    """Attributes have no order of their own: a server writes those that it passes on as it likes."""
    return sorted(canonical(one.encode()) for one in copies)


async def worked_example(world, other):
    async with federation(world, other) as (servers, components, taps), contextlib.AsyncExitStack() as stack:

        async def session(server, name, domain, resource="work"):
            client = RawClient(f"{name}@{domain}", server.add_user(name, domain=domain), server.client_port)
            stack.push_async_callback(client.close)
            return await client.open(resource)

        sender = await session(servers[0], "a", DOMAINS[0])
        recipients = {
            f"{kind}@{host}": await session(server, kind, host)
            for server, host in [(servers[0], DOMAINS[0]), (servers[1], DOMAINS[1]), (servers[1], BARE)]
            for kind in KINDS
        }
        everyone = "".join(entry(kind, host) for host in (*DOMAINS, BARE) for kind in KINDS)
        request = f"<message to='multicast.header1.org'>{inside(everyone)}</message>"
        # The first one finds out what the other hosts have; nothing waits for that.
        for attempt in ("before", "after"):
            for tap in taps:
                tap.clear()
            sender.put(request)
            for jid, client in recipients.items():
                name, _, host = jid.partition("@")
                wanted = copy(jid, header(host if name == "bcc" else None)).encode()
                got = await client.next(f"the copy {attempt} discovery")
                equal(canonical(got), canonical(wanted), f"what {jid} gets {attempt} discovery")
            if attempt == "before":
                # Examples 10 to 19.
                await discovered(components[0], (2, 1))
        singles = [
            copy(f"{kind}@{host}", header(host if kind == "bcc" else None))
            for host in (DOMAINS[0], BARE)
            for kind in KINDS
        ]
        relayed = "".join(
            entry(kind, host, host != DOMAINS[1])
            for host in (*DOMAINS, BARE)
            for kind in KINDS
            if kind != "bcc" or host == DOMAINS[1]
        )
        ours = [*singles, copy("multicast.header2.org", relayed)]
        equal(written(taps[0]), canonically(ours), "examples 9, 16 and 20")
        theirs = [copy(f"{kind}@{DOMAINS[1]}", header(DOMAINS[1] if kind == "bcc" else None)) for kind in KINDS]
        equal(written(taps[1]), canonically(theirs), "example 17")


@scenario(needs_annex=True)
async def the_worked_example_is_right_to_the_byte(world):
    await worked_example(world, world.server.name)


@scenario(needs_annex=True)
async def the_worked_example_is_right_with_another_server_on_the_far_side(world):
    await worked_example(world, "ejabberd" if world.server.name == "prosody" else "prosody")


@scenario(needs_annex=True)
async def a_far_service_is_asked_once_and_gets_what_it_takes_at_once(world):
    async with federation(world, settings="limit_remote = 2") as (servers, components, taps):
        multicast = components[0].address
        alice = await party(world, "alice", servers[0])
        users = [await party(world, name, servers[1]) for name in ("u0", "u1", "u2", "u3", "u4")]
        everyone = [("bcc", user.boundjid.bare) for user in users]
        await message(alice, multicast, *everyone, body="first")
        for user in users:
            equal((await user.next()).body, "first", "what arrives before discovery")
        await discovered(components[0], (1, 1))
        taps[0].clear()
        for body in ("second", "third"):
            await message(alice, multicast, *everyone, body=body)
            for user in users:
                equal((await user.next()).body, body, "what arrives after it, once each")
        lines = [one for one in taps[0].stanzas("message") if "<body>" in one]
        to = [canonical(one.encode()).partition(' to="')[2].partition('"')[0] for one in lines]
        # Two addresses at a time, and the fifth for itself.
        wanted = [users[4].boundjid.bare, components[1].address, components[1].address]
        equal(sorted(to), sorted(wanted * 2), "what is written for the far server")
        equal([one for one in taps[0].stanzas("iq") if "disco" in one], [], "further questions (XEP-0033 §2.3)")


@scenario(needs_annex=True)
async def from_elsewhere_only_our_own_are_reached(world):
    async with federation(world) as (servers, components, _taps):
        multicast = components[1].address
        alice, carol = [await party(world, name, servers[0]) for name in ("alice", "carol")]
        bob = await party(world, "bob", servers[1])
        identity = await message(alice, multicast, ("to", bob.boundjid.bare), ("cc", carol.boundjid.bare), body="both")
        error = await answered(alice, identity)
        equal((error.sender, error.condition), (multicast, "forbidden"), "who refuses, and why (XEP-0033 §2.2)")
        await message(alice, multicast, ("to", bob.boundjid.bare), body="bob alone")
        got = await bob.next()
        equal((got.body, got.sender), ("bob alone", alice.full), "what bob gets, and from whom")
        equal(await carol.quiet(multicast), [], "what carol gets")


@scenario(needs_annex=True)
async def presence_begins_and_ends_on_the_far_server_too(world):
    async with federation(world) as (servers, components, taps):
        multicast = components[0].address
        alice = await party(world, "alice", servers[0])
        users = [await party(world, name, servers[1]) for name in ("bob", "carol")]
        everyone = [("bcc", user.full) for user in users]
        await message(alice, multicast, *everyone, body="who are you?")
        for user in users:
            await user.next()
        await discovered(components[0], (1, 1))
        available(alice, multicast, *everyone)
        for user in users:
            equal((await user.next()).sender, alice.full, "whose presence it is")
        taps[0].clear()
        await alice.close()
        for user in users:
            got = await user.next()
            equal((got.type, got.sender), ("unavailable", alice.full), "alice's end (XEP-0033 §5.1)")
            equal(await user.quiet(components[1].address), [], "what else comes")
        equal(len(taps[0].stanzas("presence")), 1, "stanzas for the whole server")
