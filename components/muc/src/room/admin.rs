//! Roles and affiliations changed by others (XEP-0045 §8.2–8.5, §9.1–9.8, §10.3–10.8): lists, and
//! deltas of many items that are applied as one, or not at all.

use std::collections::BTreeMap;

use annex_service::{
    context::{Context, Outcome, ReplyTo},
    record::Record,
    registry::Answer,
    store::{Page, Scan},
};
use annex_stanza::{Jid, Nick, Stanza, Xml, ns};
use minidom::Element;

use super::{
    Room,
    affiliation::{self, Affiliation, Role},
    leave,
    presence::{Asked, Departure, Farewell, Item},
    state,
};
use crate::{
    config::Settings,
    keys::{self, AffiliationRecord},
    refusals,
    service::{Muc, Waiting},
};

/// Items of one request at most.
const MOST: usize = 256;
/// Records of a list that are read for one answer.
const PAGE: usize = 4096;

/// A list that is being read for somebody.
#[derive(Debug)]
pub(crate) struct Listing {
    reply: ReplyTo,
    affiliation: Affiliation,
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Delta {
    target: Target,
    reason: Option<String>,
}

#[derive(Debug, Clone)]
enum Target {
    /// Somebody in the room gets a role.
    Role(u64, Role),
    /// Somebody gets an affiliation, with a nickname reserved or not touched (`None`).
    Affiliation(Jid, Affiliation, Option<String>),
}

impl Delta {
    /// An affiliation for somebody.
    pub(crate) fn affiliation(jid: Jid, affiliation: Affiliation) -> Self {
        Self { target: Target::Affiliation(jid, affiliation, None), reason: None }
    }
}

/// One affiliation to be written.
#[derive(Debug)]
struct Change {
    jid: Jid,
    old: Option<AffiliationRecord>,
    new: Option<AffiliationRecord>,
    reason: Option<String>,
    /// Occupants concerned, with the affiliation that each has then.
    occupants: Vec<(u64, Affiliation)>,
}

/// Deltas that were judged as a whole and may be applied.
#[derive(Debug)]
pub(crate) struct Plan {
    roles: Vec<(u64, Role, Option<String>)>,
    affiliations: Vec<Change>,
}

/// §8.5, §9.2, §9.5, §9.8, §10.5, §10.8: a list.
pub(crate) fn get(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    let query = query(stanza)?;
    let item = query.get_child("item", ns::MUC_ADMIN).ok_or_else(refusals::bad_item)?;
    let Muc { rooms, settings, waiting, .. } = muc;
    let room = rooms.find(&stanza.to, context)?.ok_or_else(refusals::no_room)?;
    let own = state::affiliation(context, settings, room.id, &stanza.from)?;
    let own_role = room.occupant_of(&stanza.from).map_or(Role::None, |occupant| occupant.role);
    match (item.attr("role"), item.attr("affiliation")) {
        (Some(role), None) => {
            let role = Role::parse(role).filter(|role| *role != Role::None);
            let role = role.ok_or_else(refusals::bad_item)?;
            // §8.5: moderators; §9.8: the list of moderators is for admins. Everybody sees roles in
            // presence, so moderators may see this one too.
            if own_role < Role::Moderator && own < Affiliation::Admin {
                return Err(refusals::lacks_privilege().into());
            }
            Ok(Answer::Result(role_list(room, role)))
        }
        (None, Some(affiliation)) => {
            let affiliation = Affiliation::parse(affiliation).ok_or_else(refusals::bad_item)?;
            may_list(room, own, own_role, affiliation)?;
            if affiliation == Affiliation::None {
                return Err(refusals::bad_item().into());
            }
            if waiting.is_full() {
                return Err(refusals::busy().into());
            }
            let scan = Scan::prefix(keys::LISTS, &keys::listed(room.id, affiliation, ""));
            let id = context.fetch(scan.limit(PAGE).bytes(context.shared.common.stanza_out));
            let listing = Listing { reply: ReplyTo::from(stanza), affiliation };
            waiting.insert(id, Waiting::List(listing));
            Ok(Answer::Later)
        }
        _ => Err(refusals::bad_item().into()),
    }
}

/// Who may read which list: admins all of them but those of admins and owners in a room that hides
/// addresses are for owners too; members that of members, where the room lets them (§9.5).
fn may_list(room: &Room, own: Affiliation, role: Role, wanted: Affiliation) -> Outcome<()> {
    let config = &room.record.config;
    let may = own >= Affiliation::Admin
        || wanted >= Affiliation::Member
            && own >= Affiliation::Member
            && config.whois == super::config::Whois::Anyone
            && config.members_only
        || wanted == Affiliation::Member && config.member_list.has(role);
    if may { Ok(()) } else { Err(refusals::lacks_privilege().into()) }
}

/// A list was read. Rights are judged again: they may have changed meanwhile.
pub(crate) fn fetched(
    muc: &mut Muc,
    Listing { reply, affiliation }: &Listing,
    page: &Page,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let answer = listing(muc, reply, *affiliation, page, context);
    match answer {
        Ok(xml) => context.reply(reply, Ok(xml)),
        Err(annex_service::context::Failure::Refused(refusal)) => {
            context.reply(reply, Err(refusal));
        }
        Err(store) => return Err(store),
    }
    Ok(())
}

fn listing(
    muc: &mut Muc,
    reply: &ReplyTo,
    affiliation: Affiliation,
    page: &Page,
    context: &Context<'_, '_>,
) -> Outcome<Vec<u8>> {
    let Muc { rooms, settings, .. } = muc;
    let room = rooms.find(&reply.asked, context)?.ok_or_else(refusals::no_room)?;
    let own = state::affiliation(context, settings, room.id, &reply.asker)?;
    let role = room.occupant_of(&reply.asker).map_or(Role::None, |occupant| occupant.role);
    may_list(room, own, role, affiliation)?;
    let most = context.shared.common.stanza_out.saturating_sub(4096);
    let mut xml = Xml::new();
    xml.open("query").xmlns(ns::MUC_ADMIN);
    for row in &page.rows {
        let record = AffiliationRecord::of(row)?;
        if xml.len() + 2 * (row.value.len() + 100) > most {
            break;
        }
        // §17.4: affiliation and bare address, the nickname, and no role.
        xml.open("item")
            .attr("affiliation", record.affiliation.as_str())
            .attr("jid", &record.jid)
            .attr_opt(
                "nick",
                record.nick.as_deref().filter(|_| affiliation != Affiliation::Outcast),
            );
        if let Some(reason) = &record.reason {
            xml.text_element("reason", None, reason);
        }
        xml.close();
    }
    Ok(xml.finish())
}

/// §17.4: nickname, role, affiliation and full address.
fn role_list(room: &Room, role: Role) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.open("query").xmlns(ns::MUC_ADMIN);
    for occupant in room.occupants.values().filter(|occupant| occupant.role == role) {
        let jid = room.primary(occupant).map(|session| &session.jid);
        let item = Item {
            jid,
            nick: Some(occupant.nick.as_str()),
            ..Item::new(occupant.affiliation, occupant.role)
        };
        item.write(&mut xml);
    }
    xml.finish()
}

