//! What a handler works with: the turn, and what all services share.

use std::{fmt, time::Duration};

use annex_stanza::{IqType, Jid, Kind, Outgoing, Refusal, Stanza, Timestamp};

use crate::{
    audit,
    command::Report,
    commands::{self, Ticket},
    due::Due,
    effect::{Call, Effect, Lane},
    input::Common,
    store::{Scan, StoreError},
    turn::Turn,
    unconfirmed::Unconfirmed,
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
            Self::Refused(refusal) => {
                write!(f, "{}: {}", refusal.reason, refusal.condition.as_str())
            }
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
    /// Pages of the audit log under way.
    pub(crate) audit_pages: audit::Pages,
    /// Entries of the audit log by user.
    pub(crate) audit_quota: audit::Quota,
    /// Orders to the process under way.
    pub(crate) orders: commands::process::Orders,
    /// Commands that were finished later and are not yet answered.
    pub(crate) finished: Vec<(Ticket, Result<Report, Refusal>)>,
    /// The newest id of a fetch, a call or a ticket.
    last_id: u64,
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
            audit_pages: audit::Pages::default(),
            audit_quota: audit::Quota::default(),
            orders: commands::process::Orders::default(),
            finished: Vec::new(),
            last_id: 0,
        }
    }

    /// The newest id of a fetch, a call or a ticket.
    pub(crate) fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Forgets what waits for effects after number `last`: they were discarded.
    pub(crate) fn withdraw(&mut self, last: u64) {
        self.audit_pages.0.withdraw(last);
        self.orders.0.withdraw(last);
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
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

    /// Reads more than a turn may: the page comes back as [`crate::component::Event::Fetched`]
    /// with the id that is returned, after everything written before it. What is to be done then is
    /// kept in a [`crate::pending::Pending`].
    pub fn fetch(&mut self, scan: Scan) -> u64 {
        let id = self.shared.next_id();
        self.turn.emit(Effect::Fetch { id, scan });
        id
    }

    /// Lets something happen outside: its result comes back as [`crate::component::Event::Done`]
    /// with the id that is returned.
    pub fn call(&mut self, call: Call) -> u64 {
        let id = self.shared.next_id();
        self.turn.emit(Effect::Call { id, call });
        id
    }

    /// Notes in the audit log that `who` did `what` to `whom`: who is an address, or the local user
    /// who ran a verb. Only what moderators, admins and operators do belongs there, and never the
    /// body of a message.
    pub fn audit(
        &mut self,
        who: impl fmt::Display,
        what: &str,
        whom: impl fmt::Display,
        reason: Option<&str>,
    ) {
        let entry = audit::Entry {
            who: who.to_string(),
            what: what.into(),
            whom: whom.to_string(),
            reason: reason.unwrap_or_default().into(),
        };
        audit::write(entry, self);
    }

    /// For a command that is answered later: it returns [`crate::command::Next::Later`] with this
    /// ticket and calls [`Context::finish`] when it knows. A ticket never finished is answered with
    /// `remote-server-timeout` after the time-out of commands.
    pub fn ticket(&mut self) -> Ticket {
        Ticket(self.shared.next_id())
    }

    /// Answers the command that holds this ticket, if it still waits.
    pub fn finish(&mut self, ticket: Ticket, result: Result<Report, Refusal>) {
        self.shared.finished.push((ticket, result));
    }

    /// Answers a verb of the admin socket, or [`crate::component::Event::Person`].
    pub fn respond(&mut self, token: u64, report: Report) {
        let response = commands::response(Ok(report));
        self.turn.emit(Effect::Respond { token, response });
    }

    /// Time since the machine started.
    pub fn uptime(&self) -> Duration {
        self.turn.since_start()
    }
}
