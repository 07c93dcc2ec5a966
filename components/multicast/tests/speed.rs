//! What a message with 10,000 addresses costs: run with `--release -- --ignored --nocapture`.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it measures time")]
#![allow(clippy::print_stdout, reason = "it prints what it measured")]

mod common;

use std::time::{Duration, Instant};

use annex_multicast::Multicast;
use annex_service::{
    effect::Effect,
    input::Input,
    machine::Machine as _,
    service::Service,
    turn::{Marks, Now, TurnState},
};
use annex_stanza::{Frame, Limits, Reader, Timestamp};
use annex_testkit::MapStore;
use common::message;
use serde_json::json;

const COUNT: usize = 10_000;

fn stanza(kind: &str, visible: usize) -> Input {
    let entries: String = (0..COUNT)
        .map(|i| {
            let kind = if i < visible { "to" } else { kind };
            format!("<address type='{kind}' jid='user{i}@example.com'/>")
        })
        .collect();
    let limits = Limits { children: 2 * COUNT, bytes: 4 << 20, ..Limits::default() };
    let mut reader = Reader::within_stream(limits);
    reader.feed(message(&entries).as_bytes());
    match reader.next() {
        Ok(Some(Frame::Stanza(stanza))) => Input::Stanza(stanza),
        other => panic!("{other:?}"),
    }
}

/// CPU time of handling and of writing, each for one copy.
fn measure(input: &Input) -> (Duration, Duration) {
    let mut common = annex_testkit::common(common::JID);
    common.stanza_out = 16 << 20;
    let mut machine = Service::<Multicast>::new(common, &json!({ "limit_local": 2 * COUNT }));
    let store = MapStore::new();
    let mut state = TurnState::new(Marks::default(), [0; 32]);
    let now = Now { wall: Timestamp(0), since_start: Duration::ZERO };
    let mut probe = None;
    let mut turn = state.begin(&store, now);
    machine.handle(Input::Start, &mut turn);
    machine.handle(Input::Online { confirmed: 0 }, &mut turn);
    for effect in turn.finish().effects {
        if let Effect::Send { template, to, .. } = effect {
            probe = annex_stanza::Stanza::parse(&template.render(&to)).or(probe);
        }
    }
    let mut turn = state.begin(&store, now);
    machine.handle(Input::Stanza(probe.expect("a probe")), &mut turn);
    turn.finish();
    let mut best = (Duration::MAX, Duration::MAX);
    let mut out = Vec::with_capacity(64 * 1024);
    for _ in 0..20 {
        let start = Instant::now();
        let mut turn = state.begin(&store, now);
        machine.handle(input.clone(), &mut turn);
        let effects = turn.finish().effects;
        let handled = start.elapsed();
        let start = Instant::now();
        let mut copies = 0;
        for effect in &effects {
            if let Effect::Fanout { template, audience, .. } = effect {
                for to in audience.iter() {
                    template.write(to, &mut out);
                    copies += 1;
                    if out.len() > 64 * 1024 {
                        out.clear();
                    }
                }
            }
        }
        assert_eq!(copies, COUNT);
        best = (best.0.min(handled), best.1.min(start.elapsed()));
    }
    let count = u32::try_from(COUNT).expect("it is small");
    (best.0 / count, best.1 / count)
}

#[test]
#[ignore = "a measurement"]
fn ten_thousand_addresses() {
    for (name, input) in
        [("10,000 bcc", stanza("bcc", 0)), ("10 to, the rest bcc", stanza("bcc", 10))]
    {
        let (handled, written) = measure(&input);
        println!("{name}: {handled:?} to handle and {written:?} to write each copy");
    }
}
