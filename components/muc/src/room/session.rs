//! One resource of a user in a room, and what of its presence is reflected.

use std::time::Duration;

use annex_service::{record::Record, turn::Turn};
use annex_stanza::{Address, Jid, Payload, Recipient, Stanza, ns};
use bytes::Bytes;

use super::limits::Bucket;
use crate::keys::{self, SessionRecord};

/// Sessions of one occupant at most: each is an item of its presence.
pub(crate) const MOST: usize = 32;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Session {
    /// Its number, a stamp: the end of its key.
    pub(crate) number: u64,
    /// Full address.
    pub(crate) jid: Jid,
    /// The same, escaped once.
    pub(crate) to: Address,
    /// Whose it is.
    pub(crate) occupant: u64,
    /// Its presence.
    pub(crate) shown: Shown,
    /// Stamp of its newest join.
    pub(crate) synced: u64,
    /// When it last sent presence, in µs since 1970.
    pub(crate) active: i64,
    /// When it last said anything, since the start; memory only.
    pub(crate) heard: Duration,
    /// It was asked whether it is there, and has said nothing since; memory only.
    pub(crate) asked: bool,
    /// Presence updates; memory only.
    pub(crate) presences: Bucket,
    /// New nicknames, and joins again; memory only.
    pub(crate) moves: Bucket,
    /// Presence that came too fast, to be shown later; memory only.
    pub(crate) held: Option<Shown>,
}

/// What is reflected of a session's presence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Shown {
    /// Payload, without what only the room may say.
    pub(crate) payload: Bytes,
    /// Its language.
    pub(crate) lang: Option<String>,
    /// Priority, then availability.
    pub(crate) rank: (i8, u8),
}

impl Shown {
    /// Of presence sent to the room `room`.
    pub(crate) fn of(stanza: &Stanza, room: &Jid) -> Self {
        let payload = &stanza.payload;
        let priority = payload.text(ns::CLIENT, "priority");
        let priority = priority.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let availability = match payload.text(ns::CLIENT, "show").as_deref() {
            Some("chat") => 4,
            None => 3,
            Some("away") => 2,
            Some("dnd") => 1,
            Some(_) => 0,
        };
        Self {
            payload: super::strip::presence(payload, room),
            lang: stanza.lang.clone(),
            rank: (priority, availability),
        }
    }
}

impl Session {
    /// A session that enters now.
    pub(crate) fn new(turn: &mut Turn<'_>, jid: &Jid, occupant: u64, shown: Shown) -> Self {
        let number = turn.stamp();
        Self {
            number,
            jid: jid.clone(),
            to: jid.escaped(),
            occupant,
            shown,
            synced: number,
            active: turn.wall().0,
            heard: turn.since_start(),
            asked: false,
            presences: Bucket::default(),
            moves: Bucket::default(),
            held: None,
        }
    }

    /// As its record has it.
    pub(crate) fn load(number: u64, record: SessionRecord, jid: Jid) -> Self {
        Self {
            number,
            to: jid.escaped(),
            jid,
            occupant: record.occupant,
            shown: Shown { payload: record.presence.into(), lang: record.lang, rank: record.rank },
            synced: record.synced,
            active: record.active,
            heard: Duration::ZERO,
            asked: false,
            presences: Bucket::default(),
            moves: Bucket::default(),
            held: None,
        }
    }

    /// Whether it may take another nickname, or be told everything again: a few times at once, and
    /// then as often as presence may come.
    pub(crate) fn may_move(&mut self, now: Duration, rate: u32) -> bool {
        const BURST: u32 = 10;
        self.moves.take(now, rate, BURST)
    }

    /// It said something: it is there.
    pub(crate) fn hear(&mut self, now: Duration) {
        self.heard = now;
        self.asked = false;
    }

    /// Writes its record.
    pub(crate) fn save(&self, turn: &mut Turn<'_>, room: u64) {
        let record = SessionRecord {
            jid: self.jid.as_str().to_owned(),
            occupant: self.occupant,
            presence: self.shown.payload.to_vec(),
            lang: self.shown.lang.clone(),
            synced: self.synced,
            active: self.active,
            rank: self.shown.rank,
        };
        record.save(turn, keys::of(room).u64(self.number));
    }

    /// Where stanzas for it go.
    pub(crate) fn recipient(&self) -> Recipient {
        Recipient::from(self.to.clone())
    }
}

/// The rendered `<status/>` elements of presence: an exit message (XEP-0045 §7.14).
pub(crate) fn exit_message(payload: &Payload) -> Vec<u8> {
    payload.without(|child, _| !child.is(ns::CLIENT, "status"))
}
