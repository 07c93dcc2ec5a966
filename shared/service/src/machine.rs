//! The one trait between a service and what runs it.

use crate::{input::Input, store::Table, turn::Turn};

/// A service as a pure state machine: one input in; what must happen goes out through the turn, in
/// order. No IO, no clock, no randomness of its own.
pub trait Machine {
    /// Handles one input.
    fn handle(&mut self, input: Input, turn: &mut Turn<'_>);

    /// Numbers for `status`, by name; asked between turns.
    fn status(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// A record with each of its secrets replaced by its pseudonym, for traces; none if it has none.
    fn redact(
        _table: Table,
        _record: &[u8],
        _pseudonym: &mut dyn FnMut(&str) -> String,
    ) -> Option<Vec<u8>>
    where
        Self: Sized,
    {
        None
    }
}
