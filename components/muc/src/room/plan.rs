//! Whether changes of roles and affiliations are allowed (XEP-0045 §5.1.1, §5.2.1, §8.2–8.4, §9.1–9.7,
//! §10.3–10.7, §17.4): each of them, and all together.

use std::collections::{BTreeMap, BTreeSet};

use annex_service::context::{Context, Outcome};
use annex_stanza::{Jid, Nick, ns};
use minidom::Element;

use super::{
    Room,
    admin::shorten,
    affiliation::{self, Affiliation, Role},
    state,
};
use crate::{
    config::Settings,
    keys::{self, AffiliationRecord},
    refusals,
};

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Delta {
    pub(crate) target: Target,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Target {
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
pub(crate) struct Change {
    pub(crate) jid: Jid,
    pub(crate) old: Option<AffiliationRecord>,
    pub(crate) new: Option<AffiliationRecord>,
    pub(crate) reason: Option<String>,
    /// Occupants concerned, with the affiliation that each has then.
    pub(crate) occupants: Vec<(u64, Affiliation)>,
}

/// Deltas that were judged as a whole and may be applied.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) roles: Vec<(u64, Role, Option<String>)>,
    pub(crate) affiliations: Vec<Change>,
}

/// One item. §17.4 has roles by nickname and affiliations by address; where it is clear who is
/// meant, the other way is understood too.
pub(crate) fn delta(room: &Room, settings: &Settings, item: &Element) -> Outcome<Delta> {
    let nick = item.attr("nick");
    let jid = match item.attr("jid").map(str::trim) {
        Some(jid) => Some(Jid::parse(jid).map_err(|_| refusals::malformed_address())?),
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
                // An occupant may be meant by what he is called in here.
                (Some(jid), _) if jid.bare_key() == room.jid.bare_key() => {
                    room.occupant_at(jid).ok_or_else(refusals::no_such_nick)?.person.clone()
                }
                (Some(jid), _) => jid.bare(),
                (None, Some(nick)) => {
                    room.occupant_named(nick).ok_or_else(refusals::no_such_nick)?.person.clone()
                }
                (None, None) => return Err(refusals::bad_item().into()),
            };
            let reserved = jid.is_some().then_some(nick).flatten();
            if let Some(nick) = reserved.filter(|nick| !nick.is_empty()) {
                let checked = Nick::check(nick).map_err(|error| refusals::bad_nick(&error))?;
                // Its key may be many times as long, and is part of one.
                if nick.len() > settings.max_nick || checked.key().len() > keys::LONGEST_NAME {
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
                    let change = judge_affiliation(
                        (room, settings),
                        own,
                        by,
                        jid,
                        affiliation,
                        nick,
                        reason,
                        context,
                    )?;
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
        plan.leaves_admins_their_voice()?;
        plan.shares_no_nick()?;
        plan.keeps_an_owner(room, context)?;
        Ok(plan)
    }

    /// §8.4, §9.7: nor is it taken from one who becomes an admin with the same request.
    fn leaves_admins_their_voice(&self) -> Outcome<()> {
        let occupants = self.affiliations.iter().flat_map(|change| &change.occupants);
        let mut admins = occupants.filter(|(_, then)| *then >= Affiliation::Admin);
        let lowers = |(admin, _): &(u64, Affiliation)| {
            let lower = |role: &Role| *role != Role::None && *role < Role::Moderator;
            self.roles.iter().any(|(number, role, _)| number == admin && lower(role))
        };
        if admins.any(lowers) { Err(refusals::outranked().into()) } else { Ok(()) }
    }

    /// §7.2.8: no nickname is reserved for two.
    fn shares_no_nick(&self) -> Outcome<()> {
        let mut keys = BTreeSet::new();
        let records = self.affiliations.iter().filter_map(|change| change.new.as_ref());
        for nick in records.filter_map(|record| record.nick.as_deref()) {
            if !keys.insert(annex_stanza::nick::key(nick)) {
                return Err(refusals::nick_reserved().into());
            }
        }
        Ok(())
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
    // As for a ban: admins do not remove each other.
    if !himself
        && role == Role::None
        && own < Affiliation::Owner
        && target.affiliation >= Affiliation::Admin
    {
        return Err(refusals::outranked().into());
    }
    // §8.4: who takes voice has a higher affiliation than who loses it, where that one has any.
    let loses_voice = role == Role::Visitor && target.role > Role::Visitor;
    if !himself
        && loses_voice
        && target.affiliation > Affiliation::None
        && target.affiliation >= own
    {
        return Err(refusals::outranked().into());
    }
    Ok(())
}

/// §9.1–9.5, §10.3–10.8.
#[allow(clippy::too_many_arguments, reason = "one item and who asks for it")]
fn judge_affiliation(
    (room, settings): (&Room, &Settings),
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
    // Nobody lives here: neither a room nor an occupant has a standing of its own.
    if jid.domain_key() == room.jid.domain_key() && affiliation != Affiliation::None {
        return Err(refusals::bad_address().into());
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
    // A domain can be banned, or have members; nobody means to give the room to all of its users.
    if affiliation >= Affiliation::Admin && before < Affiliation::Admin && jid.local().is_none() {
        return Err(refusals::bad_address().into());
    }
    // The service's admins own every room, whatever a list says of them: they cannot be banned.
    let owns_all = settings.owns_all(&context.shared.common, &jid) && jid.local().is_some();
    if owns_all && affiliation == Affiliation::Outcast {
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
            // Where the domain had no record, who has a standing has one of his own.
            occupant.person.domain_key() == jid.key()
                && if before == Affiliation::None {
                    occupant.affiliation == Affiliation::None
                } else {
                    affiliation::record(context.turn, room.id, occupant.person.key())?.is_none()
                }
        };
        if !concerned || settings.owns_all(&context.shared.common, &occupant.person) {
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
