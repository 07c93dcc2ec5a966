//! What a machine is told.

use std::time::Duration;

use annex_stanza::{Jid, Refusal, Stanza};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    effect::{CallResult, Timer},
    store::Page,
};

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// First of all, once: what must be loaded is loaded here.
    Start,
    /// A stanza that the inbound gate let through.
    Stanza(Stanza),
    /// A stanza that it did not; the sender is told.
    Refused {
        /// What is known of it.
        header: annex_stanza::RawHeader,
        /// Why.
        refusal: Refusal,
    },
    /// A timer that was armed.
    Timer(Timer),
    /// The stream is up. Output of turns up to `confirmed` reached the server; what was written by
    /// later turns may not have, and is told again: in this turn, or in several (see
    /// `Effect::Retelling`).
    Online {
        /// The confirmed mark: number of a turn.
        confirmed: u64,
    },
    /// The server has everything that turns up to this one wrote.
    Confirmed(u64),
    /// The stream is gone, and with it everything that was not yet confirmed.
    Offline(Ending),
    /// What `Effect::Fetch` asked for.
    Fetched {
        /// The effect's id.
        id: u64,
        /// The records.
        page: Page,
    },
    /// What `Effect::Call` led to.
    Done {
        /// The effect's id.
        id: u64,
        /// How it went.
        result: CallResult,
    },
    /// A request over HTTP to one of the routes that the component declares.
    Request {
        /// For `Effect::Respond`.
        token: u64,
        /// Method, such as `GET`.
        method: String,
        /// Path, with its query if it has one.
        path: String,
        /// Header lines, names in lower case.
        headers: Vec<(String, String)>,
        /// The body, bounded.
        body: Bytes,
    },
    /// A verb over the admin socket.
    Command {
        /// For `Effect::Respond`.
        token: u64,
        /// The verb's words, such as `rooms list`.
        verb: String,
        /// Its arguments, by name.
        arguments: serde_json::Value,
        /// Who asked, for the audit log: a local user name, or an address.
        actor: String,
    },
    /// The settings changed: the component's section as JSON, already validated, and the shared
    /// part that services need.
    Config {
        /// What all services need to know.
        common: Common,
        /// The component's own section.
        section: serde_json::Value,
    },
    /// Free space on the store's device fell below the reserve (`true`), or is enough again.
    SpaceLow(bool),
    /// The process stops after this. `last` says that it will not come back soon.
    Shutdown {
        /// `stop --final`: occupants are told.
        last: bool,
    },
}

/// Settings that every service needs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Common {
    /// The component's own address, a bare domain.
    pub jid: Jid,
    /// Name in service discovery.
    pub name: String,
    /// Bare addresses that may run commands and own everything.
    pub admins: Vec<Jid>,
    /// Domains whose users count as local.
    pub local_domains: Vec<String>,
    /// Addresses to show as contacts (XEP-0157), by kind such as `abuse`.
    pub contacts: std::collections::BTreeMap<String, Vec<String>>,
    /// Whether XEP-0092 tells the version and the operating system.
    pub hide_version: bool,
    /// Program name, such as `annex-muc`.
    pub program: String,
    /// Version of the program.
    pub version: String,
    /// Time after which a form session of an ad-hoc command is forgotten.
    pub command_timeout: Duration,
    /// A stanza that leaves is at most so many bytes; pages are cut to it.
    pub stanza_out: usize,
    /// One that arrives has at most so many bytes.
    pub stanza_in: usize,
    /// The same of presence.
    pub presence: usize,
    /// And at most so many elements.
    pub children: usize,
    /// Stanzas may leave with addresses of other domains.
    pub foreign_from: bool,
}

/// Why a stream ended, as far as it tells about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It broke.
    #[default]
    Broken,
    /// An operator wanted a new one, or the server stops: it may be another one afterwards.
    Renewed,
    /// The server said that it does not accept the `from` of a stanza.
    InvalidFrom,
}

impl Common {
    /// The sender may run commands.
    pub fn is_admin(&self, jid: &Jid) -> bool {
        self.admins.iter().any(|admin| admin.bare_key() == jid.bare_key())
    }

    /// The sender has an account on one of the local domains.
    pub fn is_local(&self, jid: &Jid) -> bool {
        self.local_domains.iter().any(|domain| domain == jid.domain_key())
    }
}
