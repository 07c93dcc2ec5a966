//! What tests run on: a virtual clock, a store in memory, and a harness that drives any machine as
//! the daemon would. Pure; real servers are the business of `tests/interop`.
//!
//! ```
//! use annex_testkit::Harness;
//! # use annex_service::{input::Input, machine::Machine, turn::Turn};
//! # use annex_stanza::{IqType, Kind, Outgoing};
//! # struct Echo;
//! # impl Machine for Echo {
//! #     fn handle(&mut self, input: Input, turn: &mut Turn<'_>) {
//! #         if let Input::Stanza(stanza) = input {
//! #             let id = stanza.id.unwrap_or_default();
//! #             turn.send(&Outgoing::iq(IqType::Result, &stanza.to, id), &stanza.from);
//! #         }
//! #     }
//! # }
//! let mut harness = Harness::new(|| Echo);
//! harness.stanza(
//!     "<iq type='get' id='1' from='alice@example.com/phone' to='rooms.example.com'>
//!        <ping xmlns='urn:xmpp:ping'/>
//!      </iq>",
//! );
//! let sent = harness.take();
//! assert_eq!(sent.len(), 1);
//! sent[0].expect(
//!     "<iq type='result' id='1' from='rooms.example.com' to='alice@example.com/phone'/>",
//! );
//! ```
//!
//! A real service is made with [`service`]:
//!
//! ```text
//! let mut harness = annex_testkit::service::<Muc>("rooms.example.com", json!({}));
//! annex_testkit::scenario::run_file("tests/scenarios/join.scn", &mut harness);
//! ```
//!
//! # Layout
//!
//! * [`harness`]: turns, commits, time, crashes; [`map`]: the store under it.
//! * [`sent`]: what came out; [`pattern`]: what may come out.
//! * [`scenario`]: conversations as text files.
//! * [`strangers`]: stanzas at random, and what must hold of the answers.
//! * [`settings`]: settings for tests.

// Failing a test is what this crate is for.
#![allow(clippy::unwrap_used)]

pub mod harness;
pub mod map;
pub mod pattern;
pub mod scenario;
pub mod sent;
pub mod settings;
pub mod strangers;
mod wire;

pub use self::{
    harness::{Crash, Harness},
    map::MapStore,
    sent::Sent,
    settings::{common, service},
};
