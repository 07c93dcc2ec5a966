//! When output or input is full, or the end has come: what is said, counted and logged.
//!
//! Refusals are written from a reserve of output of their own, so that senders are told even while
//! every lane waits. When that is full too, they are counted and dropped: a request without an
//! answer loses nothing that was promised.
//!
//! A state is counted when it begins and logged when it has lasted: a server that is merely slow
//! fills and empties the queues many times a second.

use std::time::Duration;

use annex_stanza::{Condition, Jid, Outgoing, RawHeader, Recipient, Refusal, Stanza, refuse};
use tokio::time::Instant;

use super::{gate::Gate, meter::Meter};

/// How often each state began. What is dropped is counted stanza by stanza.
const METRIC: &str = "annex_pressure_total";

/// A change is logged when it has lasted so long.
const LASTS: Duration = Duration::from_secs(1);

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Pressure {
    /// Refusals that wait to be written.
    waiting: Vec<u8>,
    stalled: State,
    full: State,
    mute: State,
}

/// Why a sender is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// There is no room.
    Full,
    /// The end has come.
    Stopping,
}

impl Why {
    fn refusal(self) -> Refusal {
        let (reason, text) = match self {
            Self::Full => ("pressure.full", "The service is overloaded; try again later"),
            Self::Stopping => ("pressure.stopping", "The service is stopping; try again later"),
        };
        Refusal::new(Condition::ResourceConstraint, reason).text(text)
    }
}

/// A state that is logged when it lasts, and when it has ended for good.
#[derive(Debug)]
struct State {
    begins: &'static str,
    ends: &'static str,
    on: bool,
    /// As the log has it.
    said: bool,
    since: Option<Instant>,
    times: u64,
}

impl State {
    fn new(begins: &'static str, ends: &'static str) -> Self {
        Self { begins, ends, on: false, said: false, since: None, times: 0 }
    }

    /// True if it begins.
    fn set(&mut self, on: bool, now: Instant) -> bool {
        if on == self.on {
            return false;
        }
        self.on = on;
        self.since = Some(now);
        self.times += u64::from(on);
        on
    }

    /// When there will be something to log, if it stays as it is.
    fn next(&self) -> Option<Instant> {
        self.since.filter(|_| self.on != self.said).map(|since| since + LASTS)
    }

    /// Logs what has lasted.
    fn look(&mut self, now: Instant) {
        if self.next().is_none_or(|next| now < next) {
            return;
        }
        self.said = self.on;
        if self.on {
            tracing::warn!(times = self.times, "{}", self.begins);
        } else {
            tracing::info!("{}", self.ends);
        }
    }
}

impl Default for Pressure {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            stalled: State::new(
                "the server does not take our output; stanzas wait to be handled",
                "the server takes our output again",
            ),
            full: State::new(
                "too much waits to be handled; senders are refused",
                "stanzas are accepted again",
            ),
            mute: State::new(
                "the server takes not even refusals; requests are dropped",
                "refusals are written again",
            ),
        }
    }
}

impl Pressure {
    /// Output is full: nothing is handled.
    pub(crate) fn stalled(&mut self, on: bool, now: Instant, meter: &mut Meter) {
        if self.stalled.set(on, now) {
            meter.count(METRIC, Some(("state", "stalled")), 1);
        }
    }

    /// The queue of stanzas that wait to be handled is full.
    pub(crate) fn full(&mut self, on: bool, now: Instant, meter: &mut Meter) {
        if self.full.set(on, now) {
            meter.count(METRIC, Some(("state", "full")), 1);
        }
    }

    /// When [`Self::look`] is to be called.
    pub(crate) fn next(&self) -> Option<Instant> {
        [&self.stalled, &self.full, &self.mute].into_iter().filter_map(State::next).min()
    }

    /// Logs what has lasted.
    pub(crate) fn look(&mut self, now: Instant) {
        for state in [&mut self.stalled, &mut self.full, &mut self.mute] {
            state.look(now);
        }
    }

    /// Tells a sender why its stanza is not handled. False if there was no room for that either.
    pub(crate) fn refuse(&mut self, stanza: &Stanza, why: Why, gate: &Gate, room: usize) -> bool {
        let error = refuse(stanza, &why.refusal());
        error.is_none_or(|error| self.tell(&error, &stanza.from, gate, room))
    }

    /// The same for a stanza that was refused as it came.
    pub(crate) fn refuse_header(
        &mut self,
        header: &RawHeader,
        refusal: &Refusal,
        gate: &Gate,
        room: usize,
    ) -> bool {
        let error = header.refuse(refusal, &gate.domain);
        error.is_none_or(|(error, to)| self.tell(&error, &to, gate, room))
    }

    fn tell(&mut self, error: &Outgoing, to: &Jid, gate: &Gate, room: usize) -> bool {
        let template = error.template();
        let to = Recipient::from(to);
        if gate.check(&template, Some(&to)).is_err() {
            return false;
        }
        let fits = self.waiting.len() + template.len() <= room;
        self.mute.set(!fits, Instant::now());
        if fits {
            template.write(&to, &mut self.waiting);
        }
        fits
    }

    /// Refusals to be written now.
    pub(crate) fn take(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.waiting);
    }

    /// Bytes of refusals that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The stream is gone.
    pub(crate) fn clear(&mut self) {
        self.waiting = Vec::new();
    }
}
