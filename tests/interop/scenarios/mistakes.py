"""What clients get wrong, by accident or on purpose: an answer as XEP-0045 has it, and the room goes on."""

from ..addresses import ADDRESS
from ..client import Refused
from ..raw import RawClient
from ..stanza import CLIENT, DELAY, DISCO_INFO, MUC_ADMIN, MUC_OWNER, MUC_USER, element, form
from ..world import equal, refused, scenario

PATIENT = 30  # seconds: a server may hold back what comes at once


async def still_works(alice, bob, room):
    alice.message(room, body="all well?")
    await bob.find(lambda one: one.body == "all well?", "the room to go on")


@scenario(needs_annex=True)
async def messages_that_cannot_be_passed_on_are_refused(world):
    room, alice, bob = await world.occupants("alice", "bob")
    carol = await world.client("carol")
    for sender, to, type_, body, condition in [
        (bob, room, "chat", "x", "bad-request"),
        (bob, room, "normal", "x", "bad-request"),
        (bob, f"{room}/alice", "groupchat", "x", "bad-request"),
        (bob, f"{room}/nobody", "chat", "x", "item-not-found"),
        (bob, f"{room}/ALICE", "chat", "x", "item-not-found"),
        (bob, room, "groupchat", "x" * 66_000, "policy-violation"),
        (bob, f"{room}/alice", "chat", "x" * 66_000, "policy-violation"),
        (carol, room, "groupchat", "x", "not-acceptable"),
        (carol, f"{room}/alice", "chat", "x", "not-acceptable"),
    ]:
        identity = sender.message(to, body=body, type_=type_)
        answer = await sender.next(f"an answer to {type_} to {to}", PATIENT)
        equal((answer.type, answer.condition), ("error", condition), f"{type_} to {to}")
        equal((answer.id, answer.sender), (identity, to), "which message it was")
    equal(await alice.quiet(room), [], "what of it anybody saw")
    await still_works(alice, bob, room)


@scenario(needs_annex=True)
async def requests_that_make_no_sense_are_refused(world):
    room, alice, bob = await world.occupants("alice", "bob")
    carol = await world.client("carol")
    item = lambda **attributes: element(MUC_ADMIN, "query", element(MUC_ADMIN, "item", **attributes))  # noqa: E731
    for sender, type_, to, payload, condition in [
        (alice, "set", room, item(nick="bob", role="none", affiliation="none"), "bad-request"),
        (alice, "set", room, item(nick="bob", role="king"), "bad-request"),
        (alice, "set", room, element(MUC_ADMIN, "query"), "bad-request"),
        (alice, "set", room, element(MUC_OWNER, "query"), "bad-request"),
        (alice, "set", room, item(nick="nobody", role="none"), "item-not-found"),
        (alice, "set", room, item(jid=alice.boundjid.bare, affiliation="outcast"), "conflict"),
        (alice, "set", room, item(jid="x@y.example", affiliation="member", nick="\ufdfa" * 80), "jid-malformed"),
        (bob, "get", room, item(affiliation="owner"), "forbidden"),
        (bob, "get", room, element(MUC_OWNER, "query"), "forbidden"),
        (carol, "get", f"{room}/bob", element(DISCO_INFO, "query"), "bad-request"),
        (bob, "get", room, element("urn:nobody:knows", "query"), "service-unavailable"),
    ]:
        await refused(sender.request(type_, to, payload), condition, f"{type_} {payload} to {to}")
    configuration = form("http://jabber.org/protocol/muc#roomconfig", roomdesc="changed", maxusers="many")
    payload = element(MUC_OWNER, "query", configuration)
    await refused(alice.request("set", room, payload), "not-acceptable", "a configuration")
    await still_works(alice, bob, room)


@scenario(needs_annex=True)
async def names_that_only_the_server_understands_are_refused(world):
    room, alice, bob = await world.occupants("alice", "bob")
    server = world.server
    stranger = f"stranger@{server.domain}"
    stranger = RawClient(stranger, server.add_user("stranger"), server.client_port, "xmlns:q='urn:q'")
    await stranger.open("home")
    for to in (room, server.address("rooms"), server.address("multicast")):
        for number, payload in enumerate(
            ["<x xmlns='u' xml:foo='1'/>", "<xml:foo/>", "<q:x/>", "<x xmlns='u' q:a='1'/>"]
        ):
            stranger.put(f"<iq type='get' id='odd-{number}' to='{to}'>{payload}</iq>")
            # Were the component's stream gone, there would be none.
            answer = await stranger.answer(f"odd-{number}")
            equal((answer.type, answer.sender), ("error", to), f"what becomes of {payload}")
    await stranger.close()
    await still_works(alice, bob, room)


