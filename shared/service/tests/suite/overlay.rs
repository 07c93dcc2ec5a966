//! Reads inside a turn see every write made before them: the overlay over a store that commits late
//! equals a store that commits at once, under random histories.

use std::{collections::VecDeque, ops::Bound, time::Duration};

use annex_service::{
    store::{Op, Read, Scan, Table},
    turn::{Marks, Now, TurnState},
};
use annex_stanza::Timestamp;
use annex_testkit::MapStore;
use proptest::prelude::*;

const TABLES: [Table; 3] = [Table::new(40, "a"), Table::new(41, "b"), Table::new(254, "z")];

#[derive(Debug, Clone)]
enum Step {
    Put(usize, Vec<u8>, Vec<u8>),
    Delete(usize, Vec<u8>),
    Get(usize, Vec<u8>),
    Scan(usize, Bound<Vec<u8>>, Bound<Vec<u8>>, bool, usize, usize),
    Savepoint,
    Rollback,
    EndTurn,
    Commit,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    // Few and close together, with prefixes of each other and the largest byte among them.
    prop_oneof![
        prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(2), Just(0xff)], 0..4),
        (0_u8..12).prop_map(|byte| vec![1, byte]),
    ]
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        key().prop_map(Bound::Included),
        key().prop_map(Bound::Excluded),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let value = || prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        8 => (0..3_usize, key(), value()).prop_map(|(t, k, v)| Step::Put(t, k, v)),
        5 => (0..3_usize, key()).prop_map(|(t, k)| Step::Delete(t, k)),
        3 => (0..3_usize, key()).prop_map(|(t, k)| Step::Get(t, k)),
        6 => (0..3_usize, bound(), bound(), any::<bool>(), 0..9_usize, 0..80_usize)
            .prop_map(|(t, s, e, r, l, b)| Step::Scan(t, s, e, r, l, b)),
        1 => Just(Step::Savepoint),
        1 => Just(Step::Rollback),
        3 => Just(Step::EndTurn),
        2 => Just(Step::Commit),
    ]
}

/// The same scan of both; where it is cut, both are read on to the end.
fn same_scan(view: &dyn Read, model: &MapStore, scan: &Scan) -> Result<(), TestCaseError> {
    let (mut left, mut right) = (scan.clone(), scan.clone());
    for _ in 0..100 {
        let (a, b) = (view.scan(&left).expect("reads"), model.scan(&right).expect("reads"));
        prop_assert_eq!(&a.rows, &b.rows, "{:?}", left);
        // Who says that it is complete must be right; the overlay may be too careful, but not when
        // nothing was found.
        prop_assert!(!a.complete || b.complete, "{:?}: more follows", left);
        let Some(last) = a.rows.last() else {
            prop_assert!(a.complete == b.complete || scan.limit == 0, "{:?}: empty", left);
            return Ok(());
        };
        left = left.after(&last.key);
        right = right.after(&last.key);
    }
    Ok(())
}

fn run(history: Vec<Step>) -> Result<(), TestCaseError> {
    let mut on_disk = MapStore::new();
    let mut at_once = MapStore::new();
    let mut in_flight: VecDeque<(u64, Vec<Op>)> = VecDeque::new();
    let mut state = TurnState::new(Marks::default(), [0; 32]);
    let now = Now { wall: Timestamp(0), since_start: Duration::ZERO };
    let mut steps = history.into_iter().peekable();
    while steps.peek().is_some() {
        let mut commits = 0;
        let mut turn = state.begin(&on_disk, now);
        let mut saved = None;
        for step in steps.by_ref() {
            match step {
                Step::Put(table, key, value) => {
                    at_once.commit(&[Op::put(TABLES[table], key.clone(), value.clone())]);
                    turn.put(TABLES[table], key, value);
                }
                Step::Delete(table, key) => {
                    at_once.commit(&[Op::delete(TABLES[table], key.clone())]);
                    turn.delete(TABLES[table], key);
                }
                Step::Get(table, key) => prop_assert_eq!(
                    turn.get(TABLES[table], &key).expect("reads"),
                    at_once.get(TABLES[table], &key).expect("reads")
                ),
                Step::Scan(table, start, end, reverse, limit, bytes) => {
                    let scan = Scan { table: TABLES[table], start, end, reverse, limit, bytes };
                    same_scan(&turn.read(), &at_once, &scan)?;
                }
                Step::Savepoint => saved = Some((turn.savepoint(), at_once.clone())),
                Step::Rollback => {
                    if let Some((savepoint, before)) = saved.take() {
                        turn.rollback(savepoint);
                        at_once = before;
                    }
                }
                Step::EndTurn => break,
                Step::Commit => commits += 1,
            }
        }
        let finished = turn.finish();
        in_flight.push_back((finished.marks.turn, finished.ops));
        for _ in 0..commits {
            if let Some((turn, ops)) = in_flight.pop_front() {
                on_disk.commit(&ops);
                state.committed(turn);
            }
        }
    }
    for (turn, ops) in in_flight {
        on_disk.commit(&ops);
        state.committed(turn);
    }
    prop_assert!(state.overlay().is_empty(), "everything is on disk");
    for table in TABLES {
        prop_assert_eq!(on_disk.table(table), at_once.table(table));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_store_that_commits_late_reads_like_one_that_commits_at_once(
        history in prop::collection::vec(step(), 0..120)
    ) {
        run(history)?;
    }
}
