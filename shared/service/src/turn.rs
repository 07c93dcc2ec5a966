//! A turn: everything a machine can see and do while it handles what has arrived.
//!
//! What a turn writes is committed as one atomic batch, and what it emits is released only when
//! that batch, and every earlier one, is on disk. See `docs/ARCHITECTURE.md`.

use std::time::Duration;

use annex_stanza::{Audience, Chunks, Jid, Outgoing, Recipient, Template, Timestamp};
use bytes::Bytes;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use crate::{
    effect::{Effect, Lane, Timer},
    overlay::{Overlay, View},
    store::{Op, Page, Read, Scan, StoreError, TURN_BYTES, TURN_RECORDS, Table},
};

/// The time at which an input is handled. The daemon reads the clocks; machines never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall clock: for stamps and expiry. May step in either direction.
    pub wall: Timestamp,
    /// Since the start of the machine: for time-outs and rates. Never steps.
    pub since_start: Duration,
}

/// Numbers that only ever grow, also over restarts and clock steps. The store keeps them with
/// every commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// Number of the newest turn.
    pub turn: u64,
    /// Newest stamp given out, in microseconds since 1970 where the clock allows.
    pub stamp: u64,
}

/// What lasts from one turn to the next.
pub struct TurnState {
    marks: Marks,
    rng: ChaCha8Rng,
    overlay: Overlay,
    space_low: bool,
}

impl TurnState {
    /// `marks` as the store had them at start, `seed` from the system's source of randomness, or
    /// from the trace that is being replayed.
    pub fn new(marks: Marks, seed: [u8; 32]) -> Self {
        Self {
            marks,
            rng: ChaCha8Rng::from_seed(seed),
            overlay: Overlay::default(),
            space_low: false,
        }
    }

    /// Opens the next turn.
    pub fn begin<'a>(&'a mut self, store: &'a dyn Read, now: Now) -> Turn<'a> {
        self.marks.turn += 1;
        Turn { state: self, store, now, ops: Vec::new(), effects: Vec::new(), failed: None }
    }

    /// Everything up to and including `turn` is on disk.
    pub fn committed(&mut self, turn: u64) {
        self.overlay.committed(turn);
    }

    /// The newest numbers.
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// Laid over the store, this is what the machine sees.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }
}

/// What a turn leaves behind.
#[derive(Debug)]
pub struct Finished {
    /// Its number and the newest stamp: to be stored with the commit.
    pub marks: Marks,
    /// To be committed as one atomic batch.
    pub ops: Vec<Op>,
    /// To be released after the commit, in this order.
    pub effects: Vec<Effect>,
    /// The store failed under a handler: discard everything and stop.
    pub failed: Option<StoreError>,
}

/// See the module's text.
pub struct Turn<'a> {
    state: &'a mut TurnState,
    store: &'a dyn Read,
    now: Now,
    ops: Vec<Op>,
    effects: Vec<Effect>,
    failed: Option<StoreError>,
}

/// A point within a turn to which it can be rolled back.
#[derive(Debug, Clone, Copy)]
pub struct Savepoint {
    ops: usize,
    effects: usize,
    undo: usize,
}

impl<'a> Turn<'a> {
    /// Wall clock, the same for the whole input.
    pub fn wall(&self) -> Timestamp {
        self.now.wall
    }

    /// Time since the start of the machine, the same for the whole input.
    pub fn since_start(&self) -> Duration {
        self.now.since_start
    }

    /// The next input of the same turn is handled at `now`.
    pub fn advance(&mut self, now: Now) {
        self.now = now;
    }

    /// This turn's number: greater than that of every turn before it, in this run or an earlier
    /// one. Records that must be told again after a crash carry it (see [`crate::unconfirmed`]).
    pub fn number(&self) -> u64 {
        self.state.marks.turn
    }

    /// A number that was never given out before and is greater than all that were: the wall clock
    /// in microseconds where that has moved on. Local ids of entities and keys of archives are
    /// stamps.
    pub fn stamp(&mut self) -> u64 {
        let wall = u64::try_from(self.now.wall.0).unwrap_or(0);
        self.state.marks.stamp = wall.max(self.state.marks.stamp + 1);
        self.state.marks.stamp
    }

    /// 64 random bits, unpredictable from outside.
    pub fn random(&mut self) -> u64 {
        self.state.rng.next_u64()
    }

    /// A random identifier of 26 characters (130 bits), safe in XML, addresses and file names.
    pub fn token(&mut self) -> String {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut bits = [0; 26];
        self.state.rng.fill_bytes(&mut bits);
        bits.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
    }

