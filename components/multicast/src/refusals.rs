//! Why things are refused: condition and stable reason name, each in one place (XEP-0033 §9).

use annex_stanza::{Condition, Jid, Refusal, Xml, ns};

use crate::address::{Fault, Written};

annex_stanza::refusals! {
    /// §3, §13.
    no_addresses: BadRequest "multicast.addresses.none"
        "Expected one <addresses/> with at least one address",
    /// §3: `replyto` and the like alone.
    no_recipient: BadRequest "multicast.addresses.nobody"
        "Among the addresses is none that is delivered to",
    /// A list without members, and nobody else.
    empty_list: ItemNotFound "multicast.list.empty" "The list has no members; nobody got this",
    /// §3.
    on_iq: BadRequest "multicast.addresses.iq" "Addresses belong into messages and presence only",
    /// §3.
    not_service: ItemNotFound "multicast.to"
        "Write to the service or to a list, without a resource",
    /// Not a copy that another service made for the list.
    not_for_list: ItemNotFound "multicast.list.copy"
        "Write to the service, or to the list without addresses",
    /// A list.
    no_room: ServiceUnavailable "multicast.list.groupchat"
        "A list is no room; write to it with another type of message",
    /// §2.2.
    no_access: Forbidden "multicast.access" "You may not use this service",
    /// The server does not let the sender's address stay.
    not_permitted: Forbidden "multicast.from"
        "The server does not let this service keep senders' addresses; its operator knows more",
    /// There is nobody in whose name anything could be sent.
    no_users: Forbidden "multicast.users"
        "This service has no users: its component.local_domains is empty",
    /// It is not known yet whether it does.
    not_yet: ResourceConstraint "multicast.starting" "The service is starting; try again",
    /// The stream or the process ended, and now the server does not let it leave.
    interrupted: InternalServerError "multicast.interrupted"
        "The service was interrupted while it delivered this; some may have got it",
    /// A command.
    busy: ResourceConstraint "multicast.busy" "Too much of this is under way; try again",
    /// With XEP-0356, messages only.
    no_presence: Forbidden "multicast.presence" "Presence cannot be sent through this service",
    /// Not something that is sent to many.
    presence_type: BadRequest "multicast.presence.type"
        "Only available and unavailable presence is sent to many",
    /// A bound of the service.
    too_many_remembered: NotAcceptable "multicast.presence.many"
        "Your presence is with too many recipients already",
    /// A bound of the service.
    long_address: NotAcceptable "multicast.address.long" "Your address is too long for this",
    /// A copy would not pass the server.
    too_large: NotAcceptable "multicast.large" "With its addresses this is too large to be delivered",
    /// A command's argument.
    no_list: ItemNotFound "multicast.list.unknown" "There is no such list",
    /// A command's argument.
    list_exists: Conflict "multicast.list.exists" "There is such a list already",
    /// A command's argument.
    list_name: NotAcceptable "multicast.list.name"
        "A list is named by the part of its address before the @",
    /// A command.
    not_owner: Forbidden "multicast.list.owner" "Only its owners may do that",
    /// A command.
    may_not_create: NotAllowed "multicast.list.create" "You may not create lists here",
    /// A bound of the service.
    many_lists: NotAllowed "multicast.list.many" "You have made enough lists",
    /// A bound of the service.
    long_owner: NotAcceptable "multicast.list.owner.long"
        "The names of the list and of its owner are too long together",
    /// A bound of the service.
    list_full: NotAcceptable "multicast.list.full" "The list has as many members as it may have",
    /// A command's argument.
    bad_member: NotAcceptable "multicast.list.member"
        "A list has addresses of users as members, not this service's own",
    /// A list stays somebody's.
    last_owner: NotAcceptable "multicast.list.last-owner" "A list keeps at least one owner",
}

/// §2.2: our server cannot speak for the sender's to a third.
pub(crate) fn relay(far: &str) -> Refusal {
    Refusal::new(Condition::Forbidden, "multicast.relay").text(format!(
        "From your domain only recipients of this one can be reached, and not {far}; nobody got this"
    ))
}

/// §9: more addresses than this sender may give.
pub(crate) fn too_many(limit: usize, given: usize) -> Refusal {
    Refusal::new(Condition::NotAcceptable, "multicast.limit")
        .text(format!("{given} addresses, and {limit} are allowed; nobody got this"))
}

/// An entry that cannot be delivered to.
#[derive(Debug)]
pub(crate) struct Bad {
    /// Why.
    pub(crate) fault: Fault,
    /// What the sender wrote.
    pub(crate) written: Written,
}

/// The server does not take this address.
pub(crate) fn not_taken(jid: &Jid) -> Refusal {
    let mut xml = Xml::new();
    xml.open("address").attr("jid", jid.as_str()).close();
    let whole = xml.finish().into();
    let written = Written { named: jid.as_str().to_owned(), by_uri: false, whole };
    bad_addresses(&[Bad { fault: Fault::NotTaken, written }])
}

/// Entries that cannot be delivered to: what the sender wrote, why, and the entries again.
pub(crate) fn bad_addresses(bad: &[Bad]) -> Refusal {
    const SHOWN: usize = 10;
    // What is longer is no address (RFC 7622 §3.1), and not worth an answer as long as itself.
    const QUOTED: usize = 512;
    const ECHOED: usize = 2048;
    let (condition, reason) = match bad.first().map(|one| one.fault) {
        Some(Fault::Incomplete | Fault::UnknownType) | None => {
            (Condition::BadRequest, "multicast.address.incomplete")
        }
        Some(Fault::Malformed) => (Condition::JidMalformed, "multicast.address.malformed"),
        Some(Fault::NotTaken) => (Condition::JidMalformed, "multicast.address.not-taken"),
        Some(Fault::Uri) => (Condition::JidMalformed, "multicast.address.uri"),
        Some(Fault::Itself) => (Condition::ItemNotFound, "multicast.address.itself"),
        Some(Fault::NoList) => (Condition::ItemNotFound, "multicast.address.list"),
        Some(Fault::ListClosed) => (Condition::Forbidden, "multicast.address.list-closed"),
    };
    let mut text = String::from("Not delivered to: ");
    let mut echo = Xml::new();
    echo.open("addresses").xmlns(ns::ADDRESS);
    for (number, Bad { fault, written }) in bad.iter().take(SHOWN).enumerate() {
        if number > 0 {
            text.push_str(", ");
        }
        let named = if written.named.is_empty() { "an address" } else { written.named.as_str() };
        let end = named.char_indices().nth(QUOTED).map_or(named.len(), |(at, _)| at);
        let quoted = &named[..end];
        let cut = if quoted.len() < named.len() { "…" } else { "" };
        text.push_str(&format!("{quoted}{cut} ({})", why(*fault)));
        if written.whole.len() <= ECHOED {
            echo.raw(&written.whole);
        }
    }
    if bad.len() > SHOWN {
        text.push_str(&format!(" and {} more", bad.len() - SHOWN));
    }
    Refusal::new(condition, reason).text(text).echo(echo.finish())
}

pub(crate) fn why(fault: Fault) -> &'static str {
    match fault {
        Fault::Incomplete => "it needs a type, and either a jid or a uri",
        Fault::UnknownType => "its type is unknown",
        Fault::Malformed => "it is not an address",
        Fault::NotTaken => "the server does not take it for an address",
        Fault::Uri => "URIs lead nowhere here",
        Fault::Itself => "it is this service",
        Fault::NoList => "there is no such list",
        Fault::ListClosed => "you may not write to this list",
    }
}
