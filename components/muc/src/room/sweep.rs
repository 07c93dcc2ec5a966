//! After a reconnect: asking everybody whether they are still there.
//!
//! Who left while we were away was lost to us, and a server that was restarted has lost its users.
//! Each session is pinged once, from the room's address, the most recently active first. An error
//! that means gone removes it ([`super::errors`]), one that may mean it is asked once more; silence
//! removes it only after the time for which a
//! client may be suspended (XEP-0198), as it answers nothing meanwhile.

use std::time::Duration;

use annex_service::{
    context::{Context, Outcome},
    effect::Timer,
    record::Parts,
    store::Scan,
};
use annex_stanza::{Condition, IqType, Jid, MessageType, Outgoing, Stanza, ns, read_error};

use super::errors;
use crate::{
    keys,
    service::{Muc, TIMER_GRACE, TIMER_SWEEP},
};

/// Rooms that are read at once.
const ROOMS: usize = 16;
/// Time between portions of pings.
const TICK: Duration = Duration::from_millis(100);
/// Silent sessions that are removed at once.
const PORTION: usize = 256;

/// What is under way.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// Behind which room the occupied rooms are still to be read.
    cursor: Option<Vec<u8>>,
    /// Occupied rooms are being read.
    gathering: bool,
    /// Who is to be asked: when last heard, when last active, room, session; the last one first.
    queue: Vec<(Duration, i64, u64, Jid)>,
    /// When it began.
    began: Duration,
}

const TIMER: Timer = Timer { kind: TIMER_SWEEP, id: 0 };
const GRACE: Timer = Timer { kind: TIMER_GRACE, id: 0 };

/// The stream came up.
pub(crate) fn begin(muc: &mut Muc, context: &mut Context<'_, '_>) {
    let began = context.turn.since_start();
    muc.sweep = Sweep { gathering: true, began, ..Sweep::default() };
    context.turn.arm(TIMER, Duration::ZERO);
    context.turn.disarm(GRACE);
}

/// The stream is gone.
pub(crate) fn end(muc: &mut Muc, context: &mut Context<'_, '_>) {
    muc.sweep = Sweep::default();
    context.turn.disarm(TIMER);
    context.turn.disarm(GRACE);
}

/// Goes on.
pub(crate) fn go_on(muc: &mut Muc, context: &mut Context<'_, '_>) -> Outcome<()> {
    if muc.sweep.gathering {
        return gather(muc, context);
    }
    let count = (muc.settings.sweep_rate / 10).max(1);
    for _ in 0..count {
        let Some((_, _, room, jid)) = muc.sweep.queue.pop() else { break };
        let Some(room) = muc.rooms.find_by_id(room, context)? else { continue };
        let began = muc.sweep.began;
        let Some(session) = room.sessions.get_mut(&jid) else { continue };
        // Who spoke since has answered.
        if session.heard > began {
            continue;
        }
        session.asked = true;
        let id = context.turn.token();
        let ping = Outgoing::iq(IqType::Get, &room.jid, id).child(|xml| {
            xml.leaf("ping", ns::PING);
        });
        let to = session.recipient();
        room.send(ping.template(), to, context);
    }
    if muc.sweep.queue.is_empty() {
        context.turn.arm(GRACE, muc.settings.suspend_grace);
    } else {
        context.turn.arm(TIMER, TICK);
    }
    Ok(())
}

/// An error instead of an answer. `service-unavailable` is said for a resource that is gone
/// (RFC 6121 §8.5.3), and by a client that is there and knows no pings (RFC 6120 §8.3.3.19): to a
/// message with nothing in it only the former gives an error.
pub(crate) fn refused(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let condition = read_error(stanza).map(|(_, condition, _)| condition);
    if condition != Some(Condition::ServiceUnavailable) {
        return errors::error(muc, stanza, context);
    }
    let Some(room) = muc.rooms.here(&stanza.to) else { return Ok(()) };
    let Some(session) = room.sessions.get(&stanza.from) else { return Ok(()) };
    let id = context.turn.token();
    let question = Outgoing::message(MessageType::Groupchat, &room.jid).id(id).child(|xml| {
        xml.leaf("no-store", ns::HINTS);
    });
    room.send(question.template(), session.recipient(), context);
    Ok(())
}

/// Reads the rooms that have occupants, a slice at a time, and notes who is in them.
fn gather(muc: &mut Muc, context: &mut Context<'_, '_>) -> Outcome<()> {
    let mut scan = Scan::all(keys::OCCUPIED).limit(ROOMS);
    if let Some(cursor) = &muc.sweep.cursor {
        scan = scan.after(cursor);
    }
    let page = context.turn.scan(scan)?;
    for row in &page.rows {
        let id = Parts::of(keys::OCCUPIED, &row.key).u64()?;
        let Some(room) = muc.rooms.find_by_id(id, context)? else { continue };
        for session in room.sessions.values_mut() {
            session.asked = false;
            muc.sweep.queue.push((session.heard, session.active, id, session.jid.clone()));
        }
        muc.sweep.cursor = Some(row.key.to_vec());
    }
    if page.complete {
        muc.sweep.gathering = false;
        muc.sweep.queue.sort();
        tracing::info!(sessions = muc.sweep.queue.len(), "asking occupants whether they are there");
    }
    context.turn.arm(TIMER, Duration::ZERO);
    Ok(())
}

/// The time is up: whoever was asked and has said nothing since is gone.
pub(crate) fn grace(muc: &mut Muc, context: &mut Context<'_, '_>) -> Outcome<()> {
    let mut silent = Vec::new();
    for room in muc.rooms.iter() {
        for session in room.sessions.values().filter(|session| session.asked) {
            if silent.len() < PORTION {
                silent.push((room.jid.clone(), session.jid.clone()));
            }
        }
    }
    let more = silent.len() == PORTION;
    for (room, session) in silent {
        errors::drop_session(muc, &room, &session, context)?;
    }
    if more {
        context.turn.arm(GRACE, Duration::ZERO);
    }
    Ok(())
}
