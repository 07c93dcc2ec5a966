//! Why things are refused: condition, type and stable reason name, each in one place (XEP-0045
//! §7.2.17 and the error of each use case).

use annex_stanza::{Condition, ErrorType, Jid, Refusal};

use crate::room::state::muc_x;

/// To a join: with the `<x/>` that clients tell it by, and who refused (§7.2.5).
pub(crate) fn to_presence(refusal: Refusal, room: &Jid) -> Refusal {
    refusal.echo(muc_x()).by(room.clone())
}

annex_stanza::refusals! {
    /// §7.2.1.
    no_nick: JidMalformed "muc.nick.missing" "Choose a nickname: room@service/nickname",
    /// §7.2.10, §7.2.11, §17.2: it does not exist, or not yet.
    no_room: ItemNotFound "muc.room.unknown" "There is no such room",
    /// §7.2.10.
    locked: ItemNotFound "muc.room.locked" "There is no such room yet",
    /// §7.2.7.
    banned: Forbidden "muc.join.banned" "You are banned from this room",
    /// §7.2.6.
    members_only: RegistrationRequired "muc.join.members-only" "Only members may enter this room",
    /// §7.2.5.
    password: NotAuthorized "muc.join.password" "This room needs a password",
    /// §7.2.8, §7.6.
    nick_taken: Conflict "muc.nick.taken" "Somebody else has this nickname",
    /// §7.2.8.
    nick_reserved: Conflict "muc.nick.reserved" "This nickname is reserved for somebody else",
    /// §10.1.1.
    may_not_create: NotAllowed "muc.create.denied" "You may not create rooms here",
    /// §10.1.1.
    bad_room_name: NotAllowed "muc.create.name" "A room cannot have this name",
    /// §7.4, §7.5.
    not_in_room: NotAcceptable "muc.occupant.not" "You are not in this room",
    /// §6.6.
    asks_as_stranger: BadRequest "muc.occupant.disco" "You are not in this room: ask the room itself",
    /// §7.5.
    no_such_nick: ItemNotFound "muc.occupant.unknown" "Nobody has this nickname here",
    /// §7.4.
    no_voice: Forbidden "muc.message.no-voice" "You have no voice in this room",
    /// §18.1: a bound of the service.
    long_message: PolicyViolation "muc.message.long" "The message is too long for this service",
    /// §7.4, §17.2.
    not_groupchat: BadRequest "muc.message.type" "Messages to a room are of type groupchat",
    /// §7.5.
    private_groupchat: BadRequest "muc.private.type" "A private message is not of type groupchat",
    /// §7.5.
    private_policy: Forbidden "muc.private.policy" "Private messages are restricted in this room",
    /// §7.8.2.
    may_not_invite: Forbidden "muc.invite.denied" "You may not invite others into this room",
    /// §7.8.2.
    bad_invitee: ItemNotFound "muc.invite.address" "Nobody with this address can be invited",
    /// §9.1: a ban is lifted by those who may.
    invites_outcast: NotAllowed "muc.invite.outcast" "Somebody who is banned cannot be invited",
    /// §8.1.
    may_not_change_subject: Forbidden "muc.subject.denied" "You may not change the subject",
    /// §8.1.
    subject_too_long: NotAcceptable "muc.subject.long" "The subject is too long",
    /// §8, §9, §10.
    lacks_privilege: Forbidden "muc.privilege" "You lack the privilege for that",
    /// §8.2, §9.1.
    outranked: NotAllowed "muc.privilege.target" "You cannot do that to somebody of this standing",
    /// §9.1.
    bans_himself: Conflict "muc.admin.self" "You cannot ban yourself",
    /// §10.4.
    last_owner: Conflict "muc.admin.last-owner" "A room keeps at least one owner",
    /// §17.4.
    bad_item: BadRequest "muc.admin.item" "An item names a nickname and a role, or an address and an affiliation",
    /// A bound of the service.
    too_many_items: NotAcceptable "muc.admin.many" "Too many items at once",
    /// RFC 6120 §8.3.3.8.
    malformed_address: JidMalformed "muc.address.malformed" "This is no address",
    /// §10.9: nothing can be given back.
    destroy_or_form: BadRequest "muc.destroy.form" "Either the room is destroyed or it is configured",
    /// A bound of the service.
    bad_address: NotAcceptable "muc.admin.address" "This address cannot have an affiliation",
    /// §9.4 on.
    bad_payload: BadRequest "muc.payload" "This is not what the service expects here",
    /// XEP-0068.
    another_form: BadRequest "muc.config.form" "This is another form than the room's configuration",
    /// Nothing answers it.
    unknown: ServiceUnavailable "muc.iq.unknown" "Nothing answers that here",
    /// XEP-0059 §2.6.
    no_index: FeatureNotImplemented "muc.disco.index" "Rooms are not counted: ask for those after a room",
    /// §9, paging.
    busy: ResourceConstraint "muc.busy" "Too many lists are being read; try again",
}

/// §7.2.8: a nickname that cannot be used.
pub(crate) fn bad_nick(why: &annex_stanza::NickError) -> Refusal {
    Refusal::new(Condition::JidMalformed, "muc.nick.malformed").text(why.to_string())
}

/// The same for one that is too long.
pub(crate) fn long_nick(max: usize) -> Refusal {
    Refusal::new(Condition::JidMalformed, "muc.nick.long")
        .text(format!("A nickname has at most {max} bytes here"))
}

/// §7.2.9.
pub(crate) fn full() -> Refusal {
    Refusal::new(Condition::ServiceUnavailable, "muc.join.full")
        .with_type(ErrorType::Wait)
        .text("This room is full")
}

/// The creator has as many rooms as the service allows.
pub(crate) fn too_many_rooms() -> Refusal {
    Refusal::new(Condition::NotAllowed, "muc.create.many").text("You have created enough rooms")
}

/// Design: rates are refused with `wait`.
fn too_fast(reason: &'static str) -> Refusal {
    Refusal::new(Condition::PolicyViolation, reason).with_type(ErrorType::Wait)
}

/// Messages come too fast.
pub(crate) fn message_rate() -> Refusal {
    too_fast("muc.rate.message").text("You send messages too fast")
}

/// Nicknames change too fast.
pub(crate) fn nick_rate() -> Refusal {
    too_fast("muc.rate.nick").text("You change your nickname too fast")
}

/// Joins come too fast.
pub(crate) fn join_rate() -> Refusal {
    too_fast("muc.rate.join").text("Too many enter this room at once; try again")
}

/// One who is inside enters again and again.
pub(crate) fn resync_rate() -> Refusal {
    too_fast("muc.rate.resync").text("You enter this room too often; try again")
}

/// One occupant has too many sessions.
pub(crate) fn too_many_sessions() -> Refusal {
    too_fast("muc.join.sessions").text("You are in this room with too many clients")
}
