//! A room in memory, and the rooms there are. Memory is a cache of records ([`crate::keys`]): a room
//! equals what `load` reads, but for rates, presence held back and when somebody was last heard.
//!
//! One file per use case; each opens with its section of XEP-0045.

pub mod affiliation;
pub mod config;

pub(crate) mod admin;
pub(crate) mod create;
pub(crate) mod depart;
pub(crate) mod destroy;
pub(crate) mod errors;
pub(crate) mod history;
pub(crate) mod invite;
pub(crate) mod item;
pub(crate) mod join;
pub(crate) mod leave;
pub(crate) mod limits;
pub(crate) mod listed;
pub(crate) mod lists;
pub(crate) mod load;
pub(crate) mod message;
pub(crate) mod nick;
pub(crate) mod occupant;
pub(crate) mod owner;
pub(crate) mod plan;
pub(crate) mod presence;
pub(crate) mod private;
pub(crate) mod retell;
pub(crate) mod rooms;
pub(crate) mod session;
pub(crate) mod state;
pub(crate) mod strip;
pub(crate) mod subject;
pub(crate) mod sweep;
pub(crate) mod update;
pub(crate) mod viewers;

pub(crate) use self::{rooms::Rooms, state::Room};
