//! What a handler works with: the turn, and what all services share.

use std::{fmt, time::Duration};

use annex_stanza::{IqType, Jid, Kind, Outgoing, Refusal, Stanza, Timestamp};

use crate::{
    due::Due, effect::Lane, input::Common, store::StoreError, turn::Turn, unconfirmed::Unconfirmed,
};

/// Why a handler ended early. Everything it wrote and emitted is discarded.
#[derive(Debug)]
pub enum Failure {
    /// The sender is told.
    Refused(Refusal),
    /// Nobody is told: the process stops, and what it had not acknowledged did not happen.
    Store(StoreError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "{}: {}", refusal.reason, refusal.condition.as_str()),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// What a handler returns.
pub type Outcome<T> = Result<T, Failure>;

/// What lasts between inputs and belongs to every service.
#[derive(Debug)]
pub struct Shared {
    /// The shared settings.
    pub common: Common,
    /// What is due at a time of the wall clock.
    pub due: Due,
    /// What was told and may not have arrived.
    pub unconfirmed: Unconfirmed,
    /// When the machine started.
    pub started: Timestamp,
    /// The stream is up.
    pub online: bool,
}

impl Shared {
    /// With these settings, before anything happened.
    pub fn new(common: Common) -> Self {
        Self {
            common,
            due: Due::default(),
            unconfirmed: Unconfirmed::default(),
            started: Timestamp(0),
            online: false,
        }
    }
}

/// A handler's hands.
pub struct Context<'a, 't> {
    /// Reads, writes, effects.
    pub turn: &'a mut Turn<'t>,
    /// What all services share.
    pub shared: &'a mut Shared,
}

/// To whom, and as whom, a request that is answered later is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyTo {
    /// Who asked.
    pub asker: Jid,
    /// Which of our addresses was asked.
    pub asked: Jid,
    /// The request's id.
    pub id: String,
}

impl From<&Stanza> for ReplyTo {
    fn from(request: &Stanza) -> Self {
        Self {
            asker: request.from.clone(),
            asked: request.to.clone(),
            id: request.id.clone().unwrap_or_default(),
        }
    }
}

impl Context<'_, '_> {
    /// Answers a request whose handler returned [`crate::registry::Answer::Later`].
    pub fn reply(&mut self, to: &ReplyTo, answer: Result<Vec<u8>, Refusal>) {
        let (kind, payload) = match answer {
            Ok(payload) => (IqType::Result, payload),
            Err(refusal) => (IqType::Error, refusal.xml()),
        };
        let stanza = Outgoing {
            kind: Kind::Iq(kind),
            from: to.asked.clone(),
            id: Some(to.id.clone()),
            lang: None,
            payload,
        };
        self.turn.send_in(Lane::of(&to.asked), &stanza, &to.asker);
    }

    /// Time since the machine started.
    pub fn uptime(&self) -> Duration {
        self.turn.since_start()
    }
}
