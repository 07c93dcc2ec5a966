//! What the server is known to have.
//!
//! XEP-0114 acknowledges nothing. So a message to ourselves goes out through the server while
//! output is unconfirmed; as a server keeps the order between two addresses, its return says that
//! everything written before it was taken. Prosody and ejabberd both return it.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// A mark goes out at least so often while output is unconfirmed.
const INTERVAL: Duration = Duration::from_millis(100);
/// And after so many bytes.
const BYTES: usize = 256 << 10;

/// Which turns have been released, and how much of their output is still to be written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Turns with output that is not yet written, oldest first.
    open: VecDeque<(u64, usize)>,
    released: u64,
}

impl Written {
    /// A turn was released with so many outputs.
    pub(crate) fn released(&mut self, turn: u64, outputs: usize) {
        self.released = self.released.max(turn);
        if outputs > 0 {
            self.open.push_back((turn, outputs));
        }
    }

    /// One output of a turn is written completely.
    pub(crate) fn finished(&mut self, turn: u64) {
        let at = self.open.partition_point(|(open, _)| *open < turn);
        if let Some((_, outputs)) = self.open.get_mut(at) {
            *outputs -= 1;
        }
        while self.open.front().is_some_and(|(_, outputs)| *outputs == 0) {
            self.open.pop_front();
        }
    }

    /// The newest turn of which, and of all before it, nothing is left to write.
    pub(crate) fn mark(&self) -> u64 {
        self.open.front().map_or(self.released, |(turn, _)| turn - 1)
    }
}

/// Marks under way on one stream.
#[derive(Debug)]
pub(crate) struct Confirm {
    /// Distinguishes this stream's marks from those of an earlier one.
    stream: u64,
    /// The newest turn that a mark was sent for.
    asked: u64,
    /// The newest turn confirmed.
    confirmed: u64,
    /// Bytes written since the last mark.
    bytes: usize,
    /// When the first output since the last mark was written.
    since: Option<Instant>,
    /// The machine knows of the stream, and has told again on it what it had to.
    begun: bool,
    /// No mark was sent for turns up to this one.
    floor: u64,
}

impl Confirm {
    /// For a new stream; `confirmed` is what is known from before.
    pub(crate) fn new(stream: u64, confirmed: u64) -> Self {
        Self {
            stream,
            asked: confirmed,
            confirmed,
            bytes: 0,
            since: None,
            begun: false,
            floor: confirmed,
        }
    }

    /// With this turn, or an earlier one, the machine has told again what it had to. What was told
    /// before went nowhere, so no mark may speak for earlier turns alone.
    pub(crate) fn begin(&mut self, turn: u64) {
        if self.begun {
            return;
        }
        self.asked = self.asked.max(turn.saturating_sub(1));
        self.floor = self.asked;
        self.begun = true;
    }

    /// Whether everything written so far is confirmed, as far as it can be.
    pub(crate) fn is_settled(&self) -> bool {
        let covered = self.asked <= self.floor || self.confirmed >= self.asked;
        !self.begun || (self.since.is_none() && covered)
    }

    /// So many bytes of output were put into the buffer.
    pub(crate) fn wrote(&mut self, bytes: usize, now: Instant) {
        self.bytes += bytes;
        self.since.get_or_insert(now);
    }

    /// When a mark is due at the latest; none while nothing is unconfirmed, or nothing may be asked.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.since.filter(|_| self.begun).map(|since| since + INTERVAL)
    }

    /// The mark to send now, if one is due: there is output that no mark covers, and `written`
    /// has moved on. `last` does not wait for the interval.
    pub(crate) fn next(&mut self, written: u64, now: Instant, last: bool) -> Option<u64> {
        let since = self.since?;
        if !self.begun || (!last && self.bytes < BYTES && now < since + INTERVAL) {
            return None;
        }
        self.bytes = 0;
        if written <= self.asked {
            // A long fan-out is being written: the next look is an interval away.
            self.since = Some(now);
            return None;
        }
        self.since = None;
        self.asked = written;
        Some(written)
    }

    /// Text of a mark's id.
    pub(crate) fn id(&self, turn: u64) -> String {
        format!("annex-{}-{turn}", self.stream)
    }

    /// A mark came back: the turn that is confirmed by it, if that is news.
    pub(crate) fn returned(&mut self, id: &str) -> Option<u64> {
        let (stream, turn) = id.strip_prefix("annex-")?.split_once('-')?;
        let turn: u64 = turn.parse().ok()?;
        if stream.parse() != Ok(self.stream) || turn > self.asked || turn <= self.confirmed {
            return None;
        }
        self.confirmed = turn;
        Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stays_before_the_oldest_turn_that_is_still_being_written() {
        let mut written = Written::default();
        written.released(1, 1);
        written.released(2, 2);
        written.released(3, 0);
        written.released(5, 1);
        assert_eq!(written.mark(), 0);
        written.finished(5);
        assert_eq!(written.mark(), 0);
        written.finished(1);
        assert_eq!(written.mark(), 1);
        written.finished(2);
        assert_eq!(written.mark(), 1);
        written.finished(2);
        assert_eq!(written.mark(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_mark_goes_out_after_an_interval_or_256_kib_and_only_for_news() {
        let mut confirm = Confirm::new(7, 0);
        let start = Instant::now();
        confirm.wrote(100, start);
        let nothing = (confirm.due(), confirm.next(3, start + INTERVAL, true));
        assert_eq!(nothing, (None, None), "it is still being told again");
        let mut confirm = Confirm::new(7, 0);
        confirm.begin(1);
        assert_eq!((confirm.due(), confirm.next(3, start, false)), (None, None));
        confirm.wrote(100, start);
        assert_eq!(confirm.next(3, start, false), None);
        assert_eq!(confirm.next(3, start + INTERVAL, false), Some(3));
        assert_eq!(confirm.due(), None);
        confirm.wrote(BYTES, start);
        assert_eq!(confirm.next(3, start, false), None, "nothing new is completely written");
        confirm.wrote(BYTES, start);
        assert_eq!(confirm.next(4, start, false), Some(4));
        assert_eq!(confirm.returned("annex-6-4"), None, "of an earlier stream");
        assert_eq!(confirm.returned(&confirm.id(9)), None, "never sent");
        assert_eq!(confirm.returned(&confirm.id(3)), Some(3));
        assert_eq!(confirm.returned(&confirm.id(4)), Some(4));
        assert_eq!(confirm.returned(&confirm.id(3)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_on_which_nothing_was_said_is_settled() {
        let mut confirm = Confirm::new(1, 4);
        assert!(confirm.is_settled());
        confirm.begin(9);
        assert!(confirm.is_settled(), "what earlier turns wrote went nowhere");
        let now = Instant::now();
        confirm.wrote(100, now);
        assert!(!confirm.is_settled());
        assert_eq!(confirm.next(9, now + INTERVAL, false), Some(9));
        assert!(!confirm.is_settled());
        confirm.returned(&confirm.id(9));
        assert!(confirm.is_settled());
    }
}
