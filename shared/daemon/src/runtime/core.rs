//! The core: everything that one domain's runtime owns, and the loop that drives it.
//!
//! One pass takes in whatever is ready (orders, commits, pages, answers, bytes), writes what can be
//! written, and then a turn is run over what has arrived. Nothing here blocks, and nothing but this
//! task touches the state.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use annex_service::{
    effect::CallResult,
    input::Input,
    machine::Machine,
    store::{Page, StoreError},
    turn::TurnState,
};
use annex_store::{Committed, Store};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::yield_now,
    time::{Instant, Sleep},
};

use super::{
    calls::Calls,
    clock::{Clock, Surroundings},
    confirm::Written,
    control::{Control, RunError},
    flight::Flight,
    gate::Gate,
    inbox::Inbox,
    lanes::Lanes,
    meter::Meter,
    online::Line,
    pressure::Pressure,
    report::Report,
    requests::Requests,
    reserve::Reserve,
    settings::DomainSettings,
    space::SpaceWatch,
    storage::Storage,
    timers::Timers,
    trace::Trace,
};

use crate::link::Dial;

/// A page that a fetch found.
type Fetched = (u64, Result<Page, StoreError>);

/// See the module's text.
pub(crate) struct Core<M> {
    pub(super) machine: M,
    pub(super) state: TurnState,
    pub(super) store: Store,
    pub(super) reader: annex_store::Reader,
    commits: UnboundedReceiver<Committed>,
    pub(super) fetches: UnboundedSender<Fetched>,
    fetched: UnboundedReceiver<Fetched>,
    /// Fetches under way.
    pub(super) fetching: usize,
    pub(super) clock: Box<dyn Clock>,
    pub(super) dial: Box<dyn Dial>,
    pub(super) settings: DomainSettings,
    pub(super) report: Arc<Report>,
    pub(super) inbox: Inbox,
    pub(super) flight: Flight,
    pub(super) lanes: Lanes,
    pub(super) written: Written,
    pub(super) pressure: Pressure,
    pub(super) gate: Gate,
    pub(super) timers: Timers,
    pub(super) calls: Calls,
    pub(super) requests: Requests,
    pub(super) reserve: Reserve,
    pub(super) meter: Meter,
    pub(super) space: SpaceWatch,
    pub(super) trace: Option<Trace>,
    pub(super) line: Line,
    /// Number of the stream that the machine knows of.
    pub(super) stream: u64,
    /// It is still telling again on it what is above the mark.
    pub(super) retelling: bool,
    /// The newest commit reported, and the newest stamp released.
    pub(super) committed: u64,
    pub(super) stamp: u64,
    pub(super) stop: Stop,
    sleep: Pin<Box<Sleep>>,
}

/// How far the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Not in sight.
    No,
    /// What arrived before is handled until this moment, then the machine is told; what arrives
    /// now is refused.
    Told { until: Instant, last: bool },
    /// The machine has said its farewell: output is flushed until this moment, and what arrives
    /// is refused.
    Draining(Instant),
    /// Now.
    Now,
}

