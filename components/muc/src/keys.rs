//! Tables, keys and encodings: everything that `annex-muc` stores.
//!
//! Rooms, occupants, sessions and archived messages have fixed-width ids from [`Turn::stamp`], never
//! given out twice. Keys are ids, and at most one text at their end. A room's id is only reachable
//! through its [`Name`]: removing that one record destroys the room, and the rest goes in slices.
//!
//! [`Turn::stamp`]: annex_service::turn::Turn::stamp

use std::collections::BTreeMap;

use annex_service::{
    record::{Key, Record, Shown},
    store::{StoreError, Table},
    turn::Turn,
};
use serde::{Deserialize, Serialize};

use crate::room::{
    affiliation::{Affiliation, Role},
    config::Config,
};

/// Key of a room's local part → [`Name`].
pub const NAMES: Table = Table::new(32, "name");
/// Room → [`RoomRecord`].
pub const ROOMS: Table = Table::new(33, "room");
/// Room → [`SubjectRecord`].
pub const SUBJECTS: Table = Table::new(34, "subject");
/// Room, key of a bare address → [`AffiliationRecord`].
pub const AFFILIATIONS: Table = Table::new(35, "affiliation");
/// Room, [`Affiliation::code`], key of a bare address → the same record: the lists.
pub const LISTS: Table = Table::new(36, "affiliation_list");
/// Room, key of a nickname → key of the bare address it is reserved for.
pub const RESERVED: Table = Table::new(37, "reserved_nick");
/// Room, occupant → [`OccupantRecord`].
pub const OCCUPANTS: Table = Table::new(38, "occupant");
/// Room, session → [`SessionRecord`].
pub const SESSIONS: Table = Table::new(39, "session");
/// Room, key of a bare address → occupant id (XEP-0421), stored when first given.
pub const OCCUPANT_IDS: Table = Table::new(40, "occupant_id");
/// Room → nothing: the rooms that have occupants.
pub const OCCUPIED: Table = Table::new(41, "occupied");
/// Key of a bare address → how many rooms it has created and are not destroyed.
pub const CREATORS: Table = Table::new(42, "creator");
/// Room, stamp → [`MessageRecord`].
pub const MESSAGES: Table = Table::new(43, "message");
/// Key of a room's local part → [`PublicRecord`]: the rooms that are listed.
pub const PUBLIC: Table = Table::new(44, "public");
/// Nothing → how many rooms are listed.
pub const PUBLIC_COUNT: Table = Table::new(45, "public_count");

/// All of them.
pub const TABLES: &[Table] = &[
    NAMES,
    ROOMS,
    SUBJECTS,
    AFFILIATIONS,
    LISTS,
    RESERVED,
    OCCUPANTS,
    SESSIONS,
    OCCUPANT_IDS,
    OCCUPIED,
    CREATORS,
    MESSAGES,
    PUBLIC,
    PUBLIC_COUNT,
];

/// The records that exports show.
pub const SHOWN: &[Shown] = &[
    Shown::of::<Name>(),
    Shown::of::<PublicRecord>(),
    Shown::of::<RoomRecord>(),
    Shown::of::<SubjectRecord>(),
    Shown::of::<AffiliationRecord>(),
    Shown::of::<OccupantRecord>(),
    Shown::of::<SessionRecord>(),
    Shown::of::<MessageRecord>(),
];

/// Those whose keys begin with the id of a room: what goes in slices when it is destroyed.
pub const OF_A_ROOM: &[Table] =
    &[ROOMS, SUBJECTS, AFFILIATIONS, LISTS, RESERVED, OCCUPANTS, SESSIONS, OCCUPANT_IDS, MESSAGES];

/// Bytes of a bare address or a room's local part at most: keys have 512 in all.
pub const LONGEST_NAME: usize = 480;

/// The key of what a room has once, and the prefix of what it has many times.
pub fn of(room: u64) -> Key {
    Key::new().u64(room)
}

/// An entry of [`LISTS`].
pub fn listed(room: u64, affiliation: Affiliation, person: &str) -> Key {
    of(room).u8(affiliation.code()).rest(person)
}

/// A number that is stored; 0 where there is none.
pub fn count(turn: &Turn<'_>, table: Table, key: &[u8]) -> Result<u32, StoreError> {
    let count = turn.get(table, key)?;
    let count = count.and_then(|bytes| bytes.get(1..5)?.try_into().ok());
    Ok(count.map_or(0, u32::from_be_bytes))
}

/// Stores a number: a version byte, then it in four bytes.
pub fn set_count(turn: &mut Turn<'_>, table: Table, key: &[u8], count: u32) {
    if count == 0 {
        turn.delete(table, key);
        return;
    }
    let mut value = vec![1];
    value.extend_from_slice(&count.to_be_bytes());
    turn.put(table, key, value);
}

/// Which room has a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The room.
    pub room: u64,
}

impl Record for Name {
    const TABLE: Table = NAMES;
}

/// A room that is listed: what the list shows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicRecord {
    /// The room.
    pub room: u64,
    /// Its local part.
    pub local: String,
    /// Its name.
    pub name: String,
}

