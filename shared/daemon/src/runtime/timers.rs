//! Timers by name: arming one again moves it; what is due is handed out in the order of its time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use annex_service::effect::Timer;

/// All timers that are armed.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    at: BTreeMap<Timer, Duration>,
    order: BTreeSet<(Duration, Timer)>,
}

impl Timers {
    /// Arms a timer at this time since the start, or moves it there.
    pub(crate) fn arm(&mut self, timer: Timer, at: Duration) {
        if let Some(before) = self.at.insert(timer, at) {
            self.order.remove(&(before, timer));
        }
        self.order.insert((at, timer));
    }

    /// Forgets a timer.
    pub(crate) fn disarm(&mut self, timer: Timer) {
        if let Some(at) = self.at.remove(&timer) {
            self.order.remove(&(at, timer));
        }
    }

    /// Takes the earliest timer that is due.
    pub(crate) fn due(&mut self, since_start: Duration) -> Option<Timer> {
        let (at, timer) = *self.order.first()?;
        if at > since_start {
            return None;
        }
        self.order.pop_first();
        self.at.remove(&timer);
        Some(timer)
    }

    /// Takes this timer, if it is due.
    pub(crate) fn take(&mut self, timer: Timer, since_start: Duration) -> Option<Timer> {
        self.at(timer).filter(|at| *at <= since_start)?;
        self.disarm(timer);
        Some(timer)
    }

    /// When this timer is due.
    pub(crate) fn at(&self, timer: Timer) -> Option<Duration> {
        self.at.get(&timer).copied()
    }

    /// When the earliest is due, since the start.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arming_again_moves_a_timer() {
        let mut timers = Timers::default();
        let (a, b) = (Timer { kind: 40, id: 1 }, Timer { kind: 40, id: 2 });
        timers.arm(a, Duration::from_secs(1));
        timers.arm(b, Duration::from_secs(2));
        timers.arm(a, Duration::from_secs(3));
        assert_eq!(timers.next(), Some(Duration::from_secs(2)));
        assert_eq!(timers.due(Duration::from_secs(1)), None);
        assert_eq!(timers.due(Duration::from_secs(9)), Some(b));
        timers.disarm(a);
        assert_eq!(timers.due(Duration::from_secs(9)), None);
        assert_eq!(timers.next(), None);
    }
}
