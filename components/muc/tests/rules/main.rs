//! Rules of XEP-0045, one test each, at the seam: stanzas in, stanzas out.

mod admin;
mod disco;
mod errors;
mod history;
mod invite;
mod join;
mod message;
mod nick;
mod operator;
mod owner;
mod properties;
mod refusals;
mod restart;
mod sessions;
mod table;
