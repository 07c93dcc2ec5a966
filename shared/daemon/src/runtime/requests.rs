//! Requests and commands that wait for the machine's answer.

use std::collections::HashMap;

use annex_service::effect::Response;
use tokio::sync::oneshot;

/// Answers to come, by token.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    waiting: HashMap<u64, oneshot::Sender<Response>>,
    last: u64,
}

impl Requests {
    /// A token for a request; none if it was answered at once because too many wait.
    pub(crate) fn open(&mut self, reply: oneshot::Sender<Response>, limit: usize) -> Option<u64> {
        if self.waiting.len() >= limit {
            // Who gave up waiting leaves a closed channel behind.
            self.waiting.retain(|_, waiting| !waiting.is_closed());
        }
        if self.waiting.len() >= limit {
            let _ = reply.send(Response::error(503, "too many requests wait for an answer"));
            return None;
        }
        self.last += 1;
        self.waiting.insert(self.last, reply);
        Some(self.last)
    }

    /// Answers a request, if anyone still waits.
    pub(crate) fn answer(&mut self, token: u64, response: Response) {
        if let Some(reply) = self.waiting.remove(&token) {
            let _ = reply.send(response);
        }
    }
}
