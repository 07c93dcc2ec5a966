//! Reads a room from its records: what the room is, its subject, and who is in it. Lists, histories
//! and whoever is not present stay on disk.

use annex_service::{
    context::Context,
    record::{Parts, Record},
    store::{Row, Scan, StoreError, Table},
};
use annex_stanza::{Jid, JidError};

use super::{Room, affiliation, occupant::Occupant, session::Session};
use crate::keys::{self, Name, OccupantRecord, RoomRecord, SessionRecord, SubjectRecord};

/// The room of this address.
pub(crate) fn by_name(
    jid: &Jid,
    admins_own: bool,
    context: &Context<'_, '_>,
) -> Result<Option<Room>, StoreError> {
    let Some(local) = jid.local_key().filter(|local| local.len() <= keys::LONGEST_NAME) else {
        return Ok(None);
    };
    let Some(name) = Name::load(context.turn, local.as_bytes())? else { return Ok(None) };
    let Some(record) = RoomRecord::load(context.turn, &keys::of(name.room))? else {
        return Ok(None);
    };
    read(name.room, record, admins_own, context).map(Some)
}

/// The room with this number, if its name still leads to it.
pub(crate) fn by_id(
    id: u64,
    admins_own: bool,
    context: &Context<'_, '_>,
) -> Result<Option<Room>, StoreError> {
    let Some(record) = RoomRecord::load(context.turn, &keys::of(id))? else { return Ok(None) };
    let jid = of_record(&record, context)?;
    let name = Name::load(context.turn, jid.local_key().unwrap_or_default().as_bytes())?;
    if name.is_none_or(|name| name.room != id) {
        return Ok(None);
    }
    read(id, record, admins_own, context).map(Some)
}

fn of_record(record: &RoomRecord, context: &Context<'_, '_>) -> Result<Jid, StoreError> {
    address(&record.local, context).map_err(|error| StoreError::new("record of table room", error))
}

/// The address of a room, in one spelling for everybody, whoever made it and however it was asked
/// for: its local part as it is compared, and the service's own domain.
pub(crate) fn address(local: &str, context: &Context<'_, '_>) -> Result<Jid, JidError> {
    let domain = context.shared.common.jid.domain();
    let spelled = Jid::from_parts(Some(local), domain, None)?;
    Jid::from_parts(spelled.local_key(), domain, None)
}

fn read(
    id: u64,
    record: RoomRecord,
    admins_own: bool,
    context: &Context<'_, '_>,
) -> Result<Room, StoreError> {
    let jid = of_record(&record, context)?;
    let mut room = Room::new(id, jid, record);
    room.subject = SubjectRecord::load(context.turn, &keys::of(id))?;
    // A room that is empty, as most are, costs one more read.
    if context.turn.get(keys::OCCUPIED, &keys::of(id))?.is_none() {
        return Ok(room);
    }
    let mut sessions = Vec::new();
    each(keys::SESSIONS, id, context, |row, number| {
        let record = SessionRecord::of(row)?;
        let jid = Jid::parse(&record.jid)
            .map_err(|error| StoreError::new("record of table session", error))?;
        sessions.push(Session::load(number, record, jid));
        Ok(())
    })?;
    let mut occupants = Vec::new();
    each(keys::OCCUPANTS, id, context, |row, number| {
        occupants.push((number, OccupantRecord::of(row)?));
        Ok(())
    })?;
    // One pass over the sessions finds the person behind each occupant.
    let mut people = std::collections::BTreeMap::new();
    for session in &sessions {
        people.entry(session.occupant).or_insert_with(|| session.jid.bare());
    }
    for (number, record) in occupants {
        let Some(person) = people.remove(&number) else { continue };
        let affiliation = affiliation::of(context.turn, context.shared, admins_own, id, &person)?;
        let occupant =
            Occupant::load(context.turn, (&room.jid, id), number, &record, person, affiliation)?;
        if room.record.config.broadcast.has(occupant.role) {
            room.roster.add(number);
        }
        room.nicks.insert(occupant.nick.key().to_owned(), number);
        room.occupants.insert(number, occupant);
    }
    for session in sessions {
        let Some(occupant) = room.occupants.get_mut(&session.occupant) else { continue };
        let jid = session.jid.clone();
        occupant.sessions.push(jid.clone());
        room.sessions.insert(jid.clone(), session);
        room.view(&jid);
    }
    Ok(room)
}

/// Every record of a table whose key is the room and a number.
fn each(
    table: Table,
    room: u64,
    context: &Context<'_, '_>,
    mut visit: impl FnMut(&Row, u64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut scan = Scan::prefix(table, &keys::of(room));
    loop {
        let page = context.turn.scan(scan.clone())?;
        for row in &page.rows {
            let mut parts = Parts::of(table, &row.key);
            parts.u64()?;
            visit(row, parts.u64()?)?;
        }
        match page.rows.last() {
            Some(last) if !page.complete => scan = scan.after(&last.key),
            _ => return Ok(()),
        }
    }
}
