//! Everything that is stored about someone, shown or forgotten. Nothing is indexed by person, and an
//! operator asks rarely: the tables are walked in pages, off the core.

use annex_service::{
    command::Report,
    component::Person,
    context::{Context, Outcome},
    record::Record,
    store::{Page, Row, Scan, Table},
};
use annex_stanza::Jid;

use crate::{
    holders::{self, Hold},
    keys::{LISTS, ListRecord, ORIGINS, OriginRecord},
    presence, refusals,
    service::Multicast,
};

/// Records of one page.
const PAGE: usize = 256;
/// Lines of an answer at most.
const LINES: usize = 10_000;
/// Walks at once.
const WALKS: usize = 4;

/// A walk under way.
#[derive(Debug)]
pub(crate) struct Walk {
    token: u64,
    person: Jid,
    forget: bool,
    table: Table,
    found: usize,
    rows: Vec<Vec<String>>,
}

impl Walk {
    fn is(&self, text: &str) -> bool {
        Jid::parse(text).is_ok_and(|jid| jid.bare_key() == self.person.bare_key())
    }

    fn row(&mut self, what: &str, place: String) {
        self.found += 1;
        if self.rows.len() < LINES {
            self.rows.push(vec![what.to_owned(), place]);
        }
    }
}

/// Begins `person show` or `person forget`.
pub(crate) fn begin(
    multicast: &mut Multicast,
    token: u64,
    person: &Jid,
    what: Person,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    if multicast.walks.len() >= WALKS {
        return Err(refusals::busy().into());
    }
    let forget = what != Person::Show;
    let person = person.bare();
    let walk = Walk { token, person, forget, table: LISTS, found: 0, rows: Vec::new() };
    fetch(multicast, walk, None, context);
    Ok(())
}

fn fetch(
    multicast: &mut Multicast,
    walk: Walk,
    after: Option<&[u8]>,
    context: &mut Context<'_, '_>,
) {
    let scan = Scan::all(walk.table).limit(PAGE);
    let id = context.fetch(match after {
        Some(after) => scan.after(after),
        None => scan,
    });
    multicast.walks.insert(id, walk);
}

/// A page was read: what concerns the person is shown or forgotten, and the walk goes on.
pub(crate) fn fetched(
    multicast: &mut Multicast,
    mut walk: Walk,
    page: &Page,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    for row in &page.rows {
        match walk.table == LISTS {
            true => list(&mut walk, row, context)?,
            false => origin(multicast, &mut walk, row, context)?,
        }
    }
    match page.rows.last() {
        Some(last) if !page.complete => fetch(multicast, walk, Some(&last.key), context),
        _ if walk.table == LISTS => {
            walk.table = ORIGINS;
            fetch(multicast, walk, None, context);
        }
        _ => {
            let verb = if walk.forget { "records forgotten" } else { "records" };
            let note = format!("{} {verb}", walk.found);
            let columns = vec![("what", "What"), ("where", "Where")];
            context.respond(walk.token, Report { note, columns, rows: walk.rows });
        }
    }
    Ok(())
}

fn list(walk: &mut Walk, row: &Row, context: &mut Context<'_, '_>) -> Outcome<()> {
    let has = |walk: &Walk, all: &[String]| all.iter().any(|one| walk.is(one));
    let seen = ListRecord::of(row)?;
    let made = |walk: &Walk, one: &ListRecord| one.creator.iter().any(|one| walk.is(one));
    if !has(walk, &seen.owners) && !has(walk, &seen.members) && !made(walk, &seen) {
        return Ok(());
    }
    // It may have changed since it was read.
    let Some(mut record) = ListRecord::load(context.turn, &row.key)? else { return Ok(()) };
    let (owner, member) = (has(walk, &record.owners), has(walk, &record.members));
    if owner {
        walk.row("list owner", record.name.clone());
    }
    if member {
        walk.row("list member", record.name.clone());
    }
    if made(walk, &record) {
        walk.row("list creator", record.name.clone());
    }
    if walk.forget {
        let before = record.clone();
        record.creator.take_if(|one| walk.is(one));
        record.owners.retain(|one| !walk.is(one));
        record.members.retain(|one| !walk.is(one));
        // A list stays somebody's: of an admin, who may do with it what they want anyway.
        let key = String::from_utf8_lossy(&row.key);
        let admin = context.shared.common.admins.first().map(|one| one.bare().as_str().to_owned());
        if record.owners.is_empty() {
            record.owners.extend(admin.filter(|one| holders::fits(Hold::Owner, one, &key)));
        }
        holders::put(&key, Some(&before), Some(&record), context.turn);
    }
    Ok(())
}

fn origin(
    multicast: &mut Multicast,
    walk: &mut Walk,
    row: &Row,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let seen = OriginRecord::of(row)?;
    if !walk.is(&seen.jid) && !seen.recipients.iter().any(|one| walk.is(one)) {
        return Ok(());
    }
    let Some(mut record) = OriginRecord::load(context.turn, &row.key)? else { return Ok(()) };
    if walk.is(&record.jid) {
        walk.row("presence sent to", record.recipients.join(" "));
        if let (true, Ok(origin)) = (walk.forget, Jid::parse(&record.jid)) {
            presence::vanished(multicast, &origin, context)?;
        }
    } else {
        walk.row("presence received from", record.jid.clone());
        if walk.forget {
            record.recipients.retain(|one| !walk.is(one));
            record.save(context.turn, row.key.to_vec());
        }
    }
    Ok(())
}
