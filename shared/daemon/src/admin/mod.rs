//! The admin socket: a unix socket of mode 0600, on which a line of JSON asks and a line answers.
//!
//! ```text
//! {"verb":"rooms list","domain":null,"for":"rooms.example.com","arguments":{"public":true}}
//! {"status":200,"body":{"note":"2 rooms","columns":[…],"rows":[…]}}
//! ```
//!
//! `for` names the main domain of the configuration that the caller has read: a process that serves
//! another one answers 421, so that two configurations never get each other's orders.

mod client;
mod server;
mod verbs;

pub use client::{Client, Missing};
pub(crate) use server::{bind, fits, serve};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The verb's words, such as `rooms list`.
    pub verb: String,
    /// Which domain it is for; the main one if none is given.
    #[serde(default)]
    pub domain: Option<String>,
    /// The main domain that the caller expects.
    #[serde(default, rename = "for")]
    pub expects: Option<String>,
    /// Arguments by name.
    #[serde(default)]
    pub arguments: Value,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// As in HTTP: 200 is success.
    pub status: u16,
    /// The answer; `{"error": …}` unless it is a success.
    pub body: Value,
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    pub(crate) fn error(status: u16, sentence: impl Into<String>) -> Self {
        Self { status, body: serde_json::json!({ "error": sentence.into() }) }
    }

    /// It went well.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What it says in a sentence.
    pub fn sentence(&self) -> &str {
        self.body["error"].as_str().or_else(|| self.body["note"].as_str()).unwrap_or_default()
    }
}
