//! Why there is no stream: the server's words, and the one thing to do about it.
//!
//! What the servers say was taken down from Prosody 0.12 and ejabberd 23.01: Prosody tells an
//! unknown domain, a wrong secret and a second connection apart, in words; ejabberd says
//! `not-authorized` without a word to the first two, and accepts the third.

use std::{fmt::Display, io};

use crate::runtime::{LinkConfig, Server};

/// Whether a failure of this kind is a refusal; see [`Failure::is_refusal`].
pub(crate) fn is_refusal(kind: &str) -> bool {
    matches!(kind, "not-authorized" | "host-unknown" | "conflict" | "invalid-namespace")
}

/// Which server software answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Software {
    /// Prosody: its stream ids are UUIDs, or empty when it refuses.
    Prosody,
    /// ejabberd: its stream ids are numbers.
    Ejabberd,
    /// Something else.
    Other,
}

impl Software {
    pub(super) fn of_stream_id(id: &str) -> Self {
        if id.is_empty() || (id.len() == 36 && id.matches('-').count() == 4) {
            Self::Prosody
        } else if id.bytes().all(|byte| byte.is_ascii_digit()) {
            Self::Ejabberd
        } else {
            Self::Other
        }
    }

    /// By the name that it gives itself.
    pub(crate) fn named(name: &str) -> Self {
        match name.to_ascii_lowercase() {
            name if name.starts_with("prosody") => Self::Prosody,
            name if name.starts_with("ejabberd") => Self::Ejabberd,
            _ => Self::Other,
        }
    }

    /// Its name, if it is known.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Prosody => Some("Prosody"),
            Self::Ejabberd => Some("ejabberd"),
            Self::Other => None,
        }
    }

    /// What applies to this server; both where it is not known.
    pub(crate) fn pick(self, prosody: &str, ejabberd: &str) -> String {
        match self {
            Self::Prosody => prosody.into(),
            Self::Ejabberd => ejabberd.into(),
            Self::Other => format!("on Prosody, {prosody}; on ejabberd, {ejabberd}"),
        }
    }

    /// The one line to add so that senders' addresses stay.
    pub(crate) fn let_senders_stay(self, jid: impl Display) -> String {
        self.pick(
            &format!("under Component \"{jid}\" add validate_from_addresses = false"),
            &format!("to the listener of {jid} add check_from: false"),
        )
    }
}

/// Why a stream did not come about, or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server's name has no address.
    Unresolved(String),
    /// Nobody listens there.
    Refused,
    /// The unix socket is not there.
    Missing,
    /// We may not use the unix socket.
    Forbidden,
    /// The system could not connect, or the connection broke.
    Io(String),
    /// Nothing came back from there at all.
    Unreachable,
    /// The server said nothing for too long.
    NoAnswer,
    /// The server closed without a word.
    Silent,
    /// A stream that was up ended without a word.
    Gone,
    /// Whoever answers does not speak XEP-0114.
    NotXmpp(String),
    /// On a stream that was up came what is no XML, or more than memory is for.
    Garbled(String),
    /// The server closed the stream and said why (RFC 6120 §4.9).
    Stream {
        /// The condition.
        condition: String,
        /// Its words.
        text: Option<String>,
        /// Who said it.
        software: Software,
    },
    /// The server closed an established stream in good order.
    Closed,
    /// We closed it, to make a new one.
    Left,
    /// A stream that was up fell silent, and a ping brought nothing back.
    Dead,
}

