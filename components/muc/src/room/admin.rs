//! Roles and affiliations changed by others (XEP-0045 §8.2–8.4, §9.1–9.7, §10.3–10.7): deltas of many
//! items, judged in [`super::plan`] and applied as one, or not at all. Lists are read in
//! [`super::lists`].

use annex_service::{
    context::{Context, Outcome, ReplyTo},
    registry::Answer,
};
use annex_stanza::{Jid, Stanza, ns};
use minidom::Element;

use super::{
    Room,
    affiliation::{self, Affiliation, Role},
    depart::{Departure, Farewell},
    leave,
    plan::{self, Change, Plan},
    presence::{Asked, Why},
    state,
};
use crate::{refusals, service::Muc};

/// Items of one request at most.
const MOST: usize = 256;

/// Changes: judged as a whole, applied as a whole.
pub(crate) fn set(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    let query = query(stanza)?;
    let Muc { rooms, settings, .. } = muc;
    let room = rooms.open(stanza, context)?;
    let items: Vec<_> = query.children().filter(|item| item.is("item", ns::MUC_ADMIN)).collect();
    if items.is_empty() {
        return Err(refusals::bad_item().into());
    }
    if items.len() > MOST {
        return Err(refusals::too_many_items().into());
    }
    let deltas = items.into_iter().map(|item| plan::delta(room, settings, item));
    let deltas = deltas.collect::<Outcome<Vec<_>>>()?;
    let plan = Plan::of(room, settings, &stanza.from, deltas, context)?;
    let actor = room.occupant_of(&stanza.from).map(|occupant| occupant.nick.as_str().to_owned());
    audit(room, &plan, &stanza.from, context);
    // §8.2: who is kicked learns it first, then the one who asked, then the others; §8.3, §9.1: of
    // everything else the one who asked learns first.
    let mut farewells = kick(room, &plan, actor.as_deref(), context);
    context.reply(&ReplyTo::from(stanza), Ok(Vec::new()));
    farewells.extend(apply(room, plan, actor.as_deref(), context));
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

pub(crate) fn query(stanza: &Stanza) -> Outcome<Element> {
    let child = stanza.payload.children().first().ok_or_else(refusals::bad_payload)?;
    Ok(stanza.payload.element(child)?)
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

/// Removes those who lose their role. What others are to be told of them comes back.
fn kick(
    room: &mut Room,
    plan: &Plan,
    actor: Option<&str>,
    context: &mut Context<'_, '_>,
) -> Vec<Farewell> {
    let mut farewells = Vec::new();
    for (number, _, reason) in plan.roles.iter().filter(|(_, role, _)| *role == Role::None) {
        let Some(occupant) = room.occupants.get(number) else { continue };
        let sessions = occupant.sessions.clone();
        let reason = reason.as_deref();
        let departure = Departure { codes: &[307], actor, reason, ..Departure::default() };
        farewells.push(room.depart(*number, &sessions, &departure, context));
    }
    farewells
}

/// Writes and tells everything else that was judged. What others are to be told of those who were
/// removed comes back.
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
            let why = Why { actor, reason: reason.as_deref() };
            farewells.extend(change_affiliation(room, number, affiliation, why, context));
        }
    }
    for (number, role, reason) in plan.roles {
        set_role(room, number, role, Why { actor, reason: reason.as_deref() }, context);
    }
    farewells
}

fn change_affiliation(
    room: &mut Room,
    number: u64,
    affiliation: Affiliation,
    why: Why<'_>,
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
        let Why { actor, reason } = why;
        let departure = Departure { codes: &[code], actor, reason, ..Departure::default() };
        return Some(room.depart(number, &sessions, &departure, context));
    }
    let role = match before >= Affiliation::Admin && affiliation < Affiliation::Admin {
        true => initial,
        false => occupant.role.max(initial),
    };
    set_role(room, number, role, why, context);
    None
}

/// The settings name others as admins of the service: who is inside has another standing at once.
pub(crate) fn admins_changed(muc: &mut Muc, context: &mut Context<'_, '_>) -> Outcome<()> {
    let Muc { rooms, settings, .. } = muc;
    let mut concerned = Vec::new();
    for room in rooms.iter() {
        for occupant in room.occupants.values() {
            let owns = settings.owns_all(&context.shared.common, &occupant.person);
            if owns != (occupant.affiliation == Affiliation::Owner) {
                let now = state::affiliation(context, settings, room.id, &occupant.person)?;
                if now != occupant.affiliation {
                    concerned.push((room.jid.clone(), occupant.number, now));
                }
            }
        }
    }
    for (jid, number, affiliation) in concerned {
        let Some(room) = muc.rooms.here(&jid) else { continue };
        let why = Why::default();
        if let Some(farewell) = change_affiliation(room, number, affiliation, why, context) {
            room.farewell(farewell, context);
        }
        leave::settle(muc, &jid, context)?;
    }
    Ok(())
}

/// §5.1.3: the role changes, and with it what the occupant may see.
pub(crate) fn set_role(
    room: &mut Room,
    number: u64,
    role: Role,
    why: Why<'_>,
    context: &mut Context<'_, '_>,
) {
    let room_id = room.id;
    let Some(occupant) = room.occupants.get_mut(&number) else { return };
    if occupant.role != role {
        occupant.role = role;
        occupant.save(context.turn, room_id);
    }
    // One's own presence comes before what one may see with the new role.
    room.publish(number, Asked { why, ..Asked::default() }, context);
    room.reclass(number, context);
}
