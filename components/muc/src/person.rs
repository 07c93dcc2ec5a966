//! Everything stored about a person, shown or forgotten (`person show|forget`).
//!
//! Nothing is indexed by person: records of rooms are, and an operator asks rarely. So the tables
//! are walked in pages, off the core.

use annex_service::{
    command::Report,
    component::Person,
    context::{Context, Outcome},
    record::{Parts, Record},
    store::{Page, Row, Scan, Table},
};
use annex_stanza::Jid;

use crate::{
    feature::occupant_id,
    keys::{self, AffiliationRecord, MessageRecord, RoomRecord, SessionRecord, SubjectRecord},
    refusals,
    room::{
        affiliation::{self, Affiliation},
        depart::Departure,
        history::Kept,
        leave,
        presence::Asked,
        subject,
    },
    service::{Muc, Waiting},
};

/// Records of one page.
const PAGE: usize = 2048;
/// Lines of an answer at most.
const LINES: usize = 10_000;

/// The tables that know of people, in the order in which they are walked.
/// Sessions come before what is said in them, and occupant ids last: subjects are told by them.
const WALK: [Table; 6] = [
    keys::ROOMS,
    keys::AFFILIATIONS,
    keys::SESSIONS,
    keys::SUBJECTS,
    keys::MESSAGES,
    keys::OCCUPANT_IDS,
];

/// A walk under way.
#[derive(Debug)]
pub(crate) struct Walk {
    token: u64,
    person: Jid,
    what: Person,
    table: usize,
    rows: Vec<Vec<String>>,
    found: usize,
    /// Of what was said, what is to stay.
    kept: usize,
}

/// Begins.
pub(crate) fn begin(
    muc: &mut Muc,
    token: u64,
    person: &Jid,
    what: Person,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    if muc.waiting.is_full() {
        return Err(refusals::busy().into());
    }
    if what != Person::Show {
        context.turn.delete(keys::CREATORS, person.key().as_bytes());
    }
    let person = person.bare();
    let walk = Walk { token, person, what, table: 0, rows: Vec::new(), found: 0, kept: 0 };
    fetch(muc, walk, None, context);
    Ok(())
}

fn fetch(muc: &mut Muc, walk: Walk, after: Option<&[u8]>, context: &mut Context<'_, '_>) {
    let mut scan = Scan::all(WALK[walk.table]).limit(PAGE);
    if let Some(after) = after {
        scan = scan.after(after);
    }
    let id = context.fetch(scan);
    muc.waiting.insert(id, Waiting::Person(Box::new(walk)));
}

/// A page was read: what concerns the person is shown or forgotten, and the walk goes on.
pub(crate) fn fetched(
    muc: &mut Muc,
    mut walk: Walk,
    page: &Page,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    for row in &page.rows {
        visit(muc, &mut walk, row, context)?;
    }
    match page.rows.last() {
        Some(last) if !page.complete => fetch(muc, walk, Some(&last.key), context),
        _ if walk.table + 1 < WALK.len() => {
            walk.table += 1;
            fetch(muc, walk, None, context);
        }
        _ => {
            let found = walk.found;
            let note = match (walk.what, walk.kept) {
                (Person::Show, _) => format!("{found} records"),
                (_, 0) => format!("{found} records forgotten"),
                (_, kept) => {
                    format!("{found} records forgotten; {kept} messages and subjects kept")
                }
            };
            let columns = vec![("room", "Room"), ("kind", "Kind"), ("value", "Value")];
            let rows = std::mem::take(&mut walk.rows);
            context.respond(walk.token, Report { note, columns, rows });
        }
    }
    Ok(())
}