    /// The store with everything written so far on top.
    pub fn read(&self) -> View<'_> {
        View::new(self.store, &self.state.overlay)
    }

    /// One record.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.read().get(table, key)
    }

    /// A bounded stretch of records: for joining, loading, checking. What is longer goes out as
    /// [`Effect::Fetch`].
    pub fn scan(&self, scan: Scan) -> Result<Page, StoreError> {
        let scan =
            Scan { limit: scan.limit.min(TURN_RECORDS), bytes: scan.bytes.min(TURN_BYTES), ..scan };
        self.read().scan(&scan)
    }

    /// Writes; seen at once by every later read, on disk before anything emitted leaves.
    pub fn write(&mut self, op: Op) {
        self.state.overlay.write(self.state.marks.turn, &op);
        self.ops.push(op);
    }

    /// Sets a record.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Bytes>) {
        self.write(Op::put(table, key, value));
    }

    /// Removes a record.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.write(Op::delete(table, key));
    }

    /// What the turn has emitted so far, in order.
    pub fn emitted(&self) -> &[Effect] {
        &self.effects
    }

    /// Lets something happen after the commit.
    pub fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// One stanza to one address, in the lane of its own `from`.
    pub fn send(&mut self, stanza: &Outgoing, to: &Jid) {
        let lane = Lane::of(&stanza.from);
        self.send_in(lane, stanza, to);
    }

    /// One stanza to one address in a lane.
    pub fn send_in(&mut self, lane: Lane, stanza: &Outgoing, to: &Jid) {
        self.emit(Effect::Send { lane, template: stanza.template(), to: Recipient::from(to) });
    }

    /// One template to many.
    pub fn fanout(&mut self, lane: Lane, template: Template, audience: Audience) {
        if !audience.is_empty() {
            self.emit(Effect::Fanout { lane, template, audience });
        }
    }

    /// Many templates to one.
    pub fn series(&mut self, lane: Lane, templates: Chunks<Template>, to: Recipient) {
        if !templates.is_empty() {
            self.emit(Effect::Series { lane, templates, to });
        }
    }

    /// Arms a timer at this time from now.
    pub fn arm(&mut self, timer: Timer, after: Duration) {
        let at = self.now.since_start + after;
        self.emit(Effect::Arm { timer, at });
    }

    /// Forgets a timer.
    pub fn disarm(&mut self, timer: Timer) {
        self.emit(Effect::Disarm { timer });
    }

    /// Adds one to a counter.
    pub fn count(&mut self, metric: &'static str, label: Option<(&'static str, &'static str)>) {
        self.emit(Effect::Count { metric, label, by: 1 });
    }

    /// Free space is below the reserve: what writes is refused, what removes goes on.
    pub fn is_space_low(&self) -> bool {
        self.state.space_low
    }

    /// Free space fell below the reserve, or is enough again.
    pub fn set_space_low(&mut self, low: bool) {
        self.state.space_low = low;
    }

    /// Where this turn stands now.
    pub fn savepoint(&self) -> Savepoint {
        Savepoint {
            ops: self.ops.len(),
            effects: self.effects.len(),
            undo: self.state.overlay.depth(),
        }
    }

    /// Discards every write and effect since `savepoint`.
    pub fn rollback(&mut self, savepoint: Savepoint) {
        self.ops.truncate(savepoint.ops);
        self.effects.truncate(savepoint.effects);
        self.state.overlay.rollback(savepoint.undo);
    }

    /// Whether anything was written since `savepoint`.
    pub fn wrote_since(&self, savepoint: Savepoint) -> bool {
        self.ops.len() > savepoint.ops
    }

    /// The store failed: nothing of this turn may leave, and the process stops.
    pub fn fail(&mut self, error: StoreError) {
        self.failed.get_or_insert(error);
    }

    /// Whether the store failed in this turn.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Writes and effects so far, in bytes and number: a long turn is ended early.
    pub fn written(&self) -> usize {
        self.ops.iter().map(Op::size).sum()
    }

    /// Ends the turn.
    pub fn finish(self) -> Finished {
        let marks = self.state.marks;
        self.state.overlay.close(marks.turn);
        Finished { marks, ops: self.ops, effects: self.effects, failed: self.failed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Empty;

    impl Read for Empty {
        fn get(&self, _: Table, _: &[u8]) -> Result<Option<Bytes>, StoreError> {
            Ok(None)
        }

        fn scan(&self, _: &Scan) -> Result<Page, StoreError> {
            Ok(Page { rows: Vec::new(), complete: true })
        }
    }

    const TABLE: Table = Table::new(40, "test");

    fn at(wall: i64) -> Now {
        Now { wall: Timestamp(wall), since_start: Duration::ZERO }
    }

    #[test]
    fn stamps_grow_when_the_clock_steps_back_and_over_a_restart() {
        let mut state = TurnState::new(Marks { turn: 7, stamp: 1_000 }, [0; 32]);
        let mut turn = state.begin(&Empty, at(500));
        assert_eq!(turn.stamp(), 1_001);
        assert_eq!(turn.stamp(), 1_002);
        turn.advance(at(9_000));
        assert_eq!(turn.stamp(), 9_000);
        turn.advance(at(10));
        assert_eq!(turn.stamp(), 9_001);
        assert_eq!(turn.finish().marks, Marks { turn: 8, stamp: 9_001 });
    }

    #[test]
    fn a_rollback_takes_back_writes_and_effects_and_leaves_the_earlier_ones() {
        let mut state = TurnState::new(Marks::default(), [0; 32]);
        let mut turn = state.begin(&Empty, at(0));
        turn.put(TABLE, *b"a", "1");
        turn.count("annex_test_total", None);
        let savepoint = turn.savepoint();
        turn.put(TABLE, *b"a", "2");
        turn.put(TABLE, *b"b", "3");
        turn.delete(TABLE, *b"a");
        turn.count("annex_test_total", None);
        turn.rollback(savepoint);
        assert_eq!(turn.get(TABLE, b"a").expect("read"), Some(Bytes::from("1")));
        assert_eq!(turn.get(TABLE, b"b").expect("read"), None);
        let finished = turn.finish();
        assert_eq!((finished.ops.len(), finished.effects.len()), (1, 1));
    }

    #[test]
    fn a_later_turns_write_survives_the_commit_of_an_earlier_one() {
        let mut state = TurnState::new(Marks::default(), [0; 32]);
        let mut turn = state.begin(&Empty, at(0));
        turn.put(TABLE, *b"a", "1");
        let first = turn.finish().marks.turn;
        let mut turn = state.begin(&Empty, at(0));
        turn.put(TABLE, *b"a", "2");
        let second = turn.finish().marks.turn;
        state.committed(first);
        let turn = state.begin(&Empty, at(0));
        assert_eq!(turn.get(TABLE, b"a").expect("read"), Some(Bytes::from("2")));
        turn.finish();
        state.committed(second);
        assert!(state.overlay().is_empty());
    }
}
