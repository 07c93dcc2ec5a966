//! A machine under test, run as the daemon runs it: turns, commits, releases, timers, fetches.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use annex_service::{
    effect::{Call, CallResult, Effect, Lane, Response, Timer},
    input::{Ending, Input},
    machine::Machine,
    store::{Read, StoreError},
    turn::{Finished, Now, TurnState},
};
use annex_stanza::{Recipient, Template, Timestamp};
use bytes::Bytes;

use crate::{map::MapStore, sent::Sent, wire};

/// 2026-01-02T03:04:05Z, where the virtual wall clock starts.
pub const EPOCH: Timestamp = Timestamp(1_767_323_045_000_000);

/// What a crash leaves of the turns that are in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// Their writes are lost, and so is what they emitted.
    BeforeCommit,
    /// Their writes are on disk; what they emitted is lost.
    AfterCommit,
}

/// See the module's text, and the crate's for an example.
pub struct Harness<M> {
    build: Box<dyn Fn() -> M>,
    machine: M,
    state: TurnState,
    store: MapStore,
    in_flight: VecDeque<Finished>,
    hold: bool,
    auto_confirm: bool,
    /// A turn was released that is not yet confirmed.
    unconfirmed: bool,
    /// What is above the mark is still being told again.
    retelling: bool,
    online: bool,
    now: Now,
    seed: u8,
    timers: BTreeMap<Timer, Duration>,
    waiting: VecDeque<Input>,
    sent: VecDeque<Sent>,
    calls: VecDeque<(u64, Call)>,
    responses: BTreeMap<u64, Response>,
    published: Vec<(String, Bytes)>,
    counts: BTreeMap<String, u64>,
    failed: Option<StoreError>,
    last_token: u64,
}

impl<M: Machine> Harness<M> {
    /// A machine over an empty store, started and online. `build` makes the machine, at once and
    /// again after every restart.
    pub fn new(build: impl Fn() -> M + 'static) -> Self {
        Self::over(MapStore::new(), build)
    }

    /// The same over a store that has something in it.
    pub fn over(store: MapStore, build: impl Fn() -> M + 'static) -> Self {
        let machine = build();
        let mut harness = Self {
            build: Box::new(build),
            machine,
            state: TurnState::new(store.marks, [0; 32]),
            store,
            in_flight: VecDeque::new(),
            hold: false,
            auto_confirm: true,
            unconfirmed: false,
            retelling: false,
            online: false,
            now: Now { wall: EPOCH, since_start: Duration::ZERO },
            seed: 0,
            timers: BTreeMap::new(),
            waiting: VecDeque::new(),
            sent: VecDeque::new(),
            calls: VecDeque::new(),
            responses: BTreeMap::new(),
            published: Vec::new(),
            counts: BTreeMap::new(),
            failed: None,
            last_token: 0,
        };
        harness.start();
        harness
    }

    fn start(&mut self) {
        self.input(Input::Start);
        self.connect();
    }

    // Inputs.

    /// One stanza from the server, as XML. It needs `from` and `to`, as servers write them.
    #[track_caller]
    pub fn stanza(&mut self, xml: &str) {
        let input = wire::input(xml);
        self.input(input);
    }

    /// Several stanzas, handled in one turn.
    #[track_caller]
    pub fn stanzas(&mut self, xml: &[&str]) {
        let inputs = xml.iter().map(|xml| wire::input(xml)).collect();
        self.turn(inputs);
    }

    /// One input, in a turn of its own; what it leads to at once (pages that were fetched, timers
    /// armed for now) in turns behind it.
    pub fn input(&mut self, input: Input) {
        self.turn(vec![input]);
    }

    /// Inputs that are handled in one turn.
    pub fn turn(&mut self, inputs: Vec<Input>) {
        self.one_turn(inputs);
        self.settle();
    }

    /// A verb over the admin socket, and its answer, if it came.
    pub fn verb(&mut self, verb: &str, arguments: serde_json::Value) -> Option<Response> {
        self.last_token += 1;
        let token = self.last_token;
        let (verb, actor) = (verb.to_owned(), "root".to_owned());
        self.input(Input::Command { token, verb, arguments, actor });
        self.responses.remove(&token)
    }

