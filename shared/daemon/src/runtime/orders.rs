//! Orders from the operator's side, and the end.

use std::{future::poll_fn, time::Duration};

use annex_service::{input::Input, machine::Machine};
use tokio::time::{Instant, timeout};

use super::{
    control::{Control, RunError},
    core::{Core, Stop},
    online::State,
    report::Status,
};

/// For the farewell to the server, beyond what was given to the output.
const GOODBYE: Duration = Duration::from_secs(1);

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
                    self.inbox.push(Input::Shutdown { last });
                    let patience = self.settings.link.timeouts.drain;
                    self.stop = Stop::Told(Instant::now() + patience);
                }
                _ => self.stop = Stop::Now,
            },
        }
    }

    /// The machine has said its farewell, and it is written and confirmed; or time is up.
    pub(super) fn has_ended(&self) -> bool {
        match self.stop {
            Stop::No => false,
            Stop::Now => true,
            Stop::Told(until) => Instant::now() >= until,
            Stop::Draining(until) => {
                let settled = self.line.up().is_none() || self.is_settled();
                (self.flight.is_empty() && settled) || Instant::now() >= until
            }
        }
    }

    /// The server has everything that was said.
    fn is_settled(&self) -> bool {
        self.line.up().is_some_and(|stream| {
            self.lanes.is_empty() && stream.is_flushed() && stream.confirm.is_settled()
        })
    }

    /// Closes the stream, if one is up, and lets go of everything.
    pub(super) async fn end(mut self) -> Result<(), RunError> {
        if let (State::Up(stream), false) = (&mut self.line.state, self.stop == Stop::Now) {
            stream.out.extend_from_slice(b"</stream:stream>");
            let goodbye = async {
                poll_fn(|context| stream.poll_write(context, Instant::now())).await?;
                poll_fn(|context| stream.poll_shutdown(context)).await
            };
            // A server that does not listen is left without a word.
            let _ = timeout(GOODBYE, goodbye).await;
        }
        self.report.set_link(self.clock.now().wall, |link| link.online = false);
        Ok(())
    }
}
