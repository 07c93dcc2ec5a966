//! The list of rooms (XEP-0045 §6.3), and how many are on it.

use annex_service::{record::Record, store::StoreError, turn::Turn};

use super::Room;
use crate::keys::{self, PublicRecord};

/// How many rooms are listed.
pub(crate) fn count(turn: &Turn<'_>) -> Result<u32, StoreError> {
    keys::count(turn, keys::PUBLIC_COUNT, b"")
}

/// The room is listed, or not any more, as it is configured.
pub(crate) fn list(room: &Room, turn: &mut Turn<'_>) -> Result<(), StoreError> {
    if !room.record.config.public || room.is_locked() {
        return unlist(room, turn);
    }
    let Some(key) = room.jid.local_key() else { return Ok(()) };
    if turn.get(keys::PUBLIC, key.as_bytes())?.is_none() {
        let count = count(turn)? + 1;
        keys::set_count(turn, keys::PUBLIC_COUNT, b"", count);
    }
    let record = PublicRecord {
        room: room.id,
        local: room.record.local.clone(),
        name: room.record.config.name.clone(),
    };
    record.save(turn, key.as_bytes());
    Ok(())
}

/// The room is not listed any more.
pub(crate) fn unlist(room: &Room, turn: &mut Turn<'_>) -> Result<(), StoreError> {
    let Some(key) = room.jid.local_key() else { return Ok(()) };
    if turn.get(keys::PUBLIC, key.as_bytes())?.is_some() {
        turn.delete(keys::PUBLIC, key.as_bytes());
        let count = count(turn)?.saturating_sub(1);
        keys::set_count(turn, keys::PUBLIC_COUNT, b"", count);
    }
    Ok(())
}
