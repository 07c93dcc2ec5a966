//! What a machine wants done. Effects are released in order, after everything that was written up
//! to their turn is on disk.

use std::{collections::BTreeMap, time::Duration};

use annex_stanza::{Audience, Chunks, Jid, Recipient, Template};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::store::Scan;

/// Order is promised within a lane and not across lanes: a room, a node, a job, the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lane(pub u64);

impl Lane {
    /// The lane of an address: all resources of one bare address share it. Two addresses may
    /// collide in one lane, which costs them nothing but waiting for each other.
    pub fn of(address: &Jid) -> Self {
        // FNV-1a: lanes must be the same in every run, for replay.
        let hash = address.bare_key().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash)
    }
}

/// A timer's name: which kind of work, for which entity. Arming it again moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timer {
    /// Kind of work; 0 to 31 belong to this crate, the rest to the component.
    pub kind: u8,
    /// Local id of the entity, or 0.
    pub id: u64,
}

/// One thing to be done.
#[derive(Debug, Clone)]
pub enum Effect {
    /// One template to one recipient.
    Send {
        /// Keeps its order with what else is in this lane.
        lane: Lane,
        /// The stanza.
        template: Template,
        /// Who gets it.
        to: Recipient,
    },
    /// One template to many recipients, in the audience's order.
    Fanout {
        /// Keeps its order with what else is in this lane.
        lane: Lane,
        /// The stanza.
        template: Template,
        /// Who gets it.
        audience: Audience,
    },
    /// Many templates to one recipient, in their order: the occupants shown to one who joins.
    Series {
        /// Keeps its order with what else is in this lane.
        lane: Lane,
        /// The stanzas.
        templates: Chunks<Template>,
        /// Who gets them.
        to: Recipient,
    },
    /// What is above the confirmed mark is still to be told again on this stream: emitted with
    /// `Input::Online`, it holds back every `Input::Confirmed` until [`Effect::Retold`]. So it may
    /// take several turns, and a crash among them loses none of it.
    Retelling,
    /// All of it has been told again.
    Retold,
    /// A read too large for a turn; comes back as `Input::Fetched`, after everything written
    /// before it.
    Fetch {
        /// Names the answer.
        id: u64,
        /// What to read.
        scan: Scan,
    },
    /// Something outside; comes back as `Input::Done`.
    Call {
        /// Names the answer.
        id: u64,
        /// What to do.
        call: Call,
    },
    /// Answers `Input::Request` or `Input::Command`.
    Respond {
        /// The request's token.
        token: u64,
        /// The answer.
        response: Response,
    },
    /// An event for those who listen to `topic` over HTTP (server-sent events, WebSocket).
    Publish {
        /// Which topic.
        topic: String,
        /// The event's data.
        event: Bytes,
    },
    /// Lets `Input::Timer` arrive at this time since the start. A time that has passed arrives
    /// with the next turn: work that yields goes on that way.
    Arm {
        /// Which timer.
        timer: Timer,
        /// When, since the start of the machine.
        at: Duration,
    },
    /// Forgets a timer.
    Disarm {
        /// Which timer.
        timer: Timer,
    },
    /// Adds to a counter.
    Count {
        /// Full metric name, such as `annex_muc_messages_total`.
        metric: &'static str,
        /// Label and value, where the metric has one; from a fixed set, never an address.
        label: Option<(&'static str, &'static str)>,
        /// How many.
        by: u64,
    },
    /// Sets a gauge.
    Gauge {
        /// Full metric name.
        metric: &'static str,
        /// The value.
        value: f64,
    },
}

/// Something outside the process, run off the core, bounded in number, size and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// An HTTP request.
    Http {
        /// Method, such as `POST`.
        method: String,
        /// `http:` address; TLS is the business of a proxy.
        url: String,
        /// Header lines.
        headers: Vec<(String, String)>,
        /// Body.
        body: Bytes,
        /// Given up after this time.
        timeout: Duration,
    },
    /// A child process, without a shell: stdin in, stdout out.
    Child {
        /// Program and arguments.
        argv: Vec<String>,
        /// Written to its standard input, which is then closed.
        stdin: Bytes,
        /// Killed after this time.
        timeout: Duration,
    },
    /// One exchange over a unix socket: written, half-closed, read to the end.
    UnixSocket {
        /// Path of the socket.
        path: String,
        /// What to write.
        send: Bytes,
        /// Given up after this time.
        timeout: Duration,
    },
    /// A file, read whole.
    ReadFile {
        /// Its path.
        path: String,
    },
    /// A file, replaced whole (written beside, synced, renamed), mode 0600.
    WriteFile {
        /// Its path.
        path: String,
        /// Its new content.
        content: Bytes,
    },
    /// Something that the process around the machine does to itself; the body says how it went.
    Process(Order),
}

/// What the process around the machine can be told by its admins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Read the configuration again.
    Reload,
    /// Change the level of the log until the next reload or restart.
    LogLevel(String),
}

/// What came of a [`Call`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallResult {
    /// It was carried out.
    Done {
        /// HTTP status, or a child's exit code; 0 for the others.
        status: i32,
        /// HTTP body, standard output, answer or file.
        body: Bytes,
        /// Header lines of an HTTP answer.
        headers: Vec<(String, String)>,
    },
    /// It was not, or nobody knows: the reason in words.
    Failed(String),
    /// It took longer than allowed.
    TimedOut,
    /// Too many calls are under way.
    Busy,
}

/// The answer to a request that was served, or to an operator's command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status; 200 for a command that succeeded.
    pub status: u16,
    /// Header lines beyond content type and length.
    pub headers: BTreeMap<String, String>,
    /// Media type of the body.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// A JSON document.
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self {
            status,
            headers: BTreeMap::new(),
            content_type: "application/json".into(),
            body: value.to_string().into(),
        }
    }

    /// A failure with a sentence for the reader: `{"error": …}`.
    pub fn error(status: u16, sentence: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": sentence }))
    }
}
