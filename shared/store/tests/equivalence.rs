//! The two engines give the same answers to the same history, also across restarts.
#![allow(clippy::unwrap_used)]

mod common;

use std::ops::Bound;

use annex_service::store::{Op, Read as _, Scan, Table};
use annex_store::{Memory, delete_within};
use common::{ITEM, LAST, ROOM, Running, config, noise};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Op>),
    Scan(Scan),
    Get(Table, Vec<u8>),
    DeleteWithin(Scan),
    Reopen,
    Compact,
}

fn table() -> impl Strategy<Value = Table> {
    prop_oneof![Just(ROOM), Just(ITEM), Just(LAST)]
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(prop_oneof![Just(0), Just(1), Just(0xff)], 0..4),
        2 => prop::collection::vec(any::<u8>(), 0..3),
        1 => Just(vec![7; 512]),
    ]
}

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0usize..100, 1 => 4090usize..4100, 1 => 8190usize..8200, 1 => 0usize..40_000]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (table(), key(), length(), any::<u64>())
            .prop_map(|(table, key, length, seed)| Op::put(table, key, noise(seed, length))),
        1 => (table(), key()).prop_map(|(table, key)| Op::delete(table, key)),
    ]
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        key().prop_map(Bound::Included),
        key().prop_map(Bound::Excluded),
    ]
}

fn scan() -> impl Strategy<Value = Scan> {
    (table(), bound(), bound(), any::<bool>(), 0usize..20, 0usize..20_000).prop_map(
        |(table, start, end, reverse, limit, bytes)| Scan {
            table,
            start,
            end,
            reverse,
            limit,
            bytes,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(op(), 0..30).prop_map(Step::Commit),
        6 => scan().prop_map(Step::Scan),
        3 => (table(), key()).prop_map(|(table, key)| Step::Get(table, key)),
        1 => scan().prop_map(Step::DeleteWithin),
        1 => Just(Step::Reopen),
        1 => Just(Step::Compact),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sled_agree(steps in prop::collection::vec(step(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::new();
        let mut one = Running::memory(&memory);
        let mut two = Running::open(config(dir.path())).unwrap();
        for step in steps {
            match step {
                Step::Commit(ops) => {
                    one.write(ops.clone());
                    two.write(ops);
                }
                Step::Scan(scan) => {
                    let (one, two) = (one.store.reader(), two.store.reader());
                    prop_assert_eq!(one.scan(&scan).unwrap(), two.scan(&scan).unwrap());
                }
                Step::Get(table, key) => {
                    let (one, two) = (one.store.reader(), two.store.reader());
                    prop_assert_eq!(one.get(table, &key).unwrap(), two.get(table, &key).unwrap());
                }
                Step::DeleteWithin(scan) => {
                    let portion = delete_within(&one.store.reader(), &scan).unwrap();
                    prop_assert_eq!(&portion, &delete_within(&two.store.reader(), &scan).unwrap());
                    one.write(portion.ops.clone());
                    two.write(portion.ops);
                }
                Step::Reopen => {
                    two.store.close();
                    two = Running::open(config(dir.path())).unwrap();
                }
                Step::Compact => two.store.compact().unwrap(),
            }
        }
        prop_assert_eq!(one.store.marks(), two.store.marks());
        prop_assert_eq!(common::content(&one.store.reader()), common::content(&two.store.reader()));
        prop_assert_eq!(one.store.inspect().tables, two.store.inspect().tables);
        two.healthy();
    }
}
