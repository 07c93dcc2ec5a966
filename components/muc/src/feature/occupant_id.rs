//! Occupant ids (XEP-0421): one for each person and room, on every presence and message of theirs.
//!
//! They are random and stored when first given, not computed, so that ids of another service can be
//! taken over, and nothing can be learned from them.

use annex_service::{store::StoreError, turn::Turn};
use annex_stanza::{Xml, ns};

use crate::keys;

/// The person's id in a room, if one was given.
pub(crate) fn stored(
    turn: &Turn<'_>,
    room: u64,
    person: &str,
) -> Result<Option<String>, StoreError> {
    let id = turn.get(keys::OCCUPANT_IDS, &keys::of(room).rest(person))?;
    Ok(id.map(|id| String::from_utf8_lossy(&id).into_owned()))
}

/// Gives the person an id in a room.
pub(crate) fn give(turn: &mut Turn<'_>, room: u64, person: &str) -> String {
    let id = turn.token();
    turn.put(keys::OCCUPANT_IDS, keys::of(room).rest(person), id.clone());
    id
}

/// The element.
pub(crate) fn element(id: &str) -> Box<[u8]> {
    let mut xml = Xml::new();
    xml.open("occupant-id").xmlns(ns::OCCUPANT_ID).attr("id", id).close();
    xml.finish().into()
}
