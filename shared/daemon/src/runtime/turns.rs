//! A turn: what has arrived is handled, its writes are committed, its effects wait for the commit.

use std::time::Duration;

use annex_service::{
    effect::Effect,
    input::Input,
    machine::Machine,
    store::{Op, Read},
    turn::{Finished, Marks},
    unconfirmed::TIMER_LATE,
};
use annex_store::{Commit, Committed};
use tokio::time::Instant;

use super::{
    control::RunError,
    core::{Core, Stop},
    flight::Ended,
    gate::Violation,
    lanes, meter,
    report::Report,
};

impl<M: Machine> Core<M> {
    /// Output or commits in flight are at their bound.
    fn is_stalled(&self) -> bool {
        let limits = &self.settings.limits;
        self.lanes.held() + self.flight.held() >= limits.outbox
            || self.lanes.backlog() >= limits.backlog
            || self.flight.commits() >= limits.commits
    }

    /// Counts and logs that output is full, or no longer.
    pub(super) fn notice_stall(&mut self) {
        let stalled = self.is_stalled() && self.lanes.held() > 0;
        self.pressure.stalled(stalled, Instant::now(), &mut self.meter);
        self.report.set_stalled(stalled);
    }

    /// Inputs may be handled.
    fn can_handle(&self) -> bool {
        matches!(self.stop, Stop::No | Stop::Told { .. }) && !self.is_stalled()
    }

    /// When the next timer may fire. With no room for output, what was noted late still is written
    /// down: that is when it is needed.
    pub(super) fn next_timer(&self) -> Option<Duration> {
        if self.can_handle() {
            return self.timers.next();
        }
        let stops = !matches!(self.stop, Stop::No | Stop::Told { .. });
        let may = !stops && self.flight.commits() < self.settings.limits.commits;
        self.timers.at(TIMER_LATE).filter(|_| may)
    }

    /// Runs one turn over what has arrived, if it may. True if there is more to handle at once.
    pub(super) fn turn(&mut self) -> Result<bool, RunError> {
        self.notice_stall();
        let all = self.can_handle();
        if !all && self.next_timer().is_none_or(|next| next > self.clock.now().since_start) {
            return Ok(false);
        }
        if let Stop::Told { last, .. } = self.stop
            && all
            && self.has_caught_up()
        {
            self.inbox.push(Input::Shutdown { last });
        }
        let start = self.clock.now();
        if self.inbox.is_empty() && self.next_timer().is_none_or(|next| next > start.since_start) {
            return Ok(false);
        }
        let limits = self.settings.limits;
        let recorder = self.trace.as_ref().map(|trace| trace.begin(&self.reader));
        let store: &dyn Read = match &recorder {
            Some(recorder) => recorder,
            None => &self.reader,
        };
        let mut turn = self.state.begin(store, start);
        let number = turn.number();
        let (mut now, mut bytes, mut handled, mut online, mut shutdown) =
            (start, 0, 0, false, false);
        loop {
            let due = match all {
                true => self.timers.due(now.since_start),
                false => self.timers.take(TIMER_LATE, now.since_start),
            };
            let next = match due {
                Some(timer) => Some((Input::Timer(timer), 0)),
                None if !all => None,
                // The machine learns of a stream in a turn of its own: the output of one turn
                // belongs to one stream.
                None if handled > 0 && self.inbox.next_is_online() => None,
                None => self.inbox.pop(),
            };
            let Some((input, size)) = next else { break };
            online = matches!(input, Input::Online { .. });
            shutdown = matches!(input, Input::Shutdown { .. });
            let emitted = turn.emitted().len();
            if let Some(trace) = &self.trace {
                trace.input(&input, now);
            }
            let kind = meter::kind(&input);
            turn.advance(now);
            self.machine.handle(input, &mut turn);
            if let Some(trace) = &self.trace {
                trace.handled(&turn.emitted()[emitted..]);
            }
            handled += 1;
            bytes += size;
            let before = now.since_start;
            now = self.clock.now();
            self.meter.handled(kind, now.since_start.saturating_sub(before));
            let spent = now.since_start.saturating_sub(start.since_start);
            if turn.has_failed()
                || online
                || shutdown
                || bytes >= limits.turn_bytes
                || spent >= limits.turn_time
            {
                break;
            }
        }
        let finished = turn.finish();
        if let Some(trace) = &self.trace {
            trace.end(number);
        }
        if online {
            self.stream += 1;
            self.retelling = false;
        }
        if shutdown {
            self.stop = Stop::Draining(Instant::now() + self.settings.link.timeouts.drain);
        }
        Report::add(&self.report.turns, 1);
        self.finished(finished)?;
        Ok(self.can_handle() && !self.inbox.is_empty())
    }

