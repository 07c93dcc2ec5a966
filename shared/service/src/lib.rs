//! The seam between a component and the daemon that runs it, and what all services have in common.
//!
//! # Layout
//!
//! * [`store`]: the types for reading and writing; [`overlay`]: what is not yet on disk.
//! * [`turn`], [`input`], [`effect`], [`machine`]: one input in, writes and effects out.
//! * [`service`]: the machine around a [`component::Component`]: routing by kind, address and
//!   payload, and all-or-nothing handlers; [`registry`]: what a component offers;
//!   [`context`]: what its handlers work with.
//! * [`disco`], [`basic`], [`commands`]: what every service answers; [`paging`]: lists
//!   that are read from the store by the page.
//! * [`due`], [`unconfirmed`], [`slices`]: indexes for what must happen, be told again, or be
//!   deleted, after a restart too; [`audit`]: the log of what was done by whom.
//! * [`record`]: how records and keys are written; [`pending`]: what waits for an answer.
//! * [`settings`]: how a setting is defined.

pub mod audit;
pub mod basic;
pub mod command;
pub mod commands;
pub mod component;
pub mod context;
pub mod disco;
pub mod due;
pub mod effect;
pub mod input;
pub mod machine;
pub mod overlay;
pub mod paging;
pub mod pending;
pub mod record;
pub mod registry;
pub mod service;
pub mod settings;
pub mod slices;
pub mod store;
pub mod turn;
pub mod unconfirmed;

/// The tables of this crate, which every store has beside those of its component.
pub const TABLES: &[store::Table] = &[due::TABLE, unconfirmed::TABLE, audit::TABLE, slices::TABLE];

/// Records of every service as exports show them.
pub const SHOWN: &[record::Shown] = &[record::Shown::of::<audit::Entry>()];
