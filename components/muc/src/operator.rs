//! What an operator may do: verbs of the admin socket, and the same as ad-hoc commands (XEP-0050).

use annex_service::{
    command::{Access, Arguments, Command, Next, Report, Step},
    commands::Ticket,
    context::{Context, Outcome},
    record::Record,
    store::{Page, Scan},
};
use annex_stanza::{Condition, Field, FieldKind, Jid, Refusal};

use crate::{
    keys::{self, Name, RoomRecord},
    refusals,
    room::{
        affiliation::{self, Affiliation},
        config::Whois,
        destroy::{self, Reason},
    },
    service::{Muc, Waiting},
};

/// Rooms on one page.
const PAGE: usize = 50;

/// All of them.
pub(crate) fn commands() -> Vec<Command<Muc>> {
    let command = |node, name, run| Command { node, name, access: Access::Admins, run };
    vec![
        command("rooms/list", "List rooms", list),
        command("rooms/show", "Show a room", show),
        command("rooms/destroy", "Destroy a room", remove),
        command("occupants", "Show who is in a room", occupants),
    ]
}

/// Arguments: `after`, the last room of the page before.
fn list(
    muc: &mut Muc,
    _: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    given.only(&["after"])?;
    if muc.waiting.is_full() {
        return Err(refusals::busy().into());
    }
    let mut scan = Scan::all(keys::NAMES).limit(PAGE);
    if let Some(after) = given.one("after") {
        scan = scan.after(after.as_bytes());
    }
    let id = context.fetch(scan);
    let ticket = context.ticket();
    muc.waiting.insert(id, Waiting::Rooms(ticket));
    Ok(Next::Later(ticket))
}

/// A page of rooms was read.
pub(crate) fn listed(
    muc: &mut Muc,
    ticket: Ticket,
    page: &Page,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let mut rows = Vec::new();
    for row in &page.rows {
        let name = Name::of(row)?;
        let Some(record) = RoomRecord::load(context.turn, &keys::of(name.room))? else { continue };
        let inside = muc.rooms.here_by_id(name.room).map_or(0, |room| room.occupants.len());
        let local = String::from_utf8_lossy(&row.key).into_owned();
        let config = &record.config;
        rows.push(vec![
            local,
            config.name.clone(),
            inside.to_string(),
            if config.persistent { "persistent" } else { "temporary" }.into(),
            if config.public { "public" } else { "hidden" }.into(),
        ]);
    }
    let note = match rows.last() {
        Some(last) if !page.complete => {
            format!("{} rooms; go on with after={}", rows.len(), last[0])
        }
        _ => format!("{} rooms", rows.len()),
    };
    let columns = vec![
        ("room", "Room"),
        ("name", "Name"),
        ("occupants", "Occupants"),
        ("lifetime", "Lifetime"),
        ("listed", "Listed"),
    ];
    context.finish(ticket, Ok(Report { note, columns, rows }));
    Ok(())
}

fn show(
    muc: &mut Muc,
    _: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    let Some(jid) = room_of(given, context)? else { return Ok(ask(false)) };
    let room = muc.rooms.find(&jid, context)?.ok_or_else(refusals::no_room)?;
    let mut owners = Vec::new();
    affiliation::walk(context.turn, room.id, Affiliation::Owner, |_, record| {
        owners.push(record.jid);
        owners.len() < 20
    })?;
    let config = &room.record.config;
    let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let rows = [
        ("address", room.jid.to_string()),
        ("name", config.name.clone()),
        ("description", config.description.clone()),
        ("created", annex_stanza::Timestamp(room.record.created).to_string()),
        ("creator", room.record.creator.clone()),
        ("owners", owners.join(", ")),
        ("occupants", room.occupants.len().to_string()),
        ("sessions", room.sessions.len().to_string()),
        ("locked", yes(room.is_locked())),
        ("persistent", yes(config.persistent)),
        ("public", yes(config.public)),
        ("members only", yes(config.members_only)),
        ("moderated", yes(config.moderated)),
        ("password", yes(config.password.is_some())),
        (
            "real addresses",
            if config.whois == Whois::Anyone { "anyone" } else { "moderators" }.into(),
        ),
        ("keeps messages", yes(config.keeps_messages())),
    ];
    let rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    let columns = vec![("what", "What"), ("value", "Value")];
    Ok(Next::Done(Report { note: room.jid.to_string(), columns, rows }))
}

fn occupants(
    muc: &mut Muc,
    _: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    let Some(jid) = room_of(given, context)? else { return Ok(ask(false)) };
    let room = muc.rooms.find(&jid, context)?.ok_or_else(refusals::no_room)?;
    let mut rows = Vec::new();
    for occupant in room.occupants.values() {
        for session in &occupant.sessions {
            rows.push(vec![
                occupant.nick.as_str().to_owned(),
                session.to_string(),
                occupant.role.as_str().to_owned(),
                occupant.affiliation.as_str().to_owned(),
            ]);
        }
    }
    let note = format!("{} occupants, {} sessions", room.occupants.len(), room.sessions.len());
    let columns = vec![
        ("nick", "Nickname"),
        ("jid", "Address"),
        ("role", "Role"),
        ("affiliation", "Affiliation"),
    ];
    Ok(Next::Done(Report { note, columns, rows }))
}

fn remove(
    muc: &mut Muc,
    by: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    let Some(jid) = room_of(given, context)? else { return Ok(ask(true)) };
    muc.rooms.find(&jid, context)?.ok_or_else(refusals::no_room)?;
    let reason = given.one("reason").filter(|reason| !reason.is_empty()).map(str::to_owned);
    context.audit(by, "room/destroy", &jid, reason.as_deref());
    destroy::destroy(muc, &jid, &Reason { reason, ..Reason::default() }, context)?;
    let note = format!("{jid} is destroyed");
    Ok(Next::Done(Report { note, ..Report::default() }))
}

/// The room that was named: its address, or its local part alone.
fn room_of(given: &Arguments, context: &Context<'_, '_>) -> Outcome<Option<Jid>> {
    let Some(text) = given.one("room").map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let domain = &context.shared.common.jid;
    let jid = match text.contains('@') {
        true => Jid::parse(text).map(|jid| jid.bare()),
        false => Jid::from_parts(Some(text), domain.domain(), None),
    };
    let jid = jid.ok().filter(|jid| jid.domain_key() == domain.domain_key());
    let bad = || {
        Refusal::new(Condition::BadRequest, "command.argument")
            .text("room: an address of this service")
    };
    Ok(Some(jid.ok_or_else(bad)?))
}

fn ask(reason: bool) -> Next {
    let mut fields = vec![Field::new(FieldKind::JidSingle, "room").label("Room").required()];
    if reason {
        fields.push(Field::new(FieldKind::TextSingle, "reason").label("Reason"));
    }
    Next::Ask(Step { instructions: String::new(), fields, more: false })
}
