//! Errors that come back (XEP-0045 §11.1, §18.1.2): a session that is gone is removed, and only
//! that session.

use annex_service::context::{Context, Outcome};
use annex_stanza::{Condition, Kind, MessageType, Outgoing, Refusal, Stanza, read_error};

use super::{depart::Departure, invite, leave, message};
use crate::service::Muc;

/// §18.1.2, and `service-unavailable`, which servers answer for a resource that is gone
/// (RFC 6121 §8.5.3).
pub(crate) fn means_gone(condition: Condition) -> bool {
    matches!(
        condition,
        Condition::Gone
            | Condition::ItemNotFound
            | Condition::RecipientUnavailable
            | Condition::Redirect
            | Condition::RemoteServerNotFound
            | Condition::RemoteServerTimeout
            | Condition::ServiceUnavailable
    )
}

/// An error of any kind from somebody to a room or an occupant. Whatever it answers, it can only
/// concern its sender, whose server vouches for `from`.
pub(crate) fn error(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<()> {
    let Some((kind, condition, _)) = read_error(stanza) else { return Ok(()) };
    if stanza.kind == Kind::Message(MessageType::Error)
        && let Some(room) = muc.rooms.here(&stanza.to)
        && invite::came_back(room, stanza, context)
    {
        return Ok(());
    }
    if means_gone(condition) {
        return remove(muc, stanza, context);
    }
    // §7.5: the sender of a private message learns what became of it. Text and `by` may name a real
    // address: they stay here.
    if let (Kind::Message(MessageType::Error), true) = (stanza.kind, stanza.to.is_full()) {
        let Muc { rooms, settings, .. } = muc;
        let Some(room) = rooms.occupied(&stanza.to, context)? else { return Ok(()) };
        let Some(session) = room.sessions.get(&stanza.from) else { return Ok(()) };
        let Some(occupant) = room.occupants.get_mut(&session.occupant) else { return Ok(()) };
        // No message that was sent here has such an id.
        if message::attributes(stanza) > settings.max_message {
            return Ok(());
        }
        // There is nothing to answer where nothing was sent: errors are no messages without limits.
        let (now, rate) = (context.turn.since_start(), settings.messages_per_second);
        if !occupant.errors.take(now, rate, settings.message_burst) {
            return Ok(());
        }
        let Some(occupant) = room.occupant_of(&stanza.from) else { return Ok(()) };
        let Some(target) = room.occupant_at(&stanza.to) else { return Ok(()) };
        let refusal = Refusal::new(condition, "muc.private.error").with_type(kind);
        let relayed = Outgoing {
            kind: stanza.kind,
            from: occupant.address.clone(),
            id: stanza.id.clone(),
            lang: None,
            // XEP-0421 §4: on every message of an occupant.
            payload: [refusal.xml().as_slice(), &occupant.id].concat(),
        }
        .template();
        for session in target.sessions.iter().filter_map(|jid| room.sessions.get(jid)) {
            room.send(relayed.clone(), session.recipient(), context);
        }
    }
    Ok(())
}

/// The session is removed with 333 (§11.1), and never 307.
fn remove(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<()> {
    let Some(room) = muc.rooms.occupied(&stanza.to, context)? else { return Ok(()) };
    let jid = room.jid.clone();
    // A server answers for a full address as one; for a bare one, all of its resources are gone.
    let sessions: Vec<_> = if stanza.from.is_full() {
        vec![stanza.from.clone()]
    } else {
        let own = room.sessions.keys();
        own.filter(|session| session.bare_key() == stanza.from.key()).cloned().collect()
    };
    for session in sessions {
        drop_session(muc, &jid, &session, context)?;
    }
    Ok(())
}

/// Removes one session of a room as gone.
pub(crate) fn drop_session(
    muc: &mut Muc,
    room: &annex_stanza::Jid,
    session: &annex_stanza::Jid,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let Some(room) = muc.rooms.find(room, context)? else { return Ok(()) };
    let Some(number) = room.sessions.get(session).map(|session| session.occupant) else {
        return Ok(());
    };
    let departure = Departure { codes: &[333], ..Departure::default() };
    let farewell = room.depart(number, std::slice::from_ref(session), &departure, context);
    room.farewell(farewell, context);
    let jid = room.jid.clone();
    context.turn.count("annex_muc_ghosts_total", None);
    leave::settle(muc, &jid, context)
}
