//! Leaving a room (XEP-0045 §7.14), and what becomes of a room that somebody left.

use annex_service::context::{Context, Outcome};
use annex_stanza::{Jid, Stanza};

use super::{depart::Departure, destroy, session};
use crate::service::Muc;

/// Unavailable presence.
pub(crate) fn leave(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<()> {
    // §17.3: from one who is not in the room it is ignored. Whichever nickname it names: a change
    // may be under way.
    let Some(room) = muc.rooms.find(&stanza.to, context)? else { return Ok(()) };
    let Some(session) = room.sessions.get(&stanza.from) else { return Ok(()) };
    let number = session.occupant;
    let last = room.sessions.len() == 1;
    let status = session::exit_message(&stanza.payload);
    // §10.1.3: the owner leaves before the room is configured.
    let destroy =
        if room.is_locked() && last { destroy::element(None, None, None) } else { Vec::new() };
    let departure = Departure {
        status: &status,
        destroy: &destroy,
        id: stanza.id.as_deref(),
        ..Departure::default()
    };
    let farewell = room.depart(number, std::slice::from_ref(&stanza.from), &departure, context);
    room.farewell(farewell, context);
    let jid = room.jid.clone();
    context.turn.count("annex_muc_leaves_total", None);
    settle(muc, &jid, context)
}

/// A room that nobody is in any more: a temporary one, and one that was never configured, goes
/// (§7.14, §10.1.3); another is forgotten after a while.
pub(crate) fn settle(muc: &mut Muc, jid: &Jid, context: &mut Context<'_, '_>) -> Outcome<()> {
    let Some(room) = muc.rooms.here(jid) else { return Ok(()) };
    if !room.is_empty() {
        return Ok(());
    }
    if room.record.config.persistent && !room.is_locked() {
        return Ok(());
    }
    if let Some(room) = muc.rooms.forget(jid) {
        destroy::erase(&room, context)?;
    }
    Ok(())
}
