//! What one groupchat message costs the machine, from stanza to effects, and what a join into a
//! large room does. Run it with `cargo test --release -p annex-muc --test hot -- --ignored
//! --nocapture`.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a clock is its purpose")]
#![allow(clippy::print_stdout, reason = "its numbers are for people")]

use std::time::{Duration, Instant};

use annex_muc::Muc;
use annex_service::{
    effect::Effect,
    input::Input,
    machine::Machine,
    service::Service,
    turn::{Marks, Now, TurnState},
};
use annex_stanza::{Stanza, Timestamp};
use annex_testkit::MapStore;

struct Bench {
    machine: Service<Muc>,
    state: TurnState,
    store: MapStore,
}

impl Bench {
    fn new(section: &serde_json::Value) -> Self {
        let mut bench = Self {
            machine: Service::new(annex_testkit::common("rooms.example.com"), section),
            state: TurnState::new(Marks::default(), [7; 32]),
            store: MapStore::new(),
        };
        bench.input(Input::Start);
        bench
    }

    fn input(&mut self, input: Input) -> Vec<Effect> {
        let now =
            Now { wall: Timestamp(1_767_323_045_000_000), since_start: Duration::from_secs(1) };
        let mut turn = self.state.begin(&self.store, now);
        self.machine.handle(input, &mut turn);
        let finished = turn.finish();
        self.store.commit(&finished.ops);
        self.state.committed(finished.marks.turn);
        finished.effects
    }

    fn stanza(&mut self, xml: &str) -> Vec<Effect> {
        self.input(Input::Stanza(Stanza::parse(xml.as_bytes()).expect("a stanza")))
    }
}

#[test]
#[ignore = "a measurement"]
fn what_a_message_costs() {
    for (occupants, archive) in [(10, "0"), (1_000, "0"), (5_000, "0"), (1_000, "1")] {
        let mut bench = Bench::new(&serde_json::json!({
            "create": "anyone", "messages_per_second": 0, "joins_per_second": 0, "max_users": 0,
        }));
        let join = |number: usize| {
            format!(
                "<presence from='user{number}@example.com/phone' to='tea@rooms.example.com/nick{number}'>
                   <x xmlns='http://jabber.org/protocol/muc'/></presence>"
            )
        };
        bench.stanza(&join(0));
        bench.stanza(&format!(
            "<iq from='user0@example.com/phone' to='tea@rooms.example.com' id='c' type='set'>
               <query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>
               <field var='muc#roomconfig_enablearchiving'><value>{archive}</value></field></x></query></iq>"
        ));
        let began = Instant::now();
        for number in 1..occupants {
            bench.stanza(&join(number));
        }
        let joins = began.elapsed() / u32::try_from(occupants).expect("small");
        let body = "x".repeat(100);
        let messages: Vec<Stanza> = (0..100)
            .map(|number| {
                let from = number * occupants / 100;
                let xml = format!(
                    "<message from='user{from}@example.com/phone' to='tea@rooms.example.com' type='groupchat' id='m{number}'><body>{body}</body></message>"
                );
                Stanza::parse(xml.as_bytes()).expect("a stanza")
            })
            .collect();
        let rounds = 200;
        let mut spent = Duration::ZERO;
        for _ in 0..rounds {
            let inputs: Vec<_> = messages.iter().cloned().map(Input::Stanza).collect();
            let now =
                Now { wall: Timestamp(1_767_323_045_000_000), since_start: Duration::from_secs(1) };
            let began = Instant::now();
            let mut turn = begin(&mut bench.state, &bench.store, now);
            for input in inputs {
                bench.machine.handle(input, &mut turn);
            }
            let finished = turn.finish();
            spent += began.elapsed();
            assert!(finished.effects.len() >= 200);
            bench.store.commit(&finished.ops);
            bench.state.committed(finished.marks.turn);
        }
        println!(
            "{occupants} occupants, archive {archive}: {:.2} µs a message, {:.1} µs a join",
            spent.as_secs_f64() * 1e6 / f64::from(rounds * 100),
            joins.as_secs_f64() * 1e6,
        );
    }
}

#[test]
#[ignore = "a measurement"]
fn what_the_end_of_a_room_costs() {
    for occupants in [1_000, 10_000] {
        for last in [false, true] {
            let mut bench = Bench::new(&serde_json::json!({
                "create": "anyone", "joins_per_second": 0, "max_users": 0,
            }));
            let join = |number: usize| {
                format!(
                    "<presence from='user{number}@example.com/phone' to='tea@rooms.example.com/nick{number}'>
                       <x xmlns='http://jabber.org/protocol/muc'/></presence>"
                )
            };
            bench.stanza(&join(0));
            bench.stanza(
                "<iq from='user0@example.com/phone' to='tea@rooms.example.com' id='c' type='set'>
                   <query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>"
            );
            for number in 1..occupants {
                bench.stanza(&join(number));
            }
            let now =
                Now { wall: Timestamp(1_767_323_045_000_000), since_start: Duration::from_secs(1) };
            let input = match last {
                true => Input::Shutdown { last },
                false => Input::Stanza(Stanza::parse(
                    b"<iq from='user0@example.com/phone' to='tea@rooms.example.com' id='d' type='set'>
                        <query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>"
                ).expect("a stanza")),
            };
            let began = Instant::now();
            let mut turn = begin(&mut bench.state, &bench.store, now);
            bench.machine.handle(input, &mut turn);
            let finished = turn.finish();
            let spent = began.elapsed();
            let bytes: usize = finished.ops.iter().map(|op| format!("{op:?}").len()).sum();
            println!(
                "{occupants} occupants, {}: {spent:?}, {} effects, {} operations, {bytes} bytes as text",
                if last { "a final stop" } else { "destroyed" },
                finished.effects.len(),
                finished.ops.len(),
            );
        }
    }
}

fn begin<'a>(
    state: &'a mut TurnState,
    store: &'a MapStore,
    now: Now,
) -> annex_service::turn::Turn<'a> {
    state.begin(store, now)
}
