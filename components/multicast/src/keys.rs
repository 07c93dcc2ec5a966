//! Tables, keys and encodings: everything that `annex-multicast` stores.

use annex_service::{
    record::{Record, Shown},
    store::Table,
};
use serde::{Deserialize, Serialize};

use crate::holders::{HOLDERS, HeldRecord};

/// Key of a full address → [`OriginRecord`].
pub const ORIGINS: Table = Table::new(32, "origin");
/// Key of a list's local part → [`ListRecord`].
pub const LISTS: Table = Table::new(33, "list");

/// All tables.
pub const TABLES: &[Table] = &[ORIGINS, LISTS, HOLDERS];

/// The records that exports show.
pub const SHOWN: &[Shown] =
    &[Shown::of::<OriginRecord>(), Shown::of::<ListRecord>(), Shown::of::<HeldRecord>()];

/// Longest key of a full address or a list's name; the store takes 512 bytes.
pub const LONGEST: usize = 480;

/// Whose available presence is with whom (XEP-0033 §5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginRecord {
    /// The sender's full address.
    pub jid: String,
    /// Those who got it, in order, as they were written.
    pub recipients: Vec<String>,
}

impl Record for OriginRecord {
    const TABLE: Table = ORIGINS;
}

/// A stored list of recipients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRecord {
    /// Its local part, as it was spelled.
    pub name: String,
    /// Bare addresses of those who may change it.
    pub owners: Vec<String>,
    /// Addresses of those who get what is sent to it.
    pub members: Vec<String>,
    /// Whoever may use the service may write to it; otherwise owners and members only.
    pub open: bool,
    /// Bare address of who made it; none if it was an admin.
    pub creator: Option<String>,
}

impl Record for ListRecord {
    const TABLE: Table = LISTS;
    const VERSION: u8 = 2;

    fn upgrade(version: u8, body: &[u8]) -> Option<Self> {
        // The first had no creator.
        (version == 1).then(|| Self::decode(&[&[Self::VERSION], body, &[0]].concat()).ok())?
    }
}

/// What may not have arrived: the note of [`annex_service::unconfirmed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// A message, as it came.
    Message(Vec<u8>),
    /// Presence that was told.
    Presence(ToldRecord),
}

impl Record for Note {
    // It stands in the index of what is unconfirmed.
    const TABLE: Table = annex_service::unconfirmed::TABLE;
    const VERSION: u8 = 2;

    fn upgrade(version: u8, body: &[u8]) -> Option<Self> {
        let first = (version == 1).then(|| First::decode(&[&[1], body].concat()).ok())??;
        Some(match first {
            First::Message(bytes) => Self::Message(bytes),
            First::Presence(told) => Self::Presence(told.into()),
        })
    }
}

/// Presence, and to whom it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldRecord {
    /// Whose presence.
    pub from: String,
    /// Available, or unavailable.
    pub available: bool,
    /// Id of the stanza.
    pub id: Option<String>,
    /// Its language.
    pub lang: Option<String>,
    /// Everything inside.
    pub payload: Vec<u8>,
    /// Where recipients' own entries stand in it, or their addresses if they have no other own
    /// entries.
    pub slot: Option<usize>,
    /// Own entries, each so many bytes behind that place.
    pub entries: Vec<(usize, Vec<u8>)>,
    /// Recipients, and the number of the own entry of each.
    pub recipients: Vec<(String, Option<usize>)>,
}

impl ToldRecord {
    /// One more recipient, and its own entry. What it shares with the one before is there once.
    pub fn push(&mut self, jid: String, own: Option<(usize, &[u8])>) {
        let number = own.map(|(behind, bytes)| {
            let last = self.entries.last();
            if last.is_none_or(|last| (last.0, &*last.1) != (behind, bytes)) {
                self.entries.push((behind, bytes.to_vec()));
            }
            self.entries.len() - 1
        });
        self.recipients.push((jid, number));
    }
}

/// A note of the first version: all own entries stand at one place.
#[derive(Serialize, Deserialize)]
enum First {
    Message(Vec<u8>),
    Presence(FirstTold),
}

#[derive(Serialize, Deserialize)]
struct FirstTold {
    from: String,
    available: bool,
    id: Option<String>,
    lang: Option<String>,
    payload: Vec<u8>,
    slot: Option<usize>,
    recipients: Vec<(String, Option<Vec<u8>>)>,
}

impl Record for First {
    const TABLE: Table = Note::TABLE;
}

impl From<FirstTold> for ToldRecord {
    fn from(first: FirstTold) -> Self {
        let FirstTold { from, available, id, lang, payload, slot, recipients } = first;
        let mut told = Self {
            from,
            available,
            id,
            lang,
            payload,
            slot,
            entries: Vec::new(),
            recipients: Vec::new(),
        };
        for (jid, entry) in recipients {
            told.push(jid, entry.as_deref().map(|entry| (0, entry)));
        }
        told
    }
}
