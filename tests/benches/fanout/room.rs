//! The room: its occupants and their messages.

use crate::link::Link;

/// Without limits, and without an archive.
pub(crate) const SETTINGS: &str = r#"
[muc]
create = "anyone"
rooms_per_creator = 0
messages_per_second = 0
presences_per_second = 0
joins_per_second = 0
max_users = 0
default_archiving = false
default_history = 0
"#;

/// An occupant's address; all have the same length.
fn user(number: usize) -> String {
    format!("u{number:05}@load.bench/client")
}

/// How the copy for the last of so many occupants is recognised.
pub(crate) fn last(count: usize) -> String {
    format!("to='{}'>", user(count - 1))
}

/// A message of the first occupant.
pub(crate) fn message(number: usize) -> Vec<u8> {
    let body = "x".repeat(100);
    format!(
        "<message type='groupchat' from='{}' to='room@rooms.bench' id='m{number:09}'><body>{body}</body></message>",
        user(0),
    )
    .into_bytes()
}

/// Lets so many occupants in, and waits until all have been told.
pub(crate) fn fill(link: &mut Link, count: usize) {
    const SELF: &[u8] = b"<status code='110'/>";
    let join = |number: usize| {
        format!(
            "<presence from='{}' to='room@rooms.bench/n{number:05}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>",
            user(number),
        )
    };
    link.send(join(0).as_bytes());
    while link.read(SELF) == 0 {}
    // XEP-0045 §10.1.2: an instant room.
    link.send(
        format!(
            "<iq type='set' id='c' from='{}' to='room@rooms.bench'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>",
            user(0),
        )
        .as_bytes(),
    );
    while link.read(b"type='result'") == 0 {}
    let (mut sent, mut joined) = (1, 1);
    while joined < count {
        while sent < count && sent < joined + 16 {
            link.send(join(sent).as_bytes());
            sent += 1;
        }
        joined += link.read(SELF);
    }
    link.drain();
}