fn visit(muc: &mut Muc, walk: &mut Walk, row: &Row, context: &mut Context<'_, '_>) -> Outcome<()> {
    let table = WALK[walk.table];
    let mut parts = Parts::of(table, &row.key);
    let room = parts.u64()?;
    let about = if table == keys::MESSAGES {
        MessageRecord::of(row)?.sender
    } else if table == keys::SUBJECTS {
        let set = set_by(&walk.person, room, row, context)?;
        if set { walk.person.key().to_owned() } else { String::new() }
    } else if table == keys::ROOMS {
        RoomRecord::of(row)?.creator
    } else if table == keys::SESSIONS {
        let jid = Jid::parse(&SessionRecord::of(row)?.jid);
        jid.map(|jid| jid.bare_key().to_owned()).unwrap_or_default()
    } else {
        parts.text()?.to_owned()
    };
    if about != walk.person.key() {
        return Ok(());
    }
    // Rooms that are destroyed lose their records anyway.
    let Some(record) = RoomRecord::load(context.turn, &keys::of(room))? else { return Ok(()) };
    if walk.what == Person::Keep && (table == keys::MESSAGES || table == keys::SUBJECTS) {
        walk.kept += 1;
        return Ok(());
    }
    if walk.what != Person::Show && table == keys::SESSIONS {
        // All that he has in the room, with the first: there may be no room for the next.
        walk.found += end_sessions(muc, room, &walk.person, context)?;
        return Ok(());
    }
    walk.found += 1;
    if walk.what == Person::Show {
        let (kind, value) = if table == keys::AFFILIATIONS {
            let record = AffiliationRecord::of(row)?;
            ("affiliation", record.affiliation.as_str().to_owned())
        } else if table == keys::OCCUPANT_IDS {
            ("occupant id", String::from_utf8_lossy(&row.value).into_owned())
        } else if table == keys::ROOMS {
            ("created", annex_stanza::Timestamp(record.created).to_string())
        } else if table == keys::SESSIONS {
            ("session", SessionRecord::of(row)?.jid)
        } else if table == keys::SUBJECTS {
            ("subject", SubjectRecord::of(row)?.text)
        } else {
            let record = MessageRecord::of(row)?;
            ("message", annex_stanza::Timestamp(record.at).to_string())
        };
        if walk.rows.len() < LINES {
            walk.rows.push(vec![record.local, kind.to_owned(), value]);
        }
        return Ok(());
    }
    if table == keys::AFFILIATIONS {
        let old = affiliation::record(context.turn, room, walk.person.key())?;
        affiliation::store(context.turn, room, walk.person.key(), old.as_ref(), None);
        lower(muc, room, &walk.person, context)?;
    } else if table == keys::OCCUPANT_IDS {
        context.turn.delete(table, row.key.to_vec());
    } else if table == keys::ROOMS {
        let creator = String::new();
        RoomRecord { creator, ..record }.save(context.turn, keys::of(room));
        if let Some(room) = muc.rooms.here_by_id(room) {
            room.record.creator.clear();
        }
    } else if table == keys::SUBJECTS {
        subject::clear(muc, room, context);
    } else if table == keys::MESSAGES {
        // The history keeps no mark of a message that is gone; an archive will.
        context.turn.delete(table, row.key.to_vec());
        if let Some(room) = muc.rooms.here_by_id(room) {
            room.kept = Kept::default();
        }
    }
    Ok(())
}

/// Its record names nobody, but has the occupant id that came with it.
fn set_by(person: &Jid, room: u64, row: &Row, context: &Context<'_, '_>) -> Outcome<bool> {
    let Some(id) = occupant_id::stored(context.turn, room, person.key())? else { return Ok(false) };
    Ok(SubjectRecord::of(row)?.payload.ends_with(&occupant_id::element(&id)))
}

fn lower(muc: &mut Muc, room: u64, person: &Jid, context: &mut Context<'_, '_>) -> Outcome<()> {
    let Some(room) = muc.rooms.find_by_id(room, context)? else { return Ok(()) };
    for number in room.occupants_of_person(person) {
        if let Some(occupant) = room.occupants.get_mut(&number) {
            occupant.affiliation = Affiliation::None;
        }
        room.publish(number, Asked::default(), context);
    }
    Ok(())
}

/// How many there were.
fn end_sessions(
    muc: &mut Muc,
    room: u64,
    person: &Jid,
    context: &mut Context<'_, '_>,
) -> Outcome<usize> {
    let Some(room) = muc.rooms.find_by_id(room, context)? else { return Ok(0) };
    let mut ended = 0;
    for number in room.occupants_of_person(person) {
        let Some(occupant) = room.occupants.get(&number) else { continue };
        let sessions = occupant.sessions.clone();
        ended += sessions.len();
        let departure = Departure { codes: &[321], ..Departure::default() };
        let farewell = room.depart(number, &sessions, &departure, context);
        room.farewell(farewell, context);
    }
    let jid = room.jid.clone();
    leave::settle(muc, &jid, context)?;
    Ok(ended)
}
