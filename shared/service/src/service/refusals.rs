//! The refusals that no component needs to know of.

use annex_stanza::{Condition, Refusal};

pub(super) fn no_space() -> Refusal {
    Refusal::new(Condition::InternalServerError, "store.space-low")
        .text("The service is short of disk space and takes nothing new")
}

pub(super) fn panicked() -> Refusal {
    Refusal::new(Condition::InternalServerError, "internal.panic")
}

pub(super) fn not_ours() -> Refusal {
    Refusal::new(Condition::ItemNotFound, "route.foreign-domain")
}

pub(super) fn no_messages() -> Refusal {
    Refusal::new(Condition::ServiceUnavailable, "route.no-messages")
}

pub(super) fn unknown_payload() -> Refusal {
    Refusal::new(Condition::ServiceUnavailable, "route.unknown-payload")
}

pub(super) fn no_id() -> Refusal {
    // RFC 6120 §8.1.3: an IQ has an id.
    Refusal::new(Condition::BadRequest, "route.no-id").text("An IQ needs an id")
}

pub(super) fn bad_argument(text: &'static str) -> Refusal {
    Refusal::new(Condition::BadRequest, "command.argument").text(text)
}
