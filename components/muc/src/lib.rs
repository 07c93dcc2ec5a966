//! Multi-User Chat (XEP-0045) as a service: rooms as a pure state machine over records.
//!
//! # Layout
//!
//! * [`service`]: what is offered, and where each stanza and event goes.
//! * `room`: one file for each use case: `join`, `leave`, `message`, `nick`, `subject`, `admin`,
//!   `owner` …; who may see what is decided in `room/viewers.rs`.
//! * `feature`: one optional behaviour in each file.
//! * [`keys`]: tables, keys and encodings. [`config`]: the section of the configuration.
//! * `refusals`: why things are refused. `disco`: what is discovered.
//! * `operator`: verbs and commands. `person`: what is stored about somebody.

pub mod config;
pub mod keys;
pub mod room;
pub mod service;

mod disco;
mod feature;
mod operator;
mod person;
mod refusals;

pub use self::service::Muc;