    fn finished(&mut self, finished: Finished) -> Result<(), RunError> {
        let Finished { marks, ops, effects, failed } = finished;
        if let Some(error) = failed {
            return Err(error.into());
        }
        self.stamp = marks.stamp;
        self.report.turn.store(marks.turn, std::sync::atomic::Ordering::Relaxed);
        let effects: Vec<_> = effects.into_iter().filter_map(|effect| self.gated(effect)).collect();
        if !self.retelling
            && let Some(stream) = self.line.up_mut()
            && stream.number == self.stream
        {
            stream.confirm.begin(marks.turn);
        }
        let held = effects.iter().map(lanes::held).sum();
        let commits = !ops.is_empty() || self.reserve.is_spent(marks);
        let commit = commits.then(|| ops.iter().map(Op::size).sum());
        let ended = Ended { turn: marks.turn, stream: self.stream, effects, commit, held };
        if let Some(bytes) = commit {
            self.reserve.renew(marks);
            self.store.commit(Commit { turn: marks.turn, stamp: marks.stamp, ops });
            self.space.wrote(bytes, self.clock.now().since_start);
        } else {
            if self.reserve.ask(marks) {
                let Marks { turn, stamp } = marks;
                self.store.commit(Commit { turn, stamp, ops: Vec::new() });
            }
            if self.flight.is_empty() {
                self.release(ended);
                return Ok(());
            }
        }
        self.flight.push(ended, Instant::now());
        Ok(())
    }

    /// An effect behind the outbound gate.
    fn gated(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Retelling => self.retelling = true,
            Effect::Retold => self.retelling = false,
            _ => {}
        }
        match self.gate.pass(effect) {
            Ok(effect) => effect,
            Err((violation, instead)) => {
                let hint = match violation {
                    Violation::From => ", unless component.foreign_from is what is missing",
                    Violation::Size | Violation::To => "",
                };
                let violation = violation.as_str();
                self.meter.count("annex_gate_out_total", Some(("violation", violation)), 1);
                Report::add(&self.report.gate, 1);
                let times = self.report.numbers().gate;
                // Whoever finds out how to bring it about should not fill the log.
                if times.is_power_of_two() {
                    tracing::error!(
                        violation,
                        times,
                        "a stanza was stopped at the outbound gate; please report this{hint}"
                    );
                }
                instead.map(|effect| *effect)
            }
        }
    }

    /// The store has reported a commit.
    pub(super) fn committed(&mut self, committed: Committed) -> Result<(), RunError> {
        committed.result?;
        self.committed = committed.turn;
        self.reserve.committed(committed.turn);
        self.state.committed(committed.turn);
        if let Some(trace) = &self.trace {
            trace.committed(committed.turn);
        }
        while let Some((ended, since)) = self.flight.release(self.committed) {
            if ended.commit.is_some() {
                let lag = since.elapsed();
                self.meter.committed(lag);
                Report::set(
                    &self.report.commit_lag,
                    usize::try_from(lag.as_micros()).unwrap_or(usize::MAX),
                );
            }
            self.release(ended);
        }
        Ok(())
    }

    /// Lets the effects of a turn happen.
    fn release(&mut self, ended: Ended) {
        // What was written for an earlier stream is told again on this one, if need be.
        let current = self.line.up().is_some_and(|stream| stream.number == ended.stream);
        let mut outputs = 0;
        for effect in ended.effects {
            match effect {
                Effect::Send { .. } | Effect::Fanout { .. } | Effect::Series { .. } => {
                    if current && self.lanes.push(ended.turn, effect) {
                        outputs += 1;
                    }
                }
                Effect::Retelling | Effect::Retold => {}
                Effect::Fetch { id, scan } => {
                    self.fetching += 1;
                    let fetches = self.fetches.clone();
                    self.store.fetch(scan, move |page| {
                        // Nobody waits for it when the runtime has ended.
                        let _ = fetches.send((id, page));
                    });
                }
                Effect::Call { id, call } => {
                    let limits = &self.settings.limits;
                    let busy = self.calls.start(id, call, limits.calls, limits.call_bytes);
                    if let Some(result) = busy {
                        self.inbox.push(Input::Done { id, result });
                    }
                }
                Effect::Respond { token, response } => self.requests.answer(token, response),
                Effect::Publish { topic, event } => {
                    let published = super::Published { topic: topic.into(), event };
                    // An event that nobody listens to is no event.
                    let _ = self.settings.publish.send(published);
                }
                Effect::Arm { timer, at } => self.timers.arm(timer, at),
                Effect::Disarm { timer } => self.timers.disarm(timer),
                Effect::Count { metric, label, by } => self.meter.count(metric, label, by),
                Effect::Gauge { metric, value } => self.meter.gauge(metric, value),
            }
        }
        self.written.released(ended.turn, outputs);
    }
}