    /// A request over HTTP, and its answer, if it came.
    pub fn request(&mut self, method: &str, path: &str, body: &str) -> Option<Response> {
        self.last_token += 1;
        let token = self.last_token;
        let body = Bytes::copy_from_slice(body.as_bytes());
        let (method, path) = (method.to_owned(), path.to_owned());
        self.input(Input::Request { token, method, path, headers: Vec::new(), body });
        self.responses.remove(&token)
    }

    /// The oldest call that waits for its result.
    pub fn next_call(&mut self) -> Option<(u64, Call)> {
        self.calls.pop_front()
    }

    /// The result of a call.
    pub fn done(&mut self, id: u64, result: CallResult) {
        self.input(Input::Done { id, result });
    }

    // Time.

    /// What the machine reads as the time.
    pub fn now(&self) -> Now {
        self.now
    }

    /// Lets time pass; timers fire in their order, at their time.
    pub fn advance(&mut self, by: Duration) {
        let until = self.now.since_start + by;
        while let Some((timer, at)) = self.next_timer().filter(|(_, at)| *at <= until) {
            self.clock(at.max(self.now.since_start));
            self.timers.remove(&timer);
            self.input(Input::Timer(timer));
        }
        self.clock(until);
    }

    /// The wall clock steps; time since the start goes on as before.
    pub fn step_wall(&mut self, micros: i64) {
        self.now.wall = Timestamp(self.now.wall.0 + micros);
    }

    fn clock(&mut self, since_start: Duration) {
        let passed = since_start.saturating_sub(self.now.since_start);
        let micros = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
        self.now = Now { wall: Timestamp(self.now.wall.0 + micros), since_start };
    }

    fn next_timer(&self) -> Option<(Timer, Duration)> {
        self.timers.iter().map(|(timer, at)| (*timer, *at)).min_by_key(|(timer, at)| (*at, *timer))
    }

    // Commits.

    /// From now on turns stay in flight: nothing is committed, nothing is released.
    pub fn hold(&mut self) {
        self.hold = true;
    }

    /// Commits the oldest turn that is in flight, and releases what it emitted.
    pub fn commit_one(&mut self) -> bool {
        let Some(finished) = self.in_flight.pop_front() else {
            return false;
        };
        self.store.commit(&finished.ops);
        self.store.marks = finished.marks;
        self.state.committed(finished.marks.turn);
        self.unconfirmed = true;
        for effect in finished.effects {
            self.carry_out(effect);
        }
        true
    }

    /// Commits everything in flight; from now on turns are committed at once.
    pub fn release(&mut self) {
        self.hold = false;
        while self.commit_one() {}
        self.settle();
    }

    /// Turns that are in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// What is on disk.
    pub fn store(&self) -> &MapStore {
        &self.store
    }

    /// Whether what is released is confirmed as soon as there is nothing else to do (it is, unless
    /// this was called with `false`).
    pub fn confirm_automatically(&mut self, on: bool) {
        self.auto_confirm = on;
    }

    /// The server has everything that was released so far: confirmed, unless something is still to
    /// be told again.
    pub fn confirm(&mut self) {
        if !self.retelling {
            self.confirmed();
        }
        self.settle();
    }

    fn confirmed(&mut self) {
        let mark = self.store.marks.turn;
        self.store.confirmed = mark;
        self.one_turn(vec![Input::Confirmed(mark)]);
        self.unconfirmed = false;
    }

    // The stream and the process.

    /// The stream comes up.
    pub fn connect(&mut self) {
        self.online = true;
        self.retelling = false;
        self.input(Input::Online { confirmed: self.store.confirmed });
    }

    /// The stream breaks.
    pub fn disconnect(&mut self) {
        self.disconnect_by(Ending::Broken);
    }

    /// The stream ends for this reason.
    pub fn disconnect_by(&mut self, ending: Ending) {
        self.online = false;
        self.input(Input::Offline(ending));
    }

    /// A clean stop and start: what was in flight is committed and sent.
    pub fn restart(&mut self) {
        self.release();
        self.input(Input::Shutdown { last: false });
        self.reborn();
    }

    /// The process dies with its turns in flight (see [`Harness::hold`]), and starts again.
    pub fn crash(&mut self, crash: Crash) {
        for finished in std::mem::take(&mut self.in_flight) {
            if crash == Crash::AfterCommit {
                self.store.commit(&finished.ops);
                self.store.marks = finished.marks;
            }
        }
        self.reborn();
    }