impl<M: Machine> Core<M> {
    pub(crate) fn new(
        machine: M,
        storage: Storage,
        settings: DomainSettings,
        report: Arc<Report>,
        surroundings: Surroundings,
    ) -> Result<Self, RunError> {
        let Surroundings { clock, dial } = surroundings;
        let Storage { store, commits } = storage;
        let stored = store.marks();
        let reserve = Reserve::behind(stored);
        let marks = reserve.end();
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| RunError::Random(error.to_string()))?;
        let trace = match &settings.trace {
            Some(tracing) => {
                let mut key = [0; 32];
                getrandom::fill(&mut key).map_err(|error| RunError::Random(error.to_string()))?;
                Some(Trace::create(tracing, marks, seed, key, M::redact)?)
            }
            None => None,
        };
        let (fetches, fetched) = mpsc::unbounded_channel();
        let gate = Gate {
            domain: settings.link.jid.clone(),
            foreign_from: settings.link.foreign_from,
            limit: settings.limits.stanza_out,
        };
        let now = clock.now();
        Ok(Self {
            machine,
            state: TurnState::new(marks, seed),
            reader: store.reader(),
            store,
            commits,
            fetches,
            fetched,
            fetching: 0,
            report,
            inbox: Inbox::new(settings.limits.inbox),
            flight: Flight::default(),
            lanes: Lanes::default(),
            written: Written::default(),
            pressure: Pressure::default(),
            gate,
            timers: Timers::default(),
            calls: Calls::new(settings.orders.clone()),
            requests: Requests::default(),
            reserve,
            meter: Meter::new(settings.link.jid.as_str()),
            space: SpaceWatch::new(settings.space.clone(), now.since_start),
            trace,
            line: Line::new(stored.confirmed.turn, clock.instant(now.since_start)),
            stream: 0,
            retelling: false,
            committed: stored.committed.turn,
            stamp: marks.stamp,
            stop: Stop::No,
            sleep: Box::pin(tokio::time::sleep_until(clock.instant(now.since_start))),
            clock,
            dial,
            settings,
        })
    }

    /// Runs until the end.
    pub(crate) async fn run(
        mut self,
        mut control: mpsc::Receiver<Control>,
    ) -> Result<(), RunError> {
        self.inbox.push(Input::Start);
        self.watch_space();
        loop {
            let more = self.turn()?;
            self.tell();
            if self.has_ended() {
                return self.end().await;
            }
            // Whatever is ready is taken in, also when there is more to handle: the reader never
            // stops.
            let outcome = poll_fn(|context| match self.poll(context, &mut control) {
                Poll::Pending if more => Poll::Ready(Ok(())),
                other => other,
            });
            outcome.await?;
            if more {
                // Lets the driver look at the sockets, and other domains have their turn.
                yield_now().await;
            }
        }
    }

    /// One pass over everything that may be ready. Pending if nothing was.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        control: &mut mpsc::Receiver<Control>,
    ) -> Poll<Result<(), RunError>> {
        let mut progress = false;
        while let Poll::Ready(Some(order)) = control.poll_recv(context) {
            self.control(order);
            progress = true;
        }
        while let Poll::Ready(committed) = self.commits.poll_recv(context) {
            let ended = || StoreError::new("commit", "the storage thread has ended");
            self.committed(committed.ok_or_else(ended)?)?;
            progress = true;
        }
        while let Poll::Ready(Some((id, page))) = self.fetched.poll_recv(context) {
            self.fetching -= 1;
            self.inbox.push(Input::Fetched { id, page: page? });
            progress = true;
        }
        while let Poll::Ready((id, result)) = self.calls.poll_next(context) {
            self.done(id, result);
            progress = true;
        }
        progress |= self.poll_line(context);
        // Nothing may come for a while that would have it noticed.
        self.notice_stall();
        if self.poll_sleep(context) {
            self.tick();
            progress = true;
        }
        if progress { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn done(&mut self, id: u64, result: CallResult) {
        self.inbox.push(Input::Done { id, result });
    }

    /// Sleeps until the next moment at which something is to be done; true when it has come.
    fn poll_sleep(&mut self, context: &mut Context<'_>) -> bool {
        let times = &self.settings.link.timeouts;
        let mut next = self.line.deadline(times);
        let timer = self.next_timer();
        let stop = match self.stop {
            Stop::Told { until, .. } => Some(until),
            Stop::Draining(until) => Some(self.quiet_at().map_or(until, |quiet| quiet.min(until))),
            _ => None,
        };
        for moment in [timer, self.space.next()].into_iter().flatten() {
            next = next.min(self.clock.instant(moment));
        }
        if let Some(pressure) = self.pressure.next() {
            next = next.min(pressure);
        }
        if let Some(stop) = stop {
            // No new stream is made any more.
            next = if self.line.up().is_some() { next.min(stop) } else { stop };
        }
        // A moment that moved away may wake us once for nothing, which is cheaper than moving the
        // timer with each stanza.
        if next < self.sleep.deadline() || self.sleep.is_elapsed() {
            self.sleep.as_mut().reset(next);
        }
        self.sleep.as_mut().poll(context).is_ready()
    }

    /// A moment has come: looks at everything that has one.
    fn tick(&mut self) {
        self.tend_line();
        self.pressure.look(Instant::now());
        self.watch_space();
    }

    /// Free space is looked at.
    fn watch_space(&mut self) {
        if let Some(low) = self.space.look(self.clock.now().since_start) {
            self.report.set_space_low(low);
            self.inbox.push(Input::SpaceLow(low));
        }
    }

    /// Keeps the shared numbers up to date.
    fn tell(&mut self) {
        let report = &self.report;
        Report::set(&report.inbox, self.inbox.bytes());
        Report::set(
            &report.outbox,
            self.lanes.held() + self.flight.held() + self.pressure.waiting(),
        );
        Report::set(&report.backlog, self.lanes.backlog());
        Report::set(&report.commits, self.flight.commits());
        Report::set(&report.calls, self.calls.len());
        self.pressure.full(self.inbox.is_full(), Instant::now(), &mut self.meter);
    }
}