/// Changes: judged as a whole, applied as a whole.
pub(crate) fn set(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    let query = query(stanza)?;
    let Muc { rooms, settings, .. } = muc;
    let room = rooms.find(&stanza.to, context)?.ok_or_else(refusals::no_room)?;
    let items: Vec<_> = query.children().filter(|item| item.is("item", ns::MUC_ADMIN)).collect();
    if items.is_empty() {
        return Err(refusals::bad_item().into());
    }
    if items.len() > MOST {
        return Err(refusals::too_many_items().into());
    }
    let deltas = items.into_iter().map(|item| delta(room, settings, item));
    let deltas = deltas.collect::<Outcome<Vec<_>>>()?;
    let plan = Plan::of(room, settings, &stanza.from, deltas, context)?;
    let actor = room.occupant_of(&stanza.from).map(|occupant| occupant.nick.as_str().to_owned());
    audit(room, &plan, &stanza.from, context);
    // §8.2: who is removed learns it first, then the one who asked, then the others.
    let farewells = apply(room, plan, actor.as_deref(), context);
    context.reply(&ReplyTo::from(stanza), Ok(Vec::new()));
    for farewell in farewells {
        room.farewell(farewell, context);
    }
    let jid = room.jid.clone();
    leave::settle(muc, &jid, context)?;
    Ok(Answer::Later)
}

