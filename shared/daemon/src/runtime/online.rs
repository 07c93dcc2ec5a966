//! The line to the server over time: connecting, being up, waiting to try again.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use annex_service::{
    input::{Ending, Input},
    machine::Machine,
};
use annex_stanza::{IqType, Outgoing, Recipient};
use tokio::time::Instant;

use super::{
    core::{Core, Stop},
    report::Report,
    settings::Timeouts,
    stream::{Life, PORTION, Stream},
};
use crate::link::{Backoff, Established, Failure, shake};

type Attempt = Pin<Box<dyn Future<Output = Result<Established, Failure>> + Send>>;

/// Buffers written in one pass, so that reading has its turn.
const BUFFERS: usize = 16;

/// A failure that lasts is logged again after this time.
const REMIND: Duration = Duration::from_secs(600);

/// See the module's text.
pub(crate) struct Line {
    pub(super) state: State,
    backoff: Backoff,
    /// Streams so far.
    streams: u64,
    /// The newest turn confirmed on any stream.
    pub(super) confirmed: u64,
    said: Option<Said>,
}

pub(crate) enum State {
    Waiting(Instant),
    Connecting(Attempt),
    Up(Box<Stream>),
}

/// The failure that was logged last.
struct Said {
    sentence: String,
    at: Instant,
    repeats: u32,
}

impl Line {
    /// The first attempt is due now.
    pub(crate) fn new(confirmed: u64, now: Instant) -> Self {
        let state = State::Waiting(now);
        Self { state, backoff: Backoff::default(), streams: 0, confirmed, said: None }
    }

    /// The stream, while one is up.
    pub(crate) fn up(&self) -> Option<&Stream> {
        match &self.state {
            State::Up(stream) => Some(stream),
            _ => None,
        }
    }

    /// The stream, while one is up.
    pub(crate) fn up_mut(&mut self) -> Option<&mut Stream> {
        match &mut self.state {
            State::Up(stream) => Some(stream),
            _ => None,
        }
    }

    /// When something is to be done.
    pub(crate) fn deadline(&self, times: &Timeouts) -> Instant {
        match &self.state {
            State::Waiting(at) => *at,
            // The attempt has its own time-out.
            State::Connecting(_) => Instant::now() + times.connect * 2,
            State::Up(stream) => {
                let deadline = stream.deadline(times);
                // A mark in a full buffer waits for the writer anyway.
                let mark = stream.confirm.due().filter(|_| stream.is_flushed());
                mark.map_or(deadline, |mark| mark.min(deadline))
            }
        }
    }
}

impl<M: Machine> Core<M> {
    /// Takes in and writes what can be. True if anything happened.
    pub(super) fn poll_line(&mut self, context: &mut Context<'_>) -> bool {
        match &mut self.line.state {
            State::Waiting(at) => {
                if self.stop != Stop::No || Instant::now() < *at {
                    return false;
                }
                let link = self.settings.link.clone();
                let dialing = self.dial.dial(&link.server);
                let attempt = async move { shake(dialing, &link).await };
                self.line.state = State::Connecting(Box::pin(attempt));
                true
            }
            State::Connecting(attempt) => match attempt.as_mut().poll(context) {
                Poll::Pending => false,
                Poll::Ready(Ok(established)) => {
                    self.connected(established);
                    true
                }
                Poll::Ready(Err(failure)) => {
                    self.failed(&failure, false);
                    true
                }
            },
            State::Up(_) => {
                let now = Instant::now();
                let away = State::Waiting(now);
                let State::Up(mut stream) = std::mem::replace(&mut self.line.state, away) else {
                    return false;
                };
                let outcome = self.poll_stream(&mut stream, context, now);
                let age = stream.age(now);
                self.line.state = State::Up(stream);
                match outcome {
                    Ok(progress) => progress,
                    Err(failure) => {
                        self.lost(&failure, age);
                        true
                    }
                }
            }
        }
    }

