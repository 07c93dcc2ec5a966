//! What only the room may say (XEP-0045 §17.3): forged `muc#user`, occupant ids (XEP-0421 §3), hats
//! (XEP-0317), the address of who wrote it (§7.2.13, XEP-0033), and stanza ids and delays in the name
//! of the service (XEP-0359 §6, XEP-0203 §4). Everything else is relayed untouched.

use annex_stanza::{Child, Jid, Payload, ns};
use bytes::Bytes;

/// Presence as it is reflected.
pub(crate) fn presence(payload: &Payload, room: &Jid) -> Bytes {
    // The join request and its password are for the room alone.
    strip(payload, room, |child| child.is(ns::MUC, "x") || &*child.ns == ns::MUC_USER)
}

/// A message as it is reflected: its own bytes, where there is nothing to drop.
pub(crate) fn message(payload: &Payload, room: &Jid) -> Bytes {
    strip(payload, room, |child| &*child.ns == ns::MUC_USER)
}

fn strip(payload: &Payload, room: &Jid, own: impl Fn(&Child) -> bool) -> Bytes {
    let forged = |child: &Child| {
        if &*child.ns == ns::CLIENT {
            return false;
        }
        own(child)
            || child.is(ns::OCCUPANT_ID, "occupant-id")
            || child.is(ns::HATS, "hats")
            || child.is(ns::STANZA_ID, "stanza-id") && names(payload, child, "by", room)
            || child.is(ns::ADDRESS, "addresses") && says_whose(payload, child)
            || is_delay(child) && names(payload, child, "from", room)
    };
    if !payload.children().iter().any(&forged) {
        return payload.bytes().clone();
    }
    payload.without(|child, _| forged(child)).into()
}

/// XEP-0203, and XEP-0091 before it.
fn is_delay(child: &Child) -> bool {
    child.is(ns::DELAY, "delay") || child.is("jabber:x:delay", "x")
}

/// The attribute is an address of the service, be it a room's or an occupant's; or nobody can tell.
/// Where there is none it would be taken for the room's: what is said now is no history.
fn names(payload: &Payload, child: &Child, attribute: &str, room: &Jid) -> bool {
    let Ok(element) = payload.element(child) else { return true };
    match element.attr(attribute).map(Jid::parse) {
        Some(Ok(jid)) => jid.domain_key() == room.domain_key(),
        Some(Err(_)) | None => true,
    }
}

/// §7.2.13: by `ofrom` a room says whose message it is.
fn says_whose(payload: &Payload, child: &Child) -> bool {
    let Ok(element) = payload.element(child) else { return true };
    element.children().any(|address| address.attr("type") == Some("ofrom"))
}
