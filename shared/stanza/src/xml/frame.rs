//! What the reader of a stream gives: frames, and the gate that stanzas pass.

use crate::{
    error::{Refusal, error_kind},
    jid::Jid,
    outgoing::Outgoing,
    stanza::{Kind, Stanza},
};

/// The inbound gate, for one stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Levels of elements, the stanza itself being the first.
    pub depth: usize,
    /// Elements within the stanza, on all levels.
    pub children: usize,
    /// Bytes on the wire.
    pub bytes: usize,
    /// Bytes of a presence, which a room tells to everyone in it.
    pub presence: usize,
}

impl Limits {
    /// For bytes of our own: what was let in under any configuration, and what we wrote. Only depth
    /// is bounded, since trees of it are built by recursion.
    pub const OWN: Self =
        Self { depth: 1_024, children: usize::MAX, bytes: usize::MAX, presence: usize::MAX };
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, children: 1_000, bytes: 512 << 10, presence: 16 << 10 }
    }
}

/// The stream cannot be read further.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the stream is not well-formed XML: {0}")]
pub struct ReadError(pub(super) String);

/// One thing that the server sent.
#[derive(Debug, Clone)]
pub enum Frame {
    /// A stanza that the gate let through.
    Stanza(Stanza),
    /// A stanza that it did not.
    Refused {
        /// What is known of it.
        header: RawHeader,
        /// Why.
        refusal: Refusal,
    },
    /// The server ends the stream, and says why (RFC 6120 §4.9).
    StreamError {
        /// The condition's name.
        condition: String,
        /// The server's words.
        text: Option<String>,
    },
    /// A stanza of which nothing is known: its start tag could not be read.
    Unreadable,
    /// Another element at the level of stanzas.
    Other {
        /// Its namespace.
        ns: String,
        /// Its name.
        name: String,
    },
    /// The server closed the stream.
    End,
}

/// What is known of a stanza that was refused.
#[derive(Debug, Clone)]
pub struct RawHeader {
    /// Kind and type, as far as they could be read.
    pub kind: Kind,
    /// The sender; none where it is not an address, so that nobody can be answered.
    pub from: Option<Jid>,
    /// The address written to; none where it is not one.
    pub to: Option<Jid>,
    /// Its id.
    pub id: Option<String>,
}

impl RawHeader {
    /// The error that answers it and to whom, unless it must not be answered or nobody can be.
    pub fn refuse(&self, refusal: &Refusal, service: &Jid) -> Option<(Outgoing, Jid)> {
        let error = Outgoing {
            kind: error_kind(self.kind)?,
            from: self.to.clone().unwrap_or_else(|| service.clone()),
            id: self.id.clone(),
            lang: None,
            payload: refusal.xml(),
        };
        Some((error, self.from.clone()?))
    }
}
