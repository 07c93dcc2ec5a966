//! Service discovery (XEP-0045 §6): the list of rooms, what a room is, and who is in it.

use annex_service::{
    context::{Context, Outcome, ReplyTo},
    disco::{self, ItemPage, Query, not_found},
    record::Record,
    registry::{Answer, Identity, Info, Item},
    store::Scan,
};
use annex_stanza::{Field, FieldKind, Form, FormKind, Jid, Stanza, ns, rsm::Place};

use crate::{
    keys::{self, PublicRecord},
    refusals,
    room::{affiliation, config::Whois, listed},
    service::Muc,
};

/// §16.4: the node of one's own reserved nickname.
const ROOMUSER: &str = "x-roomuser-item";
/// §18.1.1: which extensions are discarded.
const TRAFFIC: &str = "http://jabber.org/protocol/muc#traffic";
/// §16.4: the list of rooms.
const ROOMS: &str = "http://jabber.org/protocol/muc#rooms";
/// Rooms on one page.
const PAGE: usize = 50;

/// §6.4: what a room is.
pub(crate) fn room_info(
    muc: &mut Muc,
    stanza: &Stanza,
    node: Option<&str>,
    info: &mut Info,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let room = muc.rooms.find(&stanza.to, context)?.ok_or_else(refusals::no_room)?;
    // §7.2.10: it does not exist yet, but for who makes it.
    if room.hides_from(&stanza.from) {
        return Err(refusals::locked().into());
    }
    match node {
        None => {}
        Some(ROOMUSER) => {
            // §7.12: who has none gets an answer too, with nothing in it.
            let record = affiliation::record(context.turn, room.id, stanza.from.bare_key())?;
            info.identities.extend(record.and_then(|record| record.nick).map(|nick| Identity {
                category: "conference",
                kind: "text",
                name: Some(nick),
            }));
            return Ok(());
        }
        // §18.1.1: none are.
        Some(TRAFFIC) => return Err(refusals::unknown().into()),
        Some(_) => return Err(not_found().into()),
    }
    let config = &room.record.config;
    let name =
        if config.name.is_empty() { room.jid.local().unwrap_or_default() } else { &config.name };
    for identity in &mut info.identities {
        identity.name = Some(name.to_owned());
    }
    // §16.3
    let features = [
        if config.public { "muc_public" } else { "muc_hidden" },
        if config.persistent { "muc_persistent" } else { "muc_temporary" },
        if config.members_only { "muc_membersonly" } else { "muc_open" },
        if config.moderated { "muc_moderated" } else { "muc_unmoderated" },
        if config.password.is_some() { "muc_passwordprotected" } else { "muc_unsecured" },
        if config.whois == Whois::Anyone { "muc_nonanonymous" } else { "muc_semianonymous" },
    ];
    info.features.extend(features.map(str::to_owned));
    if config.keeps_messages() {
        // XEP-0359 §5
        info.features.push(ns::STANZA_ID.into());
    }
    let text = |var: &str, value: &str| Field::new(FieldKind::TextSingle, var).value(value);
    let mut form = Form::new(FormKind::Result, Some(ns::MUC_ROOMINFO))
        .field(text("muc#roominfo_description", &config.description))
        .field(text("muc#roominfo_occupants", &room.occupants.len().to_string()))
        .field(text("muc#maxhistoryfetch", &config.max_history.to_string()))
        .field(
            Field::new(FieldKind::Boolean, "muc#roominfo_subjectmod")
                .flag(config.subject_by_participants),
        )
        .field(text("muc#roomconfig_roomname", &config.name));
    // §14: what is talked about is for those who may enter.
    let is_open = !config.members_only && config.password.is_none();
    let may_know = is_open || room.sessions.contains_key(&stanza.from);
    if let Some(subject) = room.subject.as_ref().filter(|_| may_know) {
        form = form.field(text("muc#roominfo_subject", &subject.text));
    }
    if !config.lang.is_empty() {
        form = form.field(text("muc#roominfo_lang", &config.lang));
    }
    if !config.pubsub.is_empty() {
        form = form.field(text("muc#roominfo_pubsub", &config.pubsub));
    }
    info.forms.push(form);
    Ok(())
}

/// §6.5: who is in a room; of one that is not listed, only to those who are in it.
pub(crate) fn room_items(
    muc: &mut Muc,
    stanza: &Stanza,
    node: Option<&str>,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    let room = muc.rooms.find(&stanza.to, context)?.ok_or_else(refusals::no_room)?;
    let inside = room.sessions.contains_key(&stanza.from);
    if room.hides_from(&stanza.from) {
        return Err(refusals::locked().into());
    }
    if node.is_some() {
        return Err(not_found().into());
    }
    let mut list = Vec::new();
    if room.record.config.public || inside {
        for number in room.roster.shown() {
            let Some(occupant) = room.occupants.get(number) else { continue };
            list.push(Item { jid: occupant.address.clone(), node: None, name: None });
        }
    }
    disco::items(stanza, &list, &context.shared.common)
}

/// §6.3: the rooms that are listed, in the order of their names.
pub(crate) fn rooms(
    _: &mut Muc,
    stanza: &Stanza,
    node: Option<&str>,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    if node.is_some_and(|node| node != ROOMS) {
        return Err(not_found().into());
    }
    let asked = Query::parse(stanza)?;
    let page = asked.page.clone().unwrap_or_default();
    let limit = page.max.unwrap_or(PAGE).min(PAGE);
    let all = Scan::all(keys::PUBLIC);
    let known = |name: &String| -> Outcome<Vec<u8>> {
        // XEP-0059 §2.2: one that is not in the list is not found.
        let listed = context.turn.get(keys::PUBLIC, name.as_bytes())?;
        if listed.is_some() { Ok(name.as_bytes().to_vec()) } else { Err(not_found().into()) }
    };
    let (scan, backwards) = match &page.place {
        Place::First => (all, false),
        Place::After(name) => (all.after(&known(name)?), false),
        Place::Last => (all.reversed(), true),
        Place::Before(name) => (all.reversed().after(&known(name)?), true),
        // XEP-0059 §2.6: positions are not counted here.
        Place::Index(_) => return Err(refusals::no_index().into()),
    };
    let found = context.turn.scan(scan.limit(limit.max(1)))?;
    let mut items = Vec::new();
    for row in found.rows.iter().take(limit) {
        let name = String::from_utf8_lossy(&row.key).into_owned();
        let record = PublicRecord::of(row)?;
        let domain = context.shared.common.jid.domain();
        let Ok(jid) = Jid::from_parts(Some(&name), domain, None) else { continue };
        let shown = if record.name.is_empty() { name.clone() } else { record.name };
        items.push((name, Item { jid, node: None, name: Some(shown) }));
    }
    if backwards {
        items.reverse();
    }
    let complete = found.complete && limit > 0;
    let count = Some(listed::count(context.turn)? as usize);
    let page = ItemPage { items, complete, index: None, count };
    Ok(Answer::Result(disco::item_page(
        &ReplyTo::from(stanza),
        &asked,
        page,
        &context.shared.common,
    )))
}
