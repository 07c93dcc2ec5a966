//! When to try again: at once, then after 1 to 60 seconds, each time twice as long, ±20 %.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Attempts since the last stable stream.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Time to wait before the next attempt. `random` spreads it, so that a hundred components do
    /// not come back to a restarted server in the same moment.
    pub(crate) fn next(&mut self, random: u64) -> Duration {
        let attempt = self.attempts;
        self.attempts = attempt.saturating_add(1);
        let Some(doublings) = attempt.checked_sub(1) else { return Duration::ZERO };
        let base = FIRST.saturating_mul(1 << doublings.min(10)).min(LONGEST);
        let percent = 80 + u32::try_from(random % 41).unwrap_or(20);
        base * percent / 100
    }

    /// The stream held long enough.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Attempts so far.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_at_once_doubles_and_stays_at_a_minute() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..9).map(|_| backoff.next(20).as_secs()).collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
        backoff.reset();
        assert_eq!(backoff.next(0), Duration::ZERO);
        assert_eq!(backoff.next(0), Duration::from_millis(800));
        assert_eq!(backoff.next(40), Duration::from_millis(2400));
    }
}
