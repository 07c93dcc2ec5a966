//! What goes beyond XEP-0045: one optional behaviour in each file.

pub(crate) mod occupant_id;
pub(crate) mod self_ping;
