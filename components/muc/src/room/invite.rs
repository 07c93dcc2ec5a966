//! Mediated invitations and their declines (XEP-0045 §7.8.2). Direct ones (XEP-0249) go from client
//! to client, or as private messages.

use std::collections::VecDeque;

use annex_service::context::{Context, Outcome};
use annex_stanza::{Jid, MessageType, Outgoing, Recipient, Refusal, Stanza, Xml, ns, read_error};
use minidom::Element;

use super::{
    Room,
    admin::shorten,
    affiliation::{self, Affiliation},
    message,
};
use crate::{
    config::Settings,
    keys::{self, AffiliationRecord},
    refusals,
    service::Muc,
};

/// Invitations in one message at most.
const AT_ONCE: usize = 16;
/// Invitations of a room that can be declined at most.
const OPEN: usize = 64;

/// Who was invited to a room and has not answered, by key of the bare address, and the occupant who
/// invited; memory only.
#[derive(Debug, Default)]
pub(crate) struct Invited(VecDeque<(String, u64)>);

impl Invited {
    fn add(&mut self, person: &Jid, inviter: u64) {
        self.take(person);
        if self.0.len() == OPEN {
            self.0.pop_front();
        }
        self.0.push_back((person.bare_key().to_owned(), inviter));
    }

    /// The answer: there is one, from this person. Who invited.
    fn take(&mut self, person: &Jid) -> Option<u64> {
        let at = self.0.iter().position(|(invited, _)| invited == person.bare_key())?;
        self.0.remove(at).map(|(_, inviter)| inviter)
    }
}

/// A message to a room that is not for everybody: an invitation, a decline, or a mistake.
pub(crate) fn message(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let x = stanza.payload.find(ns::MUC_USER, "x").ok_or_else(refusals::not_groupchat)?;
    let x = stanza.payload.element(x)?;
    if x.has_child("invite", ns::MUC_USER) {
        return invite(muc, stanza, &x, context);
    }
    match x.get_child("decline", ns::MUC_USER) {
        Some(decline) => refuse(muc, stanza, decline, context),
        None => Err(refusals::not_groupchat().into()),
    }
}

fn invite(
    muc: &mut Muc,
    stanza: &Stanza,
    x: &Element,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let Muc { rooms, settings, .. } = muc;
    let room = rooms.open(stanza, context)?;
    let now = context.turn.since_start();
    let Some(session) = room.sessions.get_mut(&stanza.from) else {
        return Err(refusals::not_in_room().into());
    };
    session.hear(now);
    let number = session.occupant;
    message::is_short(settings, stanza)?;
    let Some(occupant) = room.occupants.get_mut(&number) else { return Ok(()) };
    // §7.8.2, §9.5: in a room for members an invitation makes a member, which is for admins.
    let config = &room.record.config;
    let may = occupant.affiliation >= Affiliation::Admin || config.invites && !config.members_only;
    if !may {
        return Err(refusals::may_not_invite().into());
    }
    let invitations: Vec<_> = x.children().filter(|x| x.is("invite", ns::MUC_USER)).collect();
    if invitations.len() > AT_ONCE {
        return Err(refusals::too_many_items().into());
    }
    for _ in &invitations {
        if !occupant.messages.take(now, settings.messages_per_second, settings.message_burst) {
            return Err(refusals::message_rate().into());
        }
    }
    let whom = invitations.iter().map(|invitation| invitee(room, invitation, context));
    let whom = whom.collect::<Outcome<Vec<_>>>()?;
    for ((jid, standing), invitation) in whom.into_iter().zip(invitations) {
        if room.record.config.members_only && standing == Affiliation::None {
            admit(room, &jid, &stanza.from, context);
        }
        room.invited.add(&jid, number);
        let Some(occupant) = room.occupants.get(&number) else { continue };
        let mut xml = Xml::new();
        xml.open("x").xmlns(ns::MUC_USER).open("invite").attr("from", occupant.address.as_str());
        reason(&mut xml, invitation, settings);
        if let Some(go_on) = invitation.get_child("continue", ns::MUC_USER) {
            // §7.9
            xml.open("continue").attr_opt("thread", go_on.attr("thread")).close();
        }
        xml.close();
        if let Some(password) = &room.record.config.password {
            xml.text_element("password", None, password);
        }
        tell(room, stanza, &jid, xml, context);
    }
    context.turn.count("annex_muc_invitations_total", None);
    Ok(())
}

