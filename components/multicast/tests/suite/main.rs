//! The rules of XEP-0033 and of the service, one test each, stanza in and stanzas out.

mod blind;
mod common;
mod copies;
mod direct;
mod header;
mod limits;
mod lists;
mod permission;
mod places;
mod presence;
mod refused;
mod relayed;
mod remote;
mod returned;
mod strangers;
mod trial;