    fn reborn(&mut self) {
        self.machine = (self.build)();
        self.seed = self.seed.wrapping_add(1);
        self.state = TurnState::new(self.store.marks, [self.seed; 32]);
        self.hold = false;
        self.online = false;
        self.now.since_start = Duration::ZERO;
        self.timers.clear();
        self.waiting.clear();
        self.calls.clear();
        self.in_flight.clear();
        self.start();
    }

    // What came out.

    /// Takes everything that was sent since the last time.
    pub fn take(&mut self) -> Vec<Sent> {
        self.sent.drain(..).collect()
    }

    /// Takes everything that was sent to this address.
    pub fn take_to(&mut self, to: &str) -> Vec<Sent> {
        let (own, others) = self.sent.drain(..).partition(|sent| sent.to == to);
        self.sent = others;
        Vec::from_iter::<VecDeque<Sent>>(own)
    }

    /// What was sent and not taken.
    pub fn sent(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter()
    }

    pub(crate) fn sent_mut(&mut self) -> &mut VecDeque<Sent> {
        &mut self.sent
    }

    /// Takes the events that were published over HTTP.
    pub fn take_published(&mut self) -> Vec<(String, Bytes)> {
        std::mem::take(&mut self.published)
    }

    /// The value of a counter: `metric` or `metric{label}`, such as
    /// `annex_refusals_total{route.no-id}`.
    pub fn counted(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// The machine itself.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The machine failed for good: the daemon would stop the process.
    pub fn failed(&self) -> Option<&StoreError> {
        self.failed.as_ref()
    }

    // The turn.

    fn one_turn(&mut self, inputs: Vec<Input>) {
        let mut turn = self.state.begin(&self.store, self.now);
        for input in inputs {
            self.machine.handle(input, &mut turn);
        }
        let finished = turn.finish();
        if let Some(error) = finished.failed {
            self.failed.get_or_insert(error);
            return;
        }
        self.in_flight.push_back(finished);
        if !self.hold {
            while self.commit_one() {}
        }
    }

    /// Hands in what came of earlier turns, until nothing more does.
    fn settle(&mut self) {
        for _ in 0..100_000 {
            if let Some(input) = self.waiting.pop_front() {
                self.one_turn(vec![input]);
            } else if let Some((timer, _)) =
                self.next_timer().filter(|(_, at)| *at <= self.now.since_start)
            {
                self.timers.remove(&timer);
                self.one_turn(vec![Input::Timer(timer)]);
            } else if self.unconfirmed
                && self.auto_confirm
                && self.online
                && !(self.hold || self.retelling)
            {
                self.confirmed();
            } else {
                return;
            }
        }
        panic!("the machine keeps itself busy for ever at {:?}", self.now.since_start);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Send { lane, template, to } => self.send(lane, &template, &to),
            Effect::Fanout { lane, template, audience } => {
                for to in audience.iter() {
                    self.send(lane, &template, to);
                }
            }
            Effect::Series { lane, templates, to } => {
                for template in templates.iter() {
                    self.send(lane, template, &to);
                }
            }
            Effect::Retelling => self.retelling = true,
            Effect::Retold => self.retelling = false,
            Effect::Fetch { id, scan } => {
                // Everything before it is on disk: effects are released in order.
                let page = self.store.scan(&scan).expect("a map cannot fail");
                self.waiting.push_back(Input::Fetched { id, page });
            }
            Effect::Call { id, call } => self.calls.push_back((id, call)),
            Effect::Respond { token, response } => {
                self.responses.insert(token, response);
            }
            Effect::Publish { topic, event } => self.published.push((topic, event)),
            Effect::Arm { timer, at } => {
                self.timers.insert(timer, at);
            }
            Effect::Disarm { timer } => {
                self.timers.remove(&timer);
            }
            Effect::Count { metric, label, by } => {
                let name =
                    label.map_or(metric.to_owned(), |(_, value)| format!("{metric}{{{value}}}"));
                *self.counts.entry(name).or_default() += by;
            }
            Effect::Gauge { .. } => {}
        }
    }

    fn send(&mut self, lane: Lane, template: &Template, to: &Recipient) {
        // What is written to a broken stream is lost.
        if self.online {
            self.sent.push_back(wire::render(lane, template, to));
        }
    }
}