/// Cuts a text to at most so many bytes.
pub(crate) fn shorten(text: &mut String, max: usize) {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

fn query(stanza: &Stanza) -> Outcome<Element> {
    let child = stanza.payload.children().first().ok_or_else(refusals::bad_payload)?;
    Ok(stanza.payload.element(child)?)
}

/// One item. §17.4 has roles by nickname and affiliations by address; where it is clear who is
/// meant, the other way is understood too.
fn delta(room: &Room, settings: &Settings, item: &Element) -> Outcome<Delta> {
    let nick = item.attr("nick");
    let jid = match item.attr("jid").map(str::trim) {
        Some(jid) => Some(Jid::parse(jid).map_err(|_| refusals::bad_address())?),
        None => None,
    };
    let mut reason = item.get_child("reason", ns::MUC_ADMIN).map(Element::text);
    if let Some(reason) = &mut reason {
        shorten(reason, settings.max_reason);
    }
    let reason = reason.filter(|reason| !reason.is_empty());
    let target = match (item.attr("role"), item.attr("affiliation")) {
        (Some(role), None) => {
            let role = Role::parse(role).ok_or_else(refusals::bad_item)?;
            let occupant = match (nick, &jid) {
                (Some(nick), _) => room.occupant_named(nick),
                (None, Some(jid)) => room.occupant_of(jid).or_else(|| {
                    let own = room.occupants_of_person(&jid.bare());
                    if let [only] = own[..] { room.occupants.get(&only) } else { None }
                }),
                (None, None) => return Err(refusals::bad_item().into()),
            };
            Target::Role(occupant.ok_or_else(refusals::no_such_nick)?.number, role)
        }
        (None, Some(affiliation)) => {
            let affiliation = Affiliation::parse(affiliation).ok_or_else(refusals::bad_item)?;
            // §9.1, §10.3: the bare address counts, whatever was given.
            let person = match (&jid, nick) {
                (Some(jid), _) => jid.bare(),
                (None, Some(nick)) => {
                    room.occupant_named(nick).ok_or_else(refusals::no_such_nick)?.person.clone()
                }
                (None, None) => return Err(refusals::bad_item().into()),
            };
            let reserved = jid.is_some().then_some(nick).flatten();
            if let Some(nick) = reserved.filter(|nick| !nick.is_empty()) {
                Nick::check(nick).map_err(|error| refusals::bad_nick(&error))?;
                if nick.len() > settings.max_nick {
                    return Err(refusals::long_nick(settings.max_nick).into());
                }
            }
            if person.key().len() > keys::LONGEST_NAME {
                return Err(refusals::bad_address().into());
            }
            Target::Affiliation(person, affiliation, reserved.map(str::to_owned))
        }
        // §17.4: one of both.
        _ => return Err(refusals::bad_item().into()),
    };
    Ok(Delta { target, reason })
}

impl Plan {
    /// Judges deltas one by one and together.
    pub(crate) fn of(
        room: &Room,
        settings: &Settings,
        by: &Jid,
        deltas: Vec<Delta>,
        context: &Context<'_, '_>,
    ) -> Outcome<Self> {
        let own = state::affiliation(context, settings, room.id, by)?;
        let own_role = room.occupant_of(by).map_or(Role::None, |occupant| occupant.role);
        let mut plan = Self { roles: Vec::new(), affiliations: Vec::new() };
        let mut seen: BTreeMap<Jid, usize> = BTreeMap::new();
        for Delta { target, reason } in deltas {
            match target {
                Target::Role(number, role) => {
                    may_set_role(room, (own, own_role), by, number, role)?;
                    plan.roles.push((number, role, reason));
                }
                Target::Affiliation(jid, affiliation, nick) => {
                    let change =
                        judge_affiliation(room, own, by, jid, affiliation, nick, reason, context)?;
                    // The last item about somebody counts.
                    match seen.get(&change.jid) {
                        Some(at) => plan.affiliations[*at] = change,
                        None => {
                            seen.insert(change.jid.clone(), plan.affiliations.len());
                            plan.affiliations.push(change);
                        }
                    }
                }
            }
        }
        plan.keeps_an_owner(room, context)?;
        Ok(plan)
    }

    /// §10.4, §10.5: somebody owns the room afterwards; service admins do not count.
    fn keeps_an_owner(&self, room: &Room, context: &Context<'_, '_>) -> Outcome<()> {
        let is_owner = |record: &Option<AffiliationRecord>| {
            record.as_ref().is_some_and(|record| record.affiliation == Affiliation::Owner)
        };
        let loses =
            self.affiliations.iter().any(|change| is_owner(&change.old) && !is_owner(&change.new));
        if !loses || self.affiliations.iter().any(|change| is_owner(&change.new)) {
            return Ok(());
        }
        let mut another = false;
        affiliation::walk(context.turn, room.id, Affiliation::Owner, |person, _| {
            another = !self.affiliations.iter().any(|change| change.jid.key() == person);
            !another
        })?;
        if another { Ok(()) } else { Err(refusals::last_owner().into()) }
    }
}

/// §8.2–8.4, §9.6, §9.7.
fn may_set_role(
    room: &Room,
    (own, own_role): (Affiliation, Role),
    by: &Jid,
    number: u64,
    role: Role,
) -> Outcome<()> {
    let target = room.occupants.get(&number).ok_or_else(refusals::no_such_nick)?;
    let is_admin = own >= Affiliation::Admin;
    if own_role < Role::Moderator && !is_admin {
        return Err(refusals::lacks_privilege().into());
    }
    // §9.6, §9.7: only admins make and unmake moderators.
    let about_moderators = role == Role::Moderator || target.role == Role::Moderator;
    let himself = target.person.key() == by.bare_key();
    if about_moderators && !is_admin && !(himself && role < Role::Moderator) {
        let lacks = role == Role::Moderator;
        return Err(if lacks { refusals::lacks_privilege() } else { refusals::outranked() }.into());
    }
    // §8.2: nobody of a higher affiliation is kicked; §8.4, §9.7: admins and owners keep voice, and
    // lose it only with their affiliation.
    if !himself && target.affiliation > own {
        return Err(refusals::outranked().into());
    }
    if role != Role::None && role < Role::Moderator && target.affiliation >= Affiliation::Admin {
        return Err(refusals::outranked().into());
    }
    if !himself && role == Role::None && !is_admin && target.affiliation >= Affiliation::Admin {
        return Err(refusals::outranked().into());
    }
    Ok(())
}

/// §9.1–9.5, §10.3–10.8.
#[allow(clippy::too_many_arguments, reason = "one item and who asks for it")]
fn judge_affiliation(
    room: &Room,
    own: Affiliation,
    by: &Jid,
    jid: Jid,
    affiliation: Affiliation,
    nick: Option<String>,
    reason: Option<String>,
    context: &Context<'_, '_>,
) -> Outcome<Change> {
    if own < Affiliation::Admin {
        return Err(refusals::lacks_privilege().into());
    }
    let himself = jid.key() == by.bare_key();
    // §9.1
    if himself && affiliation == Affiliation::Outcast {
        return Err(refusals::bans_himself().into());
    }
    let old = affiliation::record(context.turn, room.id, jid.key())?;
    let before = old.as_ref().map_or(Affiliation::None, |record| record.affiliation);
    if own < Affiliation::Owner {
        // §5.2.1: lists of admins and owners are for owners.
        if affiliation >= Affiliation::Admin {
            return Err(refusals::lacks_privilege().into());
        }
        if before >= Affiliation::Admin && !himself {
            return Err(refusals::outranked().into());
        }
    }
    // The service's admins own every room, whatever a list says of them: they cannot be banned.
    let is_service_admin = context.shared.common.is_admin(&jid) && jid.local().is_some();
    if is_service_admin && affiliation == Affiliation::Outcast {
        return Err(refusals::outranked().into());
    }
    // §9.1: who is banned has no reserved nickname.
    let kept = old.as_ref().and_then(|record| record.nick.clone());
    let nick = match (affiliation, nick) {
        (Affiliation::Outcast | Affiliation::None, _) => None,
        (_, Some(nick)) => Some(nick).filter(|nick| !nick.is_empty()),
        (_, None) => kept,
    };
    if let Some(nick) = &nick {
        let holder =
            affiliation::reserved_for(context.turn, room.id, &annex_stanza::nick::key(nick))?;
        if holder.is_some_and(|holder| holder != jid.key()) {
            return Err(refusals::nick_reserved().into());
        }
    }
    let new = (affiliation != Affiliation::None).then(|| AffiliationRecord {
        jid: jid.as_str().to_owned(),
        affiliation,
        nick,
        reason: reason.clone(),
        at: context.turn.wall().0,
    });
    // A record for a domain concerns those who have none of their own.
    let mut occupants = Vec::new();
    for occupant in room.occupants.values() {
        let concerned = if jid.local().is_some() {
            occupant.person == jid
        } else {
            occupant.person.domain_key() == jid.key()
                && affiliation::record(context.turn, room.id, occupant.person.key())?.is_none()
        };
        if !concerned || context.shared.common.is_admin(&occupant.person) {
            continue;
        }
        let then = match (affiliation, jid.local()) {
            (Affiliation::None, Some(_)) => {
                let domain = affiliation::record(context.turn, room.id, jid.domain_key())?;
                domain.map_or(Affiliation::None, |record| record.affiliation)
            }
            _ => affiliation,
        };
        occupants.push((occupant.number, then));
    }
    Ok(Change { jid, old, new, reason, occupants })
}

fn audit(room: &Room, plan: &Plan, by: &Jid, context: &mut Context<'_, '_>) {
    for (number, role, reason) in &plan.roles {
        let Some(occupant) = room.occupants.get(number) else { continue };
        let what = if *role == Role::None {
            "occupant/kick".into()
        } else {
            format!("role/{}", role.as_str())
        };
        let whom = format!("{} in {}", occupant.person, room.jid);
        context.audit(by.bare(), &what, whom, reason.as_deref());
    }
    for change in &plan.affiliations {
        let affiliation =
            change.new.as_ref().map_or(Affiliation::None, |record| record.affiliation);
        let what = format!("affiliation/{}", affiliation.as_str());
        let whom = format!("{} in {}", change.jid, room.jid);
        context.audit(by.bare(), &what, whom, change.reason.as_deref());
    }
}

/// Writes and tells what was judged. What others are to be told of those who were removed comes
/// back, to be told after the answer (§8.2).
pub(crate) fn apply(
    room: &mut Room,
    plan: Plan,
    actor: Option<&str>,
    context: &mut Context<'_, '_>,
) -> Vec<Farewell> {
    let mut farewells = Vec::new();
    for change in &plan.affiliations {
        let person = change.jid.key();
        affiliation::store(context.turn, room.id, person, change.old.as_ref(), change.new.as_ref());
    }
    for Change { reason, occupants, .. } in plan.affiliations {
        for (number, affiliation) in occupants {
            let reason = reason.as_deref();
            farewells.extend(change_affiliation(room, number, affiliation, actor, reason, context));
        }
    }
    for (number, role, reason) in plan.roles {
        if role == Role::None {
            // §8.2
            let Some(occupant) = room.occupants.get(&number) else { continue };
            let sessions = occupant.sessions.clone();
            let departure = Departure {
                codes: &[307],
                actor,
                reason: reason.as_deref(),
                ..Departure::default()
            };
            farewells.push(room.depart(number, &sessions, &departure, context));
        } else {
            set_role(room, number, role, context);
        }
    }
    farewells
}

fn change_affiliation(
    room: &mut Room,
    number: u64,
    affiliation: Affiliation,
    actor: Option<&str>,
    reason: Option<&str>,
    context: &mut Context<'_, '_>,
) -> Option<Farewell> {
    let config = &room.record.config;
    // §9.1: 301. §9.4: 321, and no presence that tells of the loss before.
    let code = match affiliation {
        Affiliation::Outcast => Some(301),
        Affiliation::None if config.members_only => Some(321),
        _ => None,
    };
    // §5.1.3: what an affiliation gives is stable; an admin who is none any more has the role that
    // he would enter with.
    let initial = affiliation.initial_role(config);
    let occupant = room.occupants.get_mut(&number)?;
    let before = std::mem::replace(&mut occupant.affiliation, affiliation);
    if let Some(code) = code {
        let sessions = occupant.sessions.clone();
        let departure = Departure { codes: &[code], actor, reason, ..Departure::default() };
        return Some(room.depart(number, &sessions, &departure, context));
    }
    let role = match before >= Affiliation::Admin && affiliation < Affiliation::Admin {
        true => initial,
        false => occupant.role.max(initial),
    };
    set_role(room, number, role, context);
    None
}

/// §5.1.3: the role changes, and with it what the occupant may see.
pub(crate) fn set_role(room: &mut Room, number: u64, role: Role, context: &mut Context<'_, '_>) {
    let room_id = room.id;
    let Some(occupant) = room.occupants.get_mut(&number) else { return };
    if occupant.role != role {
        occupant.role = role;
        occupant.save(context.turn, room_id);
    }
    // One's own presence comes before what one may see with the new role.
    room.publish(number, Asked::default(), context);
    room.reclass(number, context);
}