/// Who is invited, and his standing.
fn invitee(
    room: &Room,
    invitation: &Element,
    context: &Context<'_, '_>,
) -> Outcome<(Jid, Affiliation)> {
    let to = invitation.attr("to").map(str::trim).unwrap_or_default();
    let jid = Jid::parse(to).map_err(|_| refusals::malformed_address())?;
    // Nobody lives here: neither a room nor an occupant can be asked in.
    let lives_here = jid.domain_key() == room.jid.domain_key();
    if lives_here || jid.bare_key().len() > keys::LONGEST_NAME {
        return Err(refusals::bad_invitee().into());
    }
    let standing = affiliation::stored_for(context.turn, room.id, &jid)?;
    if standing == Affiliation::Outcast {
        return Err(refusals::invites_outcast().into());
    }
    Ok((jid, standing))
}

/// The invitation makes a member (§7.8.2).
fn admit(room: &Room, jid: &Jid, by: &Jid, context: &mut Context<'_, '_>) {
    let jid = jid.bare();
    let new = AffiliationRecord {
        jid: jid.as_str().to_owned(),
        affiliation: Affiliation::Member,
        nick: None,
        reason: None,
        at: context.turn.wall().0,
    };
    affiliation::store(context.turn, room.id, jid.key(), None, Some(&new));
    let whom = format!("{jid} in {}", room.jid);
    context.audit(by.bare(), "affiliation/member", whom, Some("invited"));
}

/// Somebody declines: who invited him is told, if he still is in the room. Nobody but who was invited
/// can write to occupants this way.
fn refuse(
    muc: &mut Muc,
    stanza: &Stanza,
    decline: &Element,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let Muc { rooms, settings, .. } = muc;
    let Some(room) = rooms.here(&stanza.to) else { return Ok(()) };
    message::is_short(settings, stanza)?;
    let Some(to) = decline.attr("to").and_then(|to| Jid::parse(to.trim()).ok()) else {
        return Err(refusals::bad_payload().into());
    };
    if room.invited.take(&stanza.from).is_none() {
        return Ok(());
    }
    // The invitation came from an occupant's address; a client may know the inviter's own.
    let inviter: Vec<_> = if to.bare_key() == room.jid.bare_key() {
        room.occupant_at(&to).map(|occupant| occupant.sessions.clone()).unwrap_or_default()
    } else {
        let named = |jid: &&Jid| jid.bare_key() == to.bare_key() && (to.is_bare() || **jid == to);
        room.sessions.keys().filter(named).cloned().collect()
    };
    for jid in &inviter {
        let mut xml = Xml::new();
        let by = stanza.from.bare();
        xml.open("x").xmlns(ns::MUC_USER).open("decline").attr("from", by.as_str());
        reason(&mut xml, decline, settings);
        xml.close();
        tell(room, stanza, jid, xml, context);
    }
    Ok(())
}

/// §7.8.2: an invitation came back, as nobody is there to get it, and the inviter is told. False if
/// it was none.
pub(crate) fn came_back(room: &mut Room, stanza: &Stanza, context: &mut Context<'_, '_>) -> bool {
    let Some(inviter) = room.invited.take(&stanza.from) else { return false };
    let Some((kind, condition, _)) = read_error(stanza) else { return false };
    let refusal = Refusal::new(condition, "muc.invite.error").with_type(kind);
    let told = Outgoing {
        id: stanza.id.clone(),
        payload: refusal.by(stanza.from.bare()).xml(),
        ..Outgoing::message(MessageType::Error, &room.jid)
    }
    .template();
    let Some(occupant) = room.occupants.get(&inviter) else { return true };
    for session in occupant.sessions.iter().filter_map(|jid| room.sessions.get(jid)) {
        room.send(told.clone(), session.recipient(), context);
    }
    true
}

fn reason(xml: &mut Xml, element: &Element, settings: &Settings) {
    if let Some(reason) = element.get_child("reason", ns::MUC_USER) {
        let mut reason = reason.text();
        shorten(&mut reason, settings.max_reason);
        xml.text_element("reason", None, &reason);
    }
}

/// From the room itself, with the id of what asked for it.
fn tell(room: &Room, stanza: &Stanza, to: &Jid, xml: Xml, context: &mut Context<'_, '_>) {
    let told = Outgoing {
        id: stanza.id.clone(),
        lang: stanza.lang.clone(),
        payload: xml.finish(),
        ..Outgoing::message(MessageType::Normal, &room.jid)
    };
    room.send(told.template(), Recipient::from(to), context);
}
