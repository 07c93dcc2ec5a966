//! Addresses, stanzas, templates, errors and data forms; the only XML writer. Pure: no IO, clock or
//! randomness.
//!
//! # Layout
//!
//! * [`jid`]: addresses and their comparison keys.
//! * [`xml`]: the writer, and the reader of a stream with the inbound gate.
//! * [`stanza`], [`payload`]: what arrives. [`outgoing`], [`template`], [`chunks`]: what leaves.
//! * [`error`]: refusals and stanza errors.
//! * [`form`]: data forms. [`rsm`]: pages of lists. [`nick`]: nicknames. [`date`]: times.
//!   [`ns`]: namespaces.

pub mod chunks;
pub mod date;
pub mod error;
pub mod form;
pub mod jid;
pub mod nick;
pub mod ns;
pub mod outgoing;
pub mod payload;
pub mod rsm;
pub mod stanza;
pub mod template;
pub mod xml;

pub use self::{
    chunks::{Audience, Chunks},
    date::Timestamp,
    error::{Condition, ErrorType, Refusal, read_error, refuse},
    form::{Field, FieldKind, Form, FormKind},
    jid::{Jid, JidError, Plain},
    nick::{Nick, NickError},
    outgoing::Outgoing,
    payload::{Child, Payload},
    stanza::{IqType, Kind, MessageType, PresenceType, Stanza},
    template::{Address, Fill, Own, Recipient, Slot, Template},
    xml::{Frame, Limits, RawHeader, ReadError, Reader, Xml},
};
