"""Being asked into a room (XEP-0045 §7.8.2)."""

from ..stanza import MUC_USER, element
from ..world import equal, scenario


@scenario(differs={"ejabberd": "lets nobody invite unless told to"})
async def an_invitation_arrives_and_is_declined(world):
    room, alice, bob = await world.occupants("alice", "bob")
    carol = await world.client("carol")
    reason = element(MUC_USER, "reason", text="tea?")
    invite = element(MUC_USER, "invite", reason, to=carol.boundjid.bare)
    bob.message(room, element(MUC_USER, "x", invite), type_="normal")
    invited = await carol.next("the invitation")
    told = invited.child(MUC_USER, "x").find(f"{{{MUC_USER}}}invite")
    equal((invited.sender, told.findtext(f"{{{MUC_USER}}}reason")), (room, "tea?"), "who invites, and why")
    carol.message(room, element(MUC_USER, "x", element(MUC_USER, "decline", to=told.get("from"))), type_="normal")
    declined = (await bob.next("the decline")).child(MUC_USER, "x").find(f"{{{MUC_USER}}}decline")
    equal(declined.get("from").partition("/")[0], carol.boundjid.bare, "who declines")
