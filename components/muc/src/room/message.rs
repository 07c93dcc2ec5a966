//! Messages to a room (XEP-0045 §7.4).
//!
//! This is the hot path of the service. For a message to a room that keeps none: two lookups by
//! address in ordered maps, a look at the index of its children, one rendering of the template that
//! all recipients share, and one fan-out for each class. Nothing is parsed, nothing is written,
//! nothing is allocated for a recipient.

use annex_service::context::{Context, Outcome};
use annex_stanza::{Kind, MessageType, Outgoing, Stanza, Xml};

use super::{affiliation::Role, errors, history, invite, strip, subject};
use crate::{config::Settings, keys::MessageRecord, refusals, service::Muc};

/// A message to `room@service`.
pub(crate) fn message(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    match stanza.kind {
        Kind::Message(MessageType::Groupchat) => groupchat(muc, stanza, context),
        Kind::Message(MessageType::Error) => errors::error(muc, stanza, context),
        Kind::Message(MessageType::Normal) => invite::message(muc, stanza, context),
        // §17.2: what is typed otherwise is refused, also by one who is not there.
        _ => Err(refusals::not_groupchat().into()),
    }
}

/// What one sender says costs everybody in the room: there is a bound to it, with all that is passed
/// on.
pub(crate) fn is_short(settings: &Settings, stanza: &Stanza) -> Outcome<()> {
    let bytes = stanza.payload.bytes().len() + attributes(stanza);
    if bytes <= settings.max_message { Ok(()) } else { Err(refusals::long_message().into()) }
}

/// Bytes of a stanza's id and language as they are passed on.
pub(crate) fn attributes(stanza: &Stanza) -> usize {
    let escaped = |byte: u8| match byte {
        b'\'' | b'"' => 6,
        b'&' | b'\t' | b'\n' | b'\r' => 5,
        b'<' | b'>' => 4,
        _ => 1,
    };
    let texts = [&stanza.id, &stanza.lang].into_iter().flatten();
    texts.flat_map(|text| text.bytes()).map(escaped).sum()
}

fn groupchat(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<()> {
    let settings = &muc.settings;
    // §17.2: a room that does not exist, or not yet.
    let Some(room) = muc.rooms.find(&stanza.to, context)? else {
        return Err(refusals::no_room().into());
    };
    let now = context.turn.since_start();
    let Some(session) = room.sessions.get_mut(&stanza.from) else {
        return Err(room.refuse_stranger(&stanza.from).into());
    };
    session.hear(now);
    let Some(occupant) = room.occupants.get_mut(&session.occupant) else {
        return Err(refusals::not_in_room().into());
    };
    if occupant.role < Role::Participant {
        return Err(refusals::no_voice().into());
    }
    is_short(settings, stanza)?;
    if !occupant.messages.take(now, settings.messages_per_second, settings.message_burst) {
        return Err(refusals::message_rate().into());
    }
    if subject::is_change(&stanza.payload) {
        return subject::change(room, settings, stanza, context);
    }
    let said = strip::message(&stanza.payload, &room.jid);
    let mut payload = Vec::with_capacity(said.len() + occupant.id.len() + 160);
    payload.extend_from_slice(&said);
    payload.extend_from_slice(&occupant.id);
    let from = occupant.address.clone();
    // §7.4: the client's id; one for all where it gave none.
    let id = match &stanza.id {
        Some(id) => id.clone(),
        None => context.turn.token(),
    };
    if room.record.config.keeps_messages() && history::is_kept(&stanza.payload) {
        let record = MessageRecord {
            archive_id: context.turn.token(),
            nick: occupant.nick.as_str().to_owned(),
            sender: occupant.person.key().to_owned(),
            id: Some(id.clone()),
            lang: stanza.lang.clone(),
            payload: payload.clone(),
            at: context.turn.wall().0,
            subject: false,
        };
        room.read_kept(context.turn)?;
        let mut xml = Xml::new();
        history::stanza_id(&mut xml, &record.archive_id, &room.jid);
        payload.extend_from_slice(&xml.finish());
        room.keep(&record, context);
    }
    let template =
        Outgoing { kind: stanza.kind, from, id: Some(id), lang: stanza.lang.clone(), payload }
            .template();
    room.tell_all(&template, context);
    context.turn.count("annex_muc_messages_total", None);
    Ok(())
}
