//! What owners do (XEP-0045 §10): the configuration form, instant rooms, giving up, destroying.
//! Lists of owners and admins are [`super::admin`]'s.

use annex_service::{
    context::{Context, Outcome, ReplyTo},
    effect::Timer,
    registry::Answer,
};
use annex_stanza::{
    Field, FieldKind, Form, FormKind, Jid, MessageType, Outgoing, Stanza, Timestamp, Xml, ns,
};

use super::{
    Room, admin,
    affiliation::{self, Affiliation, Role},
    config::Config,
    depart::Departure,
    destroy::{self, Reason},
    item::write_codes,
    leave, listed,
    plan::{Delta, Plan},
    presence::{Asked, Why},
    state,
};
use crate::{
    config::Settings,
    refusals,
    service::{Muc, TIMER_LOCK},
};

/// Names in a field of the form at most; a longer list is left out of it.
const LISTED: usize = 64;

/// The room, if the sender owns it.
fn owned<'m>(
    muc: &'m mut Muc,
    stanza: &Stanza,
    context: &Context<'_, '_>,
) -> Outcome<(&'m mut Room, &'m Settings)> {
    let Muc { rooms, settings, .. } = muc;
    let Some(room) = rooms.find(&stanza.to, context)? else {
        return Err(refusals::no_room().into());
    };
    if state::affiliation(context, settings, room.id, &stanza.from)? < Affiliation::Owner {
        let hidden = room.hides_from(&stanza.from);
        return Err(if hidden { refusals::locked() } else { refusals::lacks_privilege() }.into());
    }
    Ok((room, settings))
}

/// §10.1.3, §10.2: the form.
pub(crate) fn form(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    let (room, settings) = owned(muc, stanza, context)?;
    state::note_admin(context, settings, room, &stanza.from, "room/read")?;
    let mut form = room.record.config.form(room.jid.as_str(), settings);
    for (var, label, affiliation) in [
        ("muc#roomconfig_roomowners", "Owners", Affiliation::Owner),
        ("muc#roomconfig_roomadmins", "Admins", Affiliation::Admin),
    ] {
        if let Some(jids) = listed(room.id, affiliation, context)? {
            form = form.field(Field::new(FieldKind::JidMulti, var).label(label).values(jids));
        }
    }
    let mut xml = Xml::new();
    xml.element("query", ns::MUC_OWNER, |xml| form.write(xml));
    Ok(Answer::Result(xml.finish()))
}

/// Everybody with an affiliation, unless they are too many for a form.
fn listed(
    room: u64,
    affiliation: Affiliation,
    context: &Context<'_, '_>,
) -> Outcome<Option<Vec<String>>> {
    let mut jids = Vec::new();
    affiliation::walk(context.turn, room, affiliation, |_, record| {
        jids.push(record.jid);
        jids.len() <= LISTED
    })?;
    Ok((jids.len() <= LISTED).then_some(jids))
}

/// §10.1.2, §10.1.3, §10.2, §10.9: a submission, a cancellation, or the end of the room.
pub(crate) fn set(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    owned(muc, stanza, context)?;
    let child = stanza.payload.children().first().ok_or_else(refusals::bad_payload)?;
    let query = stanza.payload.element(child)?;
    let form = query.get_child("x", ns::DATA_FORMS);
    if let Some(destroy) = query.get_child("destroy", ns::MUC_OWNER) {
        if form.is_some() {
            return Err(refusals::destroy_or_form().into());
        }
        let text = |name| {
            let text = destroy.get_child(name, ns::MUC_OWNER).map(minidom::Element::text);
            text.filter(|text| !text.is_empty())
        };
        let mut reason = text("reason");
        if let Some(reason) = &mut reason {
            admin::shorten(reason, muc.settings.max_reason);
        }
        let venue = destroy.attr("jid").map(str::trim).filter(|jid| !jid.is_empty());
        if venue.is_some_and(|jid| Jid::parse(jid).is_err()) {
            return Err(refusals::malformed_address().into());
        }
        let why = Reason {
            venue: venue.map(str::to_owned),
            password: text("password").filter(|text| text.len() <= muc.settings.max_password),
            reason,
        };
        context.audit(stanza.from.bare(), "room/destroy", stanza.to.bare(), why.reason.as_deref());
        destroy::destroy(muc, &stanza.to, &why, context)?;
        return Ok(Answer::Result(Vec::new()));
    }
    let form = Form::parse(form.ok_or_else(refusals::bad_payload)?)?;
    match form.kind {
        FormKind::Cancel => cancel(muc, stanza, context),
        FormKind::Submit => submit(muc, stanza, &form, context),
        _ => Err(refusals::bad_payload().into()),
    }
}

