//! What a component supplies: its registry, and how it meets what is not a stanza.

use annex_stanza::Jid;
use bytes::Bytes;

use crate::{
    command::Report,
    context::{Context, Outcome},
    effect::{CallResult, Timer},
    input::Ending,
    record::Shown,
    registry::Registry,
    store::{Migration, Page, Table},
};

/// What happened, other than a stanza.
#[derive(Debug)]
pub enum Event {
    /// First of all, once: what must be in memory is read here.
    Start,
    /// A timer that the component armed, or an entry of the due index.
    Timer(Timer),
    /// The stream is up; output of turns above `confirmed` may not have arrived and is told again.
    Online {
        /// The confirmed mark.
        confirmed: u64,
    },
    /// The stream is gone.
    Offline(Ending),
    /// What a fetch found.
    Fetched {
        /// Id of the effect.
        id: u64,
        /// The records.
        page: Page,
    },
    /// What a call led to.
    Done {
        /// Id of the effect.
        id: u64,
        /// How it went.
        result: CallResult,
    },
    /// A request over HTTP.
    Request {
        /// For [`crate::effect::Effect::Respond`].
        token: u64,
        /// Method.
        method: String,
        /// Path and query.
        path: String,
        /// Header lines, names in lower case.
        headers: Vec<(String, String)>,
        /// Body.
        body: Bytes,
    },
    /// The settings changed; `section` was validated by [`Component::check`].
    Config(serde_json::Value),
    /// The process stops after this.
    Shutdown {
        /// It will not come back soon.
        last: bool,
    },
    /// `person show|forget`: everything stored about someone.
    Person {
        /// For [`crate::effect::Effect::Respond`].
        token: u64,
        /// Whom.
        person: Jid,
        /// What to do.
        what: Person,
    },
}

/// What is done about a person's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Person {
    /// Tell everything.
    Show,
    /// End sessions, remove affiliations, registrations, subscriptions; leave messages.
    Keep,
    /// The same; messages become tombstones.
    Tombstone,
    /// The same; messages are deleted.
    Delete,
}

impl Person {
    /// What becomes of messages when someone is forgotten.
    pub(crate) fn messages(self) -> Option<&'static str> {
        match self {
            Self::Show => None,
            Self::Keep => Some("keep"),
            Self::Tombstone => Some("tombstone"),
            Self::Delete => Some("delete"),
        }
    }
}

/// A route of HTTP requests that the component serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpRoute {
    /// Method, or `SSE` for server-sent events and `WS` for a WebSocket on the topic of the path.
    pub method: &'static str,
    /// Path in the form of axum, such as `/v1/broadcasts/{id}`.
    pub path: &'static str,
}

/// A service: what is its own, beside what all have in common.
pub trait Component: Sized {
    /// Program name, such as `annex-muc`.
    const PROGRAM: &'static str;
    /// Name of the component's section in the configuration, such as `muc`.
    const SECTION: &'static str;
    /// Name to show in service discovery, where none is configured.
    const NAME: &'static str;
    /// Its tables: what exports name, and what is checked at start.
    const TABLES: &'static [Table] = &[];
    /// The steps from older formats of its store to today's, which is where the last one leads.
    const MIGRATIONS: &'static [Migration] = &[];
    /// Its records as exports show them; others are shown as base64.
    const SHOWN: &'static [Shown] = &[];
    /// The HTTP routes it serves.
    const HTTP: &'static [HttpRoute] = &[];
    /// The port proposed where the server gives each component a listener of its own.
    const PORT: u16 = 5347;
    /// It passes stanzas on with the addresses of their senders, which the server must allow.
    const KEEPS_FROM: bool = false;

    /// Everything it offers.
    fn registry() -> Registry<Self>;

    /// Settings of its section: what each is called, its default, its type and text.
    fn settings() -> &'static [crate::settings::Setting] {
        &[]
    }

    /// Judges a whole section: every mistake with its key, what was expected and what to do.
    /// Types and ranges of single values are judged before. No stanza may leave that is longer than
    /// `stanza_out`.
    fn check(_section: &serde_json::Value, _stanza_out: usize) -> Vec<crate::settings::Mistake> {
        Vec::new()
    }

    /// Whether, with this section, it does nothing where senders' addresses may not stay.
    fn needs_from(_section: &serde_json::Value) -> bool {
        Self::KEEPS_FROM
    }

    /// A new, empty service. `section` has passed [`Component::check`].
    fn new(section: &serde_json::Value) -> Self;

    /// Meets an event. Without one of its own, a component stores nothing and waits for nothing.
    fn event(&mut self, event: Event, context: &mut Context<'_, '_>) -> Outcome<()> {
        if let Event::Person { token, .. } = event {
            let note = "nothing is stored about anyone".into();
            context.respond(token, Report { note, ..Report::default() });
        }
        Ok(())
    }

    /// A handler failed in the middle: what is in memory of this address is dropped, to be read
    /// again from its records. The service's own address stands for everything: an event failed,
    /// and nobody knows what it had changed.
    fn forget(&mut self, address: &Jid);

    /// Numbers for `status`, by name. A text named `trouble` says what keeps the service from
    /// working at all.
    fn status(&self) -> serde_json::Value {
        serde_json::json!({})
    }

    /// A record with each of its secrets replaced by its pseudonym, for traces; none if it has none.
    fn redact(
        _table: Table,
        _record: &[u8],
        _pseudonym: &mut dyn FnMut(&str) -> String,
    ) -> Option<Vec<u8>> {
        None
    }
}
