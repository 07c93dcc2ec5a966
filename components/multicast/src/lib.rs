//! One stanza to many recipients (XEP-0033) as a service.
//!
//! # Layout
//!
//! * [`address`]: the `<addresses/>` of a stanza; [`deliver`]: which copies go to whom. Both pure.
//! * `message` and `presence` arrive; `accept`: whether, and who gets them; `access`: who may, with
//!   how many addresses, and whom they reach; `send`: copies leave; `report`: what became of them.
//! * `from_probe`: whether the server lets the sender's address stay; `privilege`: XEP-0356 where
//!   it does not.
//! * `presence`: who got available presence is remembered; `sweep`: whether senders are still there.
//! * `retell`: what may not have arrived is told again.
//! * `remote`: the services of other servers; `found`: what they say of themselves; `relayed`: what
//!   they may give back. `lists`: stored lists of recipients; `holders`: whose
//!   they are.
//! * `service`: what is registered. `config`, `keys`, `refusals`, `person`: what they say.

mod accept;
mod access;
pub mod address;
pub mod config;
pub mod deliver;
mod found;
mod from_probe;
pub mod holders;
pub mod keys;
mod listed;
mod lists;
mod message;
mod person;
mod presence;
mod privilege;
mod refusals;
mod relayed;
mod remote;
pub mod report;
mod retell;
mod send;
mod service;
mod sweep;

pub use service::Multicast;