/// §10.1.3: giving up the first configuration destroys the room; a later one is left as it is.
fn cancel(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<Answer> {
    let (room, _) = owned(muc, stanza, context)?;
    if room.is_locked() {
        destroy::destroy(muc, &stanza.to, &Reason::default(), context)?;
    }
    Ok(Answer::Result(Vec::new()))
}

fn submit(
    muc: &mut Muc,
    stanza: &Stanza,
    form: &Form,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    let (room, settings) = owned(muc, stanza, context)?;
    // XEP-0068 §4.1: one that does not say what it is may be ours; another's is not.
    if form.form_type.as_deref().is_some_and(|kind| kind != ns::MUC_ROOMCONFIG) {
        return Err(refusals::another_form().into());
    }
    // Everything is judged before anything changes (§10.1.3: not-acceptable, and nothing changed).
    let new = room.record.config.submitted(form, settings)?;
    let deltas = list_deltas(room, form, context)?;
    let plan = match deltas.is_empty() {
        true => None,
        false => Some(Plan::of(room, settings, &stanza.from, deltas, context)?),
    };
    let jid = room.jid.clone();
    let actor = room.occupant_of(&stanza.from).map(|occupant| occupant.nick.as_str().to_owned());
    let was_locked = room.is_locked();
    unlock(room, context);
    let old = std::mem::replace(&mut room.record.config, new);
    room.save(context.turn);
    listed::list(room, context.turn)?;
    context.reply(&ReplyTo::from(stanza), Ok(Vec::new()));
    if !was_locked || room.occupants.len() > 1 {
        context.audit(stanza.from.bare(), "room/configure", &jid, None);
    }
    if let Some(plan) = plan {
        let farewells = admin::apply(room, plan, actor.as_deref(), context);
        for farewell in farewells {
            room.farewell(farewell, context);
        }
    }
    configured(room, &old, was_locked, context);
    leave::settle(muc, &jid, context)?;
    Ok(Answer::Later)
}

/// Changes to the lists of owners and admins that the form asks for: it names them all.
fn list_deltas(room: &Room, form: &Form, context: &Context<'_, '_>) -> Outcome<Vec<Delta>> {
    let mut wanted: Vec<(Affiliation, Vec<Jid>)> = Vec::new();
    for (var, affiliation) in [
        ("muc#roomconfig_roomowners", Affiliation::Owner),
        ("muc#roomconfig_roomadmins", Affiliation::Admin),
    ] {
        if let Some(field) = form.find(var) {
            wanted.push((affiliation, field.jids()?.iter().map(Jid::bare).collect()));
        }
    }
    let mut deltas: Vec<Delta> = Vec::new();
    for (affiliation, jids) in &wanted {
        // A list too long to be shown was not in the form, and is not taken from it.
        let Some(have) = listed(room.id, *affiliation, context)? else { continue };
        let have: Vec<_> = have.iter().filter_map(|jid| Jid::parse(jid).ok()).collect();
        for jid in jids.iter().filter(|jid| !have.contains(jid)) {
            deltas.push(Delta::affiliation(jid.clone(), *affiliation));
        }
        for jid in have.into_iter().filter(|jid| !jids.contains(jid)) {
            // Who moved from one list to the other is in `wanted` there.
            if !wanted.iter().any(|(other, jids)| other != affiliation && jids.contains(&jid)) {
                deltas.push(Delta::affiliation(jid, Affiliation::None));
            }
        }
    }
    Ok(deltas)
}

/// The room may be entered from now on.
fn unlock(room: &mut Room, context: &mut Context<'_, '_>) {
    if let Some(at) = room.record.locked.take() {
        let timer = Timer { kind: TIMER_LOCK, id: room.id };
        context.shared.due.clear(context.turn, Timestamp(at), timer);
    }
}

/// §10.1.1: a room that was not configured in time is given up.
pub(crate) fn lock_timeout(muc: &mut Muc, room: u64, context: &mut Context<'_, '_>) -> Outcome<()> {
    let wall = context.turn.wall();
    let Some(room) = muc.rooms.find_by_id(room, context)? else { return Ok(()) };
    let Some(until) = room.record.locked else { return Ok(()) };
    if Timestamp(until) > wall {
        let timer = Timer { kind: TIMER_LOCK, id: room.id };
        context.shared.due.set(context.turn, Timestamp(until), timer);
        return Ok(());
    }
    let jid = room.jid.clone();
    let why =
        Reason { reason: Some("The room was not configured in time".into()), ..Reason::default() };
    destroy::destroy(muc, &jid, &why, context)?;
    Ok(())
}

/// What a new configuration means for those who are in the room.
fn configured(room: &mut Room, old: &Config, was_locked: bool, context: &mut Context<'_, '_>) {
    let new = room.record.config.clone();
    // §10.2: who is not a member is removed with 322, before anybody is told more.
    if new.members_only && !old.members_only {
        let strangers =
            room.occupants.values().filter(|occupant| occupant.affiliation < Affiliation::Member);
        let strangers: Vec<_> = strangers.map(|occupant| occupant.number).collect();
        let mut farewells = Vec::new();
        for number in strangers {
            let Some(occupant) = room.occupants.get(&number) else { continue };
            let sessions = occupant.sessions.clone();
            let departure = Departure { codes: &[322], ..Departure::default() };
            farewells.push(room.depart(number, &sessions, &departure, context));
        }
        // Those who stay are told, and not those who go of each other.
        for farewell in farewells {
            room.farewell(farewell, context);
        }
    }
    if new.whois != old.whois {
        room.reclass_all(old, context);
    }
    if new.broadcast != old.broadcast {
        let concerned = room.occupants.values().filter(|occupant| {
            new.broadcast.has(occupant.role) != old.broadcast.has(occupant.role)
        });
        let concerned: Vec<_> = concerned.map(|occupant| occupant.number).collect();
        for number in concerned {
            room.publish(number, Asked::default(), context);
        }
    }
    // §5.1.2: where nobody needs voice, who entered without it has it.
    if old.moderated && !new.moderated {
        let visitors = room.occupants.values().filter(|occupant| occupant.role == Role::Visitor);
        let visitors: Vec<_> = visitors.map(|occupant| occupant.number).collect();
        for number in visitors {
            admin::set_role(room, number, Role::Participant, Why::default(), context);
        }
    }
    // §10.2.1; the first configuration is no change for anybody.
    let changes = old.changes(&new);
    if was_locked || changes.codes.is_empty() {
        return;
    }
    let id = context.turn.token();
    let notice = Outgoing::message(MessageType::Groupchat, &room.jid).id(id).child(|xml| {
        xml.element("x", ns::MUC_USER, |xml| write_codes(xml, &changes.codes));
    });
    room.tell_all(&notice.template(), context);
}
