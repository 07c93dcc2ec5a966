//! The refusals of XEP-0050 §4.4.

use annex_stanza::{Condition, ErrorType, Refusal, ns};

fn specific(reason: &'static str, application: &'static str) -> Refusal {
    Refusal::new(Condition::BadRequest, reason).app(ns::COMMANDS, application)
}

pub(super) fn forbidden() -> Refusal {
    // XEP-0050 §4.4 says cancel, where RFC 6120 §8.3.3.4 suggests auth.
    Refusal::new(Condition::Forbidden, "command.forbidden").with_type(ErrorType::Cancel)
}

pub(super) fn no_such_command() -> Refusal {
    Refusal::new(Condition::ItemNotFound, "command.unknown")
}

pub(super) fn malformed_action() -> Refusal {
    specific("command.malformed-action", "malformed-action")
}

pub(super) fn bad_action() -> Refusal {
    specific("command.bad-action", "bad-action")
}

pub(super) fn bad_session() -> Refusal {
    specific("command.bad-session", "bad-sessionid")
}

pub(super) fn bad_payload(text: String) -> Refusal {
    specific("command.bad-payload", "bad-payload").text(text)
}

pub(super) fn expired() -> Refusal {
    Refusal::new(Condition::NotAllowed, "command.session-expired")
        .app(ns::COMMANDS, "session-expired")
}

pub(super) fn no_node() -> Refusal {
    Refusal::new(Condition::BadRequest, "command.no-node").text("A command needs a node")
}

pub(super) fn too_many() -> Refusal {
    Refusal::new(Condition::ResourceConstraint, "command.too-many")
        .text("Too many commands are under way; try again later")
}

pub(super) fn timed_out() -> Refusal {
    Refusal::new(Condition::RemoteServerTimeout, "command.timed-out")
        .text("The command took too long; it may still be carried out")
}

pub(super) fn no_such_verb(verb: &str) -> Refusal {
    Refusal::new(Condition::ItemNotFound, "command.unknown").text(format!("no verb {verb}"))
}

pub(super) fn arguments(text: String) -> Refusal {
    Refusal::new(Condition::BadRequest, "command.argument").text(text)
}