@scenario(differs={"prosody": "looks at one item only", "ejabberd": "answers not-allowed"})
async def many_changes_are_one_or_none(world):
    room, alice, bob, carol = await world.occupants("alice", "bob", "carol")
    items = [
        element(MUC_ADMIN, "item", jid=bob.boundjid.bare, affiliation="outcast"),
        element(MUC_ADMIN, "item", jid=carol.boundjid.bare, affiliation="member"),
        element(MUC_ADMIN, "item", jid=alice.boundjid.bare, affiliation="none"),
    ]
    await refused(alice.request("set", room, element(MUC_ADMIN, "query", *items)), "conflict", "the last owner going")
    equal(await carol.quiet(room), [], "what happened of it")
    await alice.request("set", room, element(MUC_ADMIN, "query", *items[:2]))
    seen = [await carol.next("a change"), await carol.next("another")]
    equal({(one.nick, one.item["affiliation"]) for one in seen}, {("bob", "outcast"), ("carol", "member")}, "changes")


@scenario(differs={"ejabberd": "says no reason"})
async def who_gains_voice_is_told_why(world):
    room, alice, bob = await world.occupants("alice", "bob", moderatedroom="1")
    await alice.role(room, "bob", "participant", reason="speak")
    seen = await bob.find(lambda one: one.nick == "bob", "bob's voice")
    equal((seen.item["role"], seen.reason), ("participant", "speak"), "what he is told (§8.3)")


@scenario(differs={"prosody": "tells it in another order", "ejabberd": "tells it in another order"})
async def a_room_that_becomes_one_for_members_loses_the_others(world):
    room, alice, bob, carol = await world.occupants("alice", "bob", "carol")
    await alice.affiliation(room, bob.boundjid.bare, "member")
    await carol.find(lambda one: one.item.get("affiliation") == "member", "bob becoming a member")
    await alice.configure(room, membersonly="1")
    left = await carol.next("leaving")
    equal((left.nick, left.type, left.statuses), ("carol", "unavailable", {110, 322}), "who must go (§10.2)")
    seen = await bob.find(lambda one: one.type == "unavailable", "carol leaving")
    equal((seen.nick, seen.statuses), ("carol", {322}), "what is said of her")
    equal((await bob.next("the change")).statuses, {104}, "what changed")


@scenario(differs={"prosody": "passes codes on", "ejabberd": "passes codes on"})
async def forged_standing_is_taken_out(world):
    room, alice, bob = await world.occupants("alice", "bob")
    forged = element(MUC_USER, "x", element(MUC_USER, "item", affiliation="owner", role="moderator"))
    bob.presence(f"{room}/bob", forged, element(CLIENT, "show", text="away"))
    seen = await alice.next("bob being away")
    items = [dict(one.attrib) for one in seen.element.iter(f"{{{MUC_USER}}}item")]
    equal([(one["affiliation"], one["role"]) for one in items], [("none", "participant")], "his standing")
    bob.message(room, element(MUC_USER, "x", element(MUC_USER, "status", code="104")), body="ha")
    equal((await alice.next("the message")).statuses, set(), "codes that only the room may say")
    writer = element(ADDRESS, "addresses", element(ADDRESS, "address", type="ofrom", jid=alice.full))
    bob.message(room, writer, element(DELAY, "delay", from_=room, stamp="2020-01-01T00:00:00Z"), body="ha")
    seen = await alice.next("the message")
    equal((seen.has(ADDRESS, "addresses"), seen.is_delayed), (False, False), "whose it is, and since when")


@scenario(differs={"prosody": "lets them in", "ejabberd": "lets them in"})
async def a_nickname_that_cannot_be_seen_is_nobodys(world):
    room, alice = await world.occupants("alice")
    bob = await world.client("bob")
    for nick in ("alice ", "ali\u200bce", "a\u202elice", "\u2800"):
        try:
            entered = await bob.enter(room, nick)
        except Refused as error:
            # The server may refuse the address before we see it.
            wanted = ("jid-malformed", "conflict", "bad-request")
            equal(error.condition in wanted, True, f"how {nick!r} is refused: {error}")
        else:
            raise AssertionError(f"{nick!r} is inside: {entered}")
    equal([one for one in await alice.quiet(room) if one.kind == "presence"], [], "who entered")
