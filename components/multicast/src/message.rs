//! Messages: a stanza with addresses arrives, is delivered, and its sender is told what became of
//! it.

use std::collections::BTreeMap;

use annex_service::{
    context::{Context, Outcome},
    effect::Lane,
};
use annex_stanza::{Jid, Kind, MessageType, Payload, Stanza, Xml, ns};

use crate::{
    accept::{self, Mode, Prepared},
    deliver::Target,
    from_probe::Verdict,
    refusals,
    report::{self, Told},
    retell,
    send::{self, When},
    service::Multicast,
    sweep,
};

/// A message to the service.
pub(crate) fn message(
    multicast: &mut Multicast,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    if stanza.kind == Kind::Message(MessageType::Error) {
        if !multicast.privileges.refused(stanza, context) {
            send::bounced(multicast, stanza, context);
        }
        return Ok(());
    }
    let before = multicast.probe.verdict;
    if multicast.probe.take(stanza, multicast.is_permitted(), context) {
        if before != Verdict::Kept && multicast.probe.verdict == Verdict::Kept {
            sweep::begin(multicast, context);
        }
        return retell::step(multicast, context);
    }
    if multicast.privileges.take(stanza, context) {
        return retell::step(multicast, context);
    }
    // XEP-0033 §3: without local part and resource.
    if stanza.to.resource().is_some() {
        return Err(refusals::not_service().into());
    }
    receive(multicast, stanza, context)
}

/// A message to be delivered, where its sender may.
fn receive(
    multicast: &mut Multicast,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let mode = accept::mode(multicast, stanza)?;
    // Behind what is still to be told again.
    if multicast.retelling.is_some() {
        return Err(refusals::not_yet().into());
    }
    let prepared = accept::prepare(multicast, stanza, context)?;
    retell::note_message(stanza, &prepared, context);
    deliver(multicast, stanza, prepared, mode, context);
    Ok(())
}

/// Delivers what was accepted, and tells its sender.
pub(crate) fn deliver(
    multicast: &mut Multicast,
    stanza: &Stanza,
    prepared: Prepared,
    mode: Mode,
    context: &mut Context<'_, '_>,
) {
    let Prepared { draft, targets, refused, told } = prepared;
    let wanted = report::is_wanted(stanza).then(|| targets.clone());
    let relayed = send::deliver(multicast, &draft, targets, mode, When::Now, context);
    send::complain(stanza, refused.as_ref(), context);
    if let Some(targets) = wanted {
        tell(stanza, targets, told, &relayed, context);
    }
}

/// Whatever is written to an address at the service that is not the service: a message to a list is
/// for its members.
pub(crate) fn elsewhere(
    multicast: &mut Multicast,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    match stanza.kind {
        // Lists say nothing that this could be about.
        Kind::Message(MessageType::Error) => Ok(()),
        // XEP-0033 §3
        Kind::Message(_) if stanza.to.resource().is_some() => Err(refusals::not_service().into()),
        // RFC 6121 §5.2.2: this is for those inside a room, where their clients would look for it.
        Kind::Message(MessageType::Groupchat) => Err(refusals::no_room().into()),
        Kind::Message(_) if stanza.payload.has(ns::ADDRESS, "addresses") => {
            receive(multicast, stanza, context)
        }
        Kind::Message(_) => receive(multicast, &addressed(stanza, context), context),
        _ => Ok(()),
    }
}

/// What is written to a list by a client that knows no addresses: the same to the service, with the
/// list as its one address.
fn addressed(stanza: &Stanza, context: &Context<'_, '_>) -> Stanza {
    let mut xml = Xml::new();
    xml.open("addresses").xmlns(ns::ADDRESS);
    xml.open("address").attr("type", "to").attr("jid", stanza.to.as_str()).close();
    xml.close().raw(stanza.payload.bytes());
    let payload = Payload::from_bytes(&xml.finish());
    let payload = payload.expect("it was read before, and one element stands before it");
    Stanza { to: context.shared.common.jid.clone(), payload, ..stanza.clone() }
}

fn tell(
    stanza: &Stanza,
    targets: Vec<Target>,
    mut told: Told,
    relayed: &BTreeMap<Jid, Jid>,
    context: &mut Context<'_, '_>,
) {
    for target in targets.into_iter().filter(|one| !one.listed) {
        match relayed.get(&target.jid) {
            Some(service) => told.relayed.push((target.jid, service.clone())),
            None => told.sent.push(target.jid),
        }
    }
    let common = &context.shared.common;
    let report = report::report(&common.jid, stanza.id.as_deref(), &told, common.stanza_out);
    context.turn.send_in(Lane::of(&stanza.from), &report, &stanza.from);
}
