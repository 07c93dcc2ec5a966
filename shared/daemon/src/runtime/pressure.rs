//! When output or input is full: what is said, counted and logged.
//!
//! Refusals are written from a reserve of output of their own, so that senders are told even while
//! every lane waits. When that is full too, they are counted and dropped: a request without an
//! answer loses nothing that was promised.

use annex_stanza::{Condition, Recipient, Refusal, Stanza, refuse};

use super::{gate::Gate, meter::Meter};

/// How often each state began. What is dropped is counted stanza by stanza.
const METRIC: &str = "annex_pressure_total";

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    /// Refusals that wait to be written.
    waiting: Vec<u8>,
    stalled: State,
    full: State,
    mute: State,
}

/// A state that is logged when it begins and when it ends.
#[derive(Debug, Default)]
struct State {
    on: bool,
    times: u64,
}

impl State {
    /// True if it begins.
    fn set(&mut self, on: bool, begins: &'static str, ends: &'static str) -> bool {
        if on == self.on {
            return false;
        }
        self.on = on;
        if on {
            self.times += 1;
            tracing::warn!(times = self.times, "{begins}");
        } else {
            tracing::info!("{ends}");
        }
        on
    }
}

impl Pressure {
    /// Output is full: nothing is handled.
    pub(crate) fn stalled(&mut self, on: bool, meter: &mut Meter) {
        let begins = "the server does not take our output; stanzas wait to be handled";
        if self.stalled.set(on, begins, "the server takes our output again") {
            meter.count(METRIC, Some(("state", "stalled")), 1);
        }
    }

    /// The queue of stanzas that wait to be handled is full.
    pub(crate) fn full(&mut self, on: bool, meter: &mut Meter) {
        let begins = "too much waits to be handled; senders are refused";
        if self.full.set(on, begins, "stanzas are accepted again") {
            meter.count(METRIC, Some(("state", "full")), 1);
        }
    }

    /// Tells a sender that there is no room. False if there was none for that either.
    pub(crate) fn refuse(&mut self, stanza: &Stanza, gate: &Gate, reserve: usize) -> bool {
        let refusal = Refusal::new(Condition::ResourceConstraint, "pressure.full")
            .text("The service is overloaded; try again later");
        let Some(error) = refuse(stanza, &refusal) else { return true };
        let template = error.template();
        let to = Recipient::from(&stanza.from);
        if gate.check(&template, Some(&to)).is_err() {
            return false;
        }
        let fits = self.waiting.len() + template.len() <= reserve;
        let begins = "the server takes not even refusals; requests are dropped";
        self.mute.set(!fits, begins, "refusals are written again");
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
