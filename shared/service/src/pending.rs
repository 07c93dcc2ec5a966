//! What a component meant to do with the answer to a fetch or a call, until it comes.
//!
//! Memory only: after a restart no answer comes, and what must not be forgotten stands in a record.
//! The ids come from [`crate::context::Context::fetch`] and [`crate::context::Context::call`], which
//! share one counter, so that one event finds its continuation in one map.

use std::collections::BTreeMap;

/// Continuations by the id of the effect whose answer they wait for.
#[derive(Debug)]
pub struct Pending<T> {
    waiting: BTreeMap<u64, T>,
    limit: usize,
}

impl<T> Pending<T> {
    /// At most `limit` at a time.
    pub fn new(limit: usize) -> Self {
        Self { waiting: BTreeMap::new(), limit }
    }

    /// No more can wait: refuse with `resource-constraint` before emitting the effect.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= self.limit
    }

    /// Keeps `what` for the answer to effect `id`. Call it after the handler's last `?`: if the
    /// effect is discarded, no answer ever takes it out again.
    pub fn insert(&mut self, id: u64, what: T) {
        self.waiting.insert(id, what);
    }

    /// Takes out what waits for the answer to effect `id`; nothing, if it waits no more.
    pub fn take(&mut self, id: u64) -> Option<T> {
        self.waiting.remove(&id)
    }

    /// Forgets what waits for effects after number `last`: they were discarded.
    pub(crate) fn withdraw(&mut self, last: u64) {
        self.waiting.split_off(&(last + 1));
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// None waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_takes_its_own_continuation_once() {
        let mut pending = Pending::new(2);
        pending.insert(4, "four");
        pending.insert(5, "five");
        assert!(pending.is_full());
        assert_eq!(pending.take(5), Some("five"));
        assert_eq!(pending.take(5), None);
        assert!(!pending.is_full());
        assert_eq!(pending.len(), 1);
    }
}