    fn poll_stream(
        &mut self,
        stream: &mut Stream,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Result<bool, Failure> {
        // What came with the handshake is in the reader already.
        let mut progress = self.frames(stream)?;
        if let Poll::Ready(read) = stream.poll_read(context, now) {
            let bytes = read.map_err(|error| broken(&error))?;
            if bytes == 0 {
                return Err(Failure::Gone);
            }
            Report::add(&self.report.bytes_in, bytes as u64);
            progress = true;
            self.frames(stream)?;
        }
        for _ in 0..BUFFERS {
            if stream.is_flushed() {
                self.refill(stream, now);
            }
            if stream.is_flushed() {
                break;
            }
            match stream.poll_write(context, now) {
                Poll::Pending => break,
                Poll::Ready(written) => {
                    let bytes = written.map_err(|error| broken(&error))?;
                    Report::add(&self.report.bytes_out, bytes as u64);
                    progress = true;
                }
            }
        }
        Ok(progress)
    }

    /// Takes in the frames that are complete; true if there were any.
    fn frames(&mut self, stream: &mut Stream) -> Result<bool, Failure> {
        let mut any = false;
        loop {
            match stream.reader.next() {
                Ok(Some(frame)) => self.frame(stream, frame)?,
                Ok(None) => return Ok(any),
                Err(error) => return Err(Failure::Garbled(error.to_string())),
            }
            any = true;
        }
    }

    /// Fills the empty buffer from what waits.
    fn refill(&mut self, stream: &mut Stream, now: Instant) {
        self.pressure.take(&mut stream.out);
        let stanzas = self.lanes.fill(&mut stream.out, PORTION, &mut self.written);
        if stanzas > 0 {
            Report::add(&self.report.stanzas_out, stanzas);
            stream.confirm.wrote(stream.out.len(), now);
        }
        let last = matches!(self.stop, Stop::Draining(_)) && self.lanes.is_empty();
        if let Some(turn) = stream.confirm.next(self.written.mark(), now, last) {
            let id = stream.confirm.id(turn);
            stream.mark(&self.gate.domain, &id);
        }
    }

    fn connected(&mut self, established: Established) {
        let now = Instant::now();
        self.line.streams += 1;
        let software = established.software;
        let (number, confirmed) = (self.line.streams, self.line.confirmed);
        let limits = self.settings.limits.inbound;
        let mut stream = Box::new(Stream::new(established, limits, number, confirmed, now));
        let link = &self.settings.link;
        if let Some(home) = &link.home {
            let query = Outgoing::iq(IqType::Get, &link.jid, version_id(number)).child(|xml| {
                xml.leaf("query", "jabber:iq:version");
            });
            query.template().write(&Recipient::from(home), &mut stream.out);
        }
        self.meter.count("annex_connects_total", Some(("result", "ok")), 1);
        let attempts = self.line.backoff.attempts();
        let server = link.server.to_string();
        tracing::info!(jid = %link.jid, %server, attempts, "connected");
        self.line.said = None;
        self.report.set_link(self.clock.now().wall, |state| {
            state.online = true;
            state.server = server;
            state.software = software.name().map(Into::into);
            (state.error, state.failure, state.attempts) = (None, None, 0);
        });
        self.line.state = State::Up(stream);
        self.inbox.push(Input::Online { confirmed });
    }

    /// A stream that was up has ended.
    pub(super) fn lost(&mut self, failure: &Failure, age: Duration) {
        Report::add(&self.report.reconnects, 1);
        if age >= self.settings.link.timeouts.stable {
            self.line.backoff.reset();
        }
        // What was written and not confirmed is told again on the next stream; what was not
        // written must not precede it there.
        self.lanes.clear();
        self.pressure.clear();
        self.written = super::confirm::Written::default();
        self.inbox.push(Input::Offline(match failure.kind() {
            "invalid-from" => Ending::InvalidFrom,
            "left" | "system-shutdown" => Ending::Renewed,
            _ => Ending::Broken,
        }));
        self.failed(failure, true);
    }

    fn failed(&mut self, failure: &Failure, was_up: bool) {
        let now = Instant::now();
        let wait = self.line.backoff.next(random());
        self.line.state = State::Waiting(now + wait);
        let link = &self.settings.link;
        let sentence = failure.sentence(link);
        let attempts = self.line.backoff.attempts();
        let asked_for = *failure == Failure::Left;
        let failure = failure.kind();
        match was_up {
            true => self.meter.count("annex_disconnects_total", Some(("reason", failure)), 1),
            false => self.meter.count("annex_connects_total", Some(("result", failure)), 1),
        }
        self.report.set_link(self.clock.now().wall, |state| {
            state.online = false;
            state.server = link.server.to_string();
            state.attempts = attempts;
            (state.error, state.failure) = (Some(sentence.clone()), Some(failure));
        });
        match &mut self.line.said {
            _ if asked_for => tracing::info!(jid = %link.jid, "{sentence}"),
            Some(said) if said.sentence == sentence && !was_up => {
                said.repeats += 1;
                if now < said.at + REMIND {
                    tracing::debug!(failure, attempts, "{sentence}");
                } else {
                    said.at = now;
                    tracing::warn!(jid = %link.jid, failure, repeats = said.repeats, "still: {sentence}");
                }
            }
            said => {
                tracing::warn!(jid = %link.jid, failure, "{sentence}");
                *said = Some(Said { sentence, at: now, repeats: 0 });
            }
        }
    }

    /// Whether the line needs anything now.
    pub(super) fn tend_line(&mut self) {
        let now = Instant::now();
        let times = self.settings.link.timeouts;
        let domain = &self.gate.domain;
        let Some(stream) = self.line.up_mut() else { return };
        if stream.tend(&times, domain, now) == Life::Dead {
            let age = stream.age(now);
            self.lost(&Failure::Dead, age);
        }
    }

    /// Leaves the stream, if one is up, and makes a new one at once.
    pub(super) fn reconnect(&mut self) {
        self.line.backoff.reset();
        if self.line.up().is_some() {
            self.lost(&Failure::Left, Duration::ZERO);
        }
        self.line.state = State::Waiting(Instant::now());
    }
}

/// Id of the question for the server's software.
pub(super) fn version_id(stream: u64) -> String {
    format!("annex-version-{stream}")
}

fn broken(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Failure::Gone,
        _ => Failure::Io(error.to_string()),
    }
}

fn random() -> u64 {
    // Without randomness everyone comes back at the same time, which is no reason to stay away.
    getrandom::u64().unwrap_or(20)
}
