//! After an outage, senders of remembered presence are asked whether they are still there: those
//! who are gone could not say so (XEP-0033 §5.1).

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use annex_service::{
    context::{Context, Outcome},
    effect::Timer,
    record::Record,
    store::Scan,
};
use annex_stanza::{Condition, IqType, Jid, Kind, Outgoing, Stanza, ns, read_error};

use crate::{
    from_probe::Verdict,
    keys::{ORIGINS, OriginRecord},
    presence,
    service::Multicast,
};

/// The next ones are asked.
pub(crate) const TIMER_ASK: Timer = Timer { kind: 33, id: 0 };
/// Those who said nothing are gone.
pub(crate) const TIMER_GRACE: Timer = Timer { kind: 34, id: 0 };

/// Asked, or given up, at once.
const PORTION: usize = 64;

/// Who was asked and has not answered.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// The last sender that was asked.
    cursor: Vec<u8>,
    running: bool,
    /// The id of the ping by sender.
    asked: BTreeMap<Jid, String>,
    /// Until when each may be silent, in the order in which they were asked.
    deadlines: VecDeque<(Duration, Jid)>,
}

impl Sweep {
    /// The sender is there, or says itself that it is not.
    pub(crate) fn heard(&mut self, origin: &Jid) {
        self.asked.remove(origin);
    }

    /// Senders that were asked and have not answered.
    pub(crate) fn open(&self) -> usize {
        self.asked.len()
    }
}

/// The stream is up again, and senders' addresses stay.
pub(crate) fn begin(multicast: &mut Multicast, context: &mut Context<'_, '_>) {
    multicast.sweep = Sweep { running: true, ..Sweep::default() };
    context.turn.arm(TIMER_ASK, Duration::ZERO);
}

/// The stream is gone.
pub(crate) fn end(multicast: &mut Multicast, context: &mut Context<'_, '_>) {
    multicast.sweep = Sweep::default();
    context.turn.disarm(TIMER_ASK);
    context.turn.disarm(TIMER_GRACE);
}

/// Asks the next ones.
pub(crate) fn ask(multicast: &mut Multicast, context: &mut Context<'_, '_>) -> Outcome<()> {
    if !multicast.sweep.running {
        return Ok(());
    }
    let scan = Scan::all(ORIGINS).limit(PORTION).after(&multicast.sweep.cursor);
    let page = context.turn.scan(scan)?;
    let mut origins = Vec::new();
    for row in &page.rows {
        origins.extend(Jid::parse(&OriginRecord::of(row)?.jid).ok());
    }
    let waits = !multicast.sweep.deadlines.is_empty();
    let deadline = context.turn.since_start() + multicast.settings.suspend_grace;
    for origin in origins {
        let id = context.turn.token();
        let ping = Outgoing::iq(IqType::Get, &context.shared.common.jid, id.as_str());
        let ping = ping.child(|xml| {
            xml.leaf("ping", ns::PING);
        });
        context.turn.send(&ping, &origin);
        multicast.sweep.deadlines.push_back((deadline, origin.clone()));
        multicast.sweep.asked.insert(origin, id);
    }
    if !waits && !multicast.sweep.deadlines.is_empty() {
        context.turn.arm(TIMER_GRACE, multicast.settings.suspend_grace);
    }
    multicast.sweep.running = !page.complete;
    if let Some(last) = page.rows.last().filter(|_| !page.complete) {
        multicast.sweep.cursor = last.key.to_vec();
        let portion = u32::try_from(PORTION).unwrap_or(u32::MAX);
        let pause = Duration::from_secs(1) * portion / multicast.settings.sweep_rate;
        context.turn.arm(TIMER_ASK, pause);
    }
    Ok(())
}

/// An answer, if it is one to a ping.
pub(crate) fn answer(
    multicast: &mut Multicast,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<bool> {
    if stanza.id.is_none() || multicast.sweep.asked.get(&stanza.from) != stanza.id.as_ref() {
        return Ok(false);
    }
    let error = read_error(stanza).filter(|_| stanza.kind == Kind::Iq(IqType::Error));
    match error.map(|(_, condition, _)| condition) {
        // Nobody has said anything.
        Some(Condition::RemoteServerTimeout) => return Ok(true),
        Some(
            Condition::Gone
            | Condition::ItemNotFound
            | Condition::RecipientUnavailable
            | Condition::RemoteServerNotFound
            | Condition::ServiceUnavailable,
        ) => give_up(multicast, &stanza.from, context)?,
        _ => {}
    }
    multicast.sweep.asked.remove(&stanza.from);
    Ok(true)
}

/// Those who said nothing for so long are gone.
pub(crate) fn grace(multicast: &mut Multicast, context: &mut Context<'_, '_>) -> Outcome<()> {
    let now = context.turn.since_start();
    for _ in 0..PORTION {
        let due = multicast.sweep.deadlines.front().is_some_and(|(deadline, _)| *deadline <= now);
        let Some((_, origin)) = due.then(|| multicast.sweep.deadlines.pop_front()).flatten() else {
            break;
        };
        if multicast.sweep.asked.remove(&origin).is_some() {
            give_up(multicast, &origin, context)?;
        }
    }
    if let Some((deadline, _)) = multicast.sweep.deadlines.front() {
        context.turn.arm(TIMER_GRACE, deadline.saturating_sub(now));
    }
    Ok(())
}

fn give_up(multicast: &mut Multicast, origin: &Jid, context: &mut Context<'_, '_>) -> Outcome<()> {
    // Where the server does not let it be told, it stays for better times.
    if multicast.probe.verdict != Verdict::Kept {
        return Ok(());
    }
    presence::vanished(multicast, origin, context)
}
