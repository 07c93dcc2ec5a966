//! Rates, in memory only: after a restart everybody starts anew.

use std::time::Duration;

/// A bucket that fills at a steady rate (GCRA): one point in time is its whole state.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    /// When everything taken so far would have been earned.
    until: Duration,
}

impl Bucket {
    /// Takes one at `now`, if `rate` a second and `burst` at once allow it; a rate of 0 allows
    /// anything.
    pub(crate) fn take(&mut self, now: Duration, rate: u32, burst: u32) -> bool {
        let allowed = self.allows(now, rate, burst);
        if allowed && rate > 0 {
            self.charge(now, rate);
        }
        allowed
    }

    /// One may be taken.
    pub(crate) fn allows(&self, now: Duration, rate: u32, burst: u32) -> bool {
        if rate == 0 {
            return true;
        }
        let interval = Duration::from_secs(1) / rate;
        self.until.max(now) + interval - now <= interval * burst.max(1)
    }

    /// Takes one in any case.
    pub(crate) fn charge(&mut self, now: Duration, rate: u32) {
        self.until = self.until.max(now) + Duration::from_secs(1) / rate.max(1);
    }

    /// Less than everything is allowed now.
    pub(crate) fn is_in_use(&self, now: Duration) -> bool {
        self.until > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let mut bucket = Bucket::default();
        let at = Duration::from_millis;
        assert!((0..20).all(|_| bucket.take(at(0), 5, 20)));
        assert!(!bucket.take(at(0), 5, 20));
        assert!(!bucket.take(at(199), 5, 20));
        assert!(bucket.take(at(200), 5, 20));
        assert!(!bucket.take(at(200), 5, 20));
        assert_eq!((0..30).filter(|_| bucket.take(at(60_000), 5, 20)).count(), 20);
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        let mut bucket = Bucket::default();
        assert!((0..1_000).all(|_| bucket.take(Duration::ZERO, 0, 1)));
    }
}
