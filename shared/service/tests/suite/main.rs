//! What every service does, tested at the seam: inputs in, stanzas and records out.

#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(unreachable_pub, reason = "one binary")]
#![allow(missing_docs, reason = "the names of tests say what they are")]

mod basic;
mod commands;
mod disco;
mod durable;
mod overlay;
mod probe;
mod routing;
mod strangers;
mod typed;
mod verbs;