impl Record for PublicRecord {
    const TABLE: Table = PUBLIC;
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRecord {
    /// Its local part; older programs kept it as its creator spelled it.
    pub local: String,
    /// When it was created, in µs since 1970.
    pub created: i64,
    /// Key of its creator's bare address.
    pub creator: String,
    /// Until when it waits for its first configuration, in µs since 1970.
    pub locked: Option<i64>,
    /// Its configuration.
    pub config: Config,
}

impl Record for RoomRecord {
    const TABLE: Table = ROOMS;
}

impl RoomRecord {
    /// The same with another password, where it has one.
    pub(crate) fn redacted(mut self, pseudonym: &mut dyn FnMut(&str) -> String) -> Option<Vec<u8>> {
        let password = self.config.password.as_mut()?;
        *password = pseudonym(password);
        Some(self.encode().to_vec())
    }
}

/// A room's subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectRecord {
    /// The message's payload: every `<subject/>`, and what came with them.
    #[serde(with = "annex_service::record::text")]
    pub payload: Vec<u8>,
    /// Text of the first `<subject/>`.
    pub text: String,
    /// Resource of the address it comes from.
    pub nick: String,
    /// The message's id.
    pub id: Option<String>,
    /// When it was set, in µs since 1970.
    pub at: i64,
}

impl Record for SubjectRecord {
    const TABLE: Table = SUBJECTS;
}

/// An affiliation other than none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffiliationRecord {
    /// The bare address as it was spelled.
    pub jid: String,
    /// The affiliation.
    pub affiliation: Affiliation,
    /// The nickname reserved with it.
    pub nick: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Since when, in µs since 1970.
    pub at: i64,
}

impl Record for AffiliationRecord {
    const TABLE: Table = AFFILIATIONS;
}

/// An occupant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OccupantRecord {
    /// Nickname.
    pub nick: String,
    /// Role: what a moderator granted outlives a restart.
    pub role: Role,
}

impl Record for OccupantRecord {
    const TABLE: Table = OCCUPANTS;
}

/// A session of an occupant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Full address.
    pub jid: String,
    /// Whose it is.
    pub occupant: u64,
    /// Its latest presence: what is reflected of it.
    #[serde(with = "annex_service::record::text")]
    pub presence: Vec<u8>,
    /// `xml:lang` of that presence.
    pub lang: Option<String>,
    /// Stamp of its newest join: what was told before that, it knows.
    pub synced: u64,
    /// When it last sent presence, in µs since 1970.
    pub active: i64,
    /// Its priority, and how available it is: the occupant shows the presence that ranks highest.
    pub rank: (i8, u8),
}

impl Record for SessionRecord {
    const TABLE: Table = SESSIONS;
}

/// A message of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// Its `stanza-id`, which is not its key, so that ids of other services can be kept.
    pub archive_id: String,
    /// Resource of the address it comes from; empty for the room itself.
    pub nick: String,
    /// Key of its sender's bare address; empty for the room itself.
    pub sender: String,
    /// `id` of the stanza.
    pub id: Option<String>,
    /// `xml:lang` of the stanza.
    pub lang: Option<String>,
    /// What it says, as it was told, without its `stanza-id`.
    #[serde(with = "annex_service::record::text")]
    pub payload: Vec<u8>,
    /// When it was sent, in µs since 1970.
    pub at: i64,
    /// It changes the subject, as older programs kept it: those who enter are told the subject
    /// anyway.
    pub subject: bool,
}

impl Record for MessageRecord {
    const TABLE: Table = MESSAGES;
}

/// What was told and is told again if it may not have arrived (`annex_service::unconfirmed`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// A session joined: what it was sent is sent again.
    Joined {
        /// The room.
        room: u64,
        /// Its full address.
        session: String,
    },
    /// Presence of an occupant: told again from the state.
    Presence {
        /// The room.
        room: u64,
        /// The occupant.
        occupant: u64,
    },
    /// A message of the archive.
    Message {
        /// The room.
        room: u64,
        /// Its stamp.
        message: u64,
    },
    /// Somebody left, or left a nickname.
    Gone(Gone),
    /// The subject was changed.
    Subject {
        /// The room.
        room: u64,
        /// Stamp of the change.
        at: u64,
    },
    /// A room is no more: who must know, with the nickname each had.
    Destroyed {
        /// The room's address.
        room: String,
        /// What it says, rendered.
        payload: Vec<u8>,
        /// Nickname and full address of each session.
        sessions: Vec<(String, String)>,
        /// Of each nickname the rendered occupant id, and whether it was shown to the others.
        nicks: BTreeMap<String, (Vec<u8>, bool)>,
    },
}

/// The tombstone of a nickname that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The room.
    pub room: u64,
    /// Stamp of the departure: who joined later never saw it.
    pub at: u64,
    /// The address that is gone: room and nickname.
    pub from: String,
    /// What the room said: rendered for those who see real addresses, and for those who do not.
    pub told: [Vec<u8>; 2],
    /// Sessions that left, or were removed, by full address, and what was said to them.
    pub selves: Vec<(String, Vec<u8>)>,
    /// It was shown to the others.
    pub shown: bool,
}

/// The version byte of [`Note`].
const NOTE_VERSION: u8 = 2;

impl Note {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![NOTE_VERSION])
            .expect("a note has an encoding: no unsized sequences, no foreign serializers")
    }

    /// Reads a note. None if an older program wrote it in a way that this one does not know: what
    /// it spoke of is found by the sweep.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, body) = bytes.split_first()?;
        match *version {
            NOTE_VERSION => postcard::from_bytes(body).ok(),
            // The first knew of no nicknames in a room that is destroyed; they are the last field,
            // and what is left over does no harm to the others.
            1 => postcard::from_bytes(&[body, &[0]].concat()).ok(),
            _ => None,
        }
    }
}