impl Failure {
    /// A short name for logs, metrics and `status`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unresolved(_) => "unresolved",
            Self::Refused => "refused",
            Self::Missing => "socket-missing",
            Self::Forbidden => "socket-forbidden",
            Self::Io(_) => "io",
            Self::Unreachable => "unreachable",
            Self::NoAnswer => "no-answer",
            Self::Silent => "closed-silently",
            Self::Gone => "gone",
            Self::NotXmpp(_) => "not-xmpp",
            Self::Garbled(_) => "not-well-formed",
            Self::Closed => "closed",
            Self::Left => "left",
            Self::Dead => "dead",
            Self::Stream { condition, .. } => match condition.as_str() {
                "not-authorized" => "not-authorized",
                "host-unknown" => "host-unknown",
                "conflict" => "conflict",
                "invalid-namespace" => "invalid-namespace",
                "invalid-from" => "invalid-from",
                "system-shutdown" => "system-shutdown",
                _ => "stream-error",
            },
        }
    }

    /// The server refused us: nothing will change until someone acts.
    pub fn is_refusal(&self) -> bool {
        is_refusal(self.kind())
    }

    pub(super) fn from_connect(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Forbidden,
            io::ErrorKind::TimedOut => Self::Unreachable,
            _ => Self::Io(error.to_string()),
        }
    }

    /// One sentence: what happened, in the server's words where it had any, and what to do.
    pub fn sentence(&self, config: &LinkConfig) -> String {
        let (server, jid) = (&config.server, config.jid.as_str());
        match self {
            Self::Unresolved(why) => {
                format!(
                    "the name of the server {server} cannot be resolved ({why}): check component.server"
                )
            }
            Self::Refused => format!("nothing listens at {server}: {}", listen(server)),
            Self::Missing => format!("there is no socket {server}: {}", listen(server)),
            Self::Forbidden => format!(
                "the socket {server} is not open to this user: give it the group of the server's socket"
            ),
            Self::Io(why) => {
                format!("the connection to {server} failed ({why}): check network and firewall")
            }
            Self::Unreachable => format!(
                "nothing comes back from {server}: check component.server, network and firewall"
            ),
            Self::NoAnswer => format!(
                "{server} accepts connections and does not answer: check that the server is alive and that this is its component port"
            ),
            Self::Silent => format!(
                "{server} closed the connection without a word: check that this is its component port, and that it admits this address"
            ),
            Self::Gone => format!(
                "the server {server} went away without a word: look into its log if nobody stopped it"
            ),
            Self::Garbled(why) => format!(
                "the server {server} sent what cannot be read ({why}): look into its log, and update it"
            ),
            Self::NotXmpp(why) => format!(
                "what answers at {server} is not a component port ({why}): check component.server and component.port"
            ),
            Self::Closed => format!("the server {server} closed the stream"),
            Self::Left => format!("leaving the stream to {server} to make a new one"),
            Self::Dead => {
                format!("the server {server} has fallen silent and does not answer a ping")
            }
            Self::Stream { condition, text, software } => {
                let said = match text {
                    Some(text) => format!("{condition} (“{text}”)"),
                    None => condition.clone(),
                };
                match advice(condition, text.as_deref(), *software, jid) {
                    Some(advice) => format!("the server {server} says {said}: {advice}"),
                    None => format!("the server {server} says {said}"),
                }
            }
        }
    }
}

fn listen(server: &Server) -> String {
    match server {
        Server::Tcp { port, .. } => format!(
            "start the server; Prosody listens there with component_ports = {{ {port} }}, ejabberd with a listener of module ejabberd_service"
        ),
        Server::Unix(_) => "start the server, or correct the path in component.server".into(),
    }
}

const WRONG_PORT: &str = "this is a port for clients or servers; component.port must be the component port (5347 by default)";

fn advice(condition: &str, text: Option<&str>, software: Software, jid: &str) -> Option<String> {
    let advice = match condition {
        // Prosody's port for clients knows no components.
        "host-unknown" if text.is_some_and(|text| text.starts_with("This server does not serve")) => WRONG_PORT.into(),
        "not-authorized" => software.pick(
            &format!("give Component \"{jid}\" a component_secret equal to our secret, and reload Prosody"),
            &format!(
                "give the listener of module ejabberd_service an entry \"{jid}\" under hosts, with a password equal to our secret, and reload ejabberd"
            ),
        ),
        "host-unknown" => software.pick(
            &format!(
                "add Component \"{jid}\" with its component_secret to prosody.cfg.lua and restart Prosody (a reload does not start new components)"
            ),
            &format!("add \"{jid}\" under hosts of the listener of module ejabberd_service, and reload ejabberd"),
        ),
        "conflict" => format!(
            "another process is connected as {jid}; stop that one (systemctl status 'annex-*')"
        ),
        "invalid-namespace" => WRONG_PORT.into(),
        "invalid-from" => {
            format!("if others' addresses are to be kept, {}", software.let_senders_stay(jid))
        }
        "system-shutdown" => "it is being stopped or restarted; nothing to do".into(),
        _ => return None,
    };
    Some(advice)
}
