//! Orders from the operator's side, and the end.

use std::{future::poll_fn, io, time::Duration};

use annex_service::{input::Input, machine::Machine};
use annex_stanza::Frame;
use tokio::time::{Instant, timeout};

use super::{
    control::{Control, RunError},
    core::{Core, Stop},
    online::State,
    report::Status,
};

/// For the farewell to the server, beyond what was given to the output.
const GOODBYE: Duration = Duration::from_secs(1);

/// What the server had under way has come when it has said nothing for so long.
const QUIET: Duration = Duration::from_millis(100);

impl<M: Machine> Core<M> {
    pub(super) fn control(&mut self, order: Control) {
        match order {
            Control::Command { verb, arguments, actor, reply } => {
                if let Some(token) = self.requests.open(reply, self.settings.limits.requests) {
                    self.inbox.push(Input::Command { token, verb, arguments, actor });
                }
            }
            Control::Request { method, path, headers, body, reply } => {
                if let Some(token) = self.requests.open(reply, self.settings.limits.requests) {
                    self.inbox.push(Input::Request { token, method, path, headers, body });
                }
            }
            Control::Config { common, section, link, limits } => {
                if let Some(limits) = limits {
                    self.settings.limits = limits;
                    self.inbox.set_limit(limits.inbox);
                    self.gate.limit = limits.stanza_out;
                }
                self.inbox.push(Input::Config { common: *common, section });
                if let Some(link) = link {
                    self.gate.foreign_from = link.foreign_from;
                    self.settings.link = *link;
                    self.reconnect();
                }
            }
            Control::Reconnect => self.reconnect(),
            Control::Backup { path, reply } => {
                let store = self.store.clone();
                tokio::task::spawn_blocking(move || {
                    let outcome = store.backup(&path).map(drop).map_err(|error| error.to_string());
                    let _ = reply.send(outcome);
                });
            }
            Control::Status { reply } => {
                let status = Status {
                    jid: self.gate.domain.as_str().into(),
                    link: self.report.link(),
                    numbers: self.report.numbers(),
                    component: self.machine.status(),
                };
                let _ = reply.send(status);
            }
            Control::Shutdown { last } => match self.stop {
                Stop::No => {
                    let until = Instant::now() + self.settings.link.timeouts.drain;
                    self.stop = Stop::Told { until, last };
                }
                _ => self.stop = Stop::Now,
            },
        }
    }

    /// At a stop, everything that arrived before it has been handled, down to what was fetched for
    /// it.
    pub(super) fn has_caught_up(&self) -> bool {
        self.inbox.is_empty() && self.fetching == 0 && self.flight.is_empty()
    }

    /// The machine has said its farewell, it is written and confirmed, and everybody whose stanzas
    /// came too late has been told; or time is up.
    pub(super) fn has_ended(&self) -> bool {
        match self.stop {
            Stop::No => false,
            Stop::Now => true,
            Stop::Told { until, .. } => Instant::now() >= until,
            Stop::Draining(until) => {
                let settled = match self.line.up() {
                    None => self.flight.is_empty(),
                    Some(_) => self.quiet_at().is_some_and(|quiet| Instant::now() >= quiet),
                };
                settled || Instant::now() >= until
            }
        }
    }

    /// The server has everything that was said.
    fn is_settled(&self) -> bool {
        self.line.up().is_some_and(|stream| {
            self.flight.is_empty()
                && self.lanes.is_empty()
                && self.pressure.waiting() == 0
                && stream.is_flushed()
                && stream.confirm.is_settled()
        })
    }

    /// When the server will have been quiet for long enough, unless it says something before; none
    /// while it does not have everything.
    pub(super) fn quiet_at(&self) -> Option<Instant> {
        let stream = self.line.up().filter(|_| self.is_settled())?;
        Some(stream.heard() + QUIET)
    }

    /// Closes the stream, if one is up, reads what the server still says, and lets go of everything.
    pub(super) async fn end(mut self) -> Result<(), RunError> {
        let left = self.inbox.stanzas();
        if left > 0 {
            tracing::warn!(left, "stanzas that still waited to be handled are lost with the stop");
        }
        if let (State::Up(stream), false) = (&mut self.line.state, self.stop == Stop::Now) {
            stream.out.extend_from_slice(b"</stream:stream>");
            let goodbye = async {
                poll_fn(|context| stream.poll_write(context, Instant::now())).await?;
                poll_fn(|context| stream.poll_shutdown(context)).await?;
                // A socket that is closed with bytes unread takes what was written with it.
                while poll_fn(|context| stream.poll_read(context, Instant::now())).await? > 0 {
                    loop {
                        match stream.reader.next() {
                            Ok(Some(Frame::End)) | Err(_) => return Ok(()),
                            Ok(Some(_)) => {}
                            Ok(None) => break,
                        }
                    }
                }
                io::Result::Ok(())
            };
            // A server that does not listen is left without a word.
            let _ = timeout(GOODBYE, goodbye).await;
        }
        self.report.set_link(self.clock.now().wall, |link| link.online = false);
        Ok(())
    }
}
