//! The audit log: an append-only record of what moderators, admins and operators did.
//!
//! Who, what, whom, reason; never the body of a message. Entries are kept for 90 days and deleted
//! in slices. Whoever owns a room can cause entries as fast as requests arrive: so those of one user
//! are bounded by the hour, and the last one says so. The command `audit` (verb and XEP-0050) shows them, newest first.

use std::{cmp::Ordering, collections::BTreeMap, ops::Bound, time::Duration};

use annex_stanza::{Field, FieldKind, Jid, Timestamp, form::Method};
use serde::{Deserialize, Serialize};

use crate::{
    command::{Access, Arguments, Command, Next, Report, Step},
    commands::Ticket,
    context::{Context, Outcome},
    effect::Timer,
    pending::Pending,
    record::{Key, Parts, Record},
    store::{Op, Page, Scan, StoreError, Table},
    turn::Turn,
};

/// Entries by the stamp at which they were made.
pub const TABLE: Table = Table::new(4, "audit");

/// Deletes what is older than the retention.
pub const TIMER: Timer = Timer { kind: 6, id: 0 };

const RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const SWEEP: Duration = Duration::from_secs(60 * 60);
/// Longest text of an entry that is kept, in bytes.
const LONGEST: usize = 1024;
/// Entries on one page.
const PAGE: usize = 50;
/// Pages that may be under way at once.
const PAGES: usize = 64;

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// An address, or the name of a local user who ran a verb.
    pub who: String,
    /// Such as `room/destroy`.
    pub what: String,
    /// To whom or to what.
    pub whom: String,
    /// As it was given; may be empty.
    pub reason: String,
}

impl Record for Entry {
    const TABLE: Table = TABLE;
}

/// Entries of one user in an hour; admins and operators have as many as they need.
const EACH: u32 = 1_000;
/// Users whose entries are counted at once; with more of them the count begins anew.
const COUNTED: usize = 10_000;
const HOUR: u64 = 60 * 60;

/// Entries by user in this hour. Memory only: a restart begins a new hour.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    hour: u64,
    used: BTreeMap<String, u32>,
}

impl Quota {
    /// How many entries this user has in this hour, with this one.
    fn count(&mut self, who: &str, since_start: Duration) -> u32 {
        let hour = since_start.as_secs() / HOUR;
        if hour != self.hour || self.used.len() >= COUNTED {
            *self = Self { hour, used: BTreeMap::new() };
        }
        let used = self.used.entry(who.to_owned()).or_default();
        *used = used.saturating_add(1);
        *used
    }
}

/// Writes an entry, unless its user has had enough. Components call [`Context::audit`].
pub(crate) fn write(mut entry: Entry, context: &mut Context<'_, '_>) {
    let user = Jid::parse(&entry.who).ok().filter(|who| who.local().is_some());
    if let Some(user) = user.filter(|user| !context.shared.common.is_admin(user)) {
        let now = context.turn.since_start();
        match context.shared.audit_quota.count(user.bare_key(), now).cmp(&EACH) {
            Ordering::Less => {}
            Ordering::Equal => {
                entry.what = "audit/full".into();
                entry.reason = format!("{EACH} entries in an hour: the rest of it is not kept");
            }
            Ordering::Greater => {
                context.turn.count("annex_audit_dropped_total", None);
                return;
            }
        }
    }
    note(context.turn, entry);
}

fn note(turn: &mut Turn<'_>, mut entry: Entry) {
    for text in [&mut entry.who, &mut entry.what, &mut entry.whom, &mut entry.reason] {
        cut(text);
    }
    let stamp = turn.stamp();
    entry.save(turn, Key::new().u64(stamp));
}

fn cut(text: &mut String) {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

/// Deletes a slice of what is too old, and comes back for the rest, or an hour later. Called at the
/// start and when [`TIMER`] fires.
pub(crate) fn sweep(turn: &mut Turn<'_>) -> Result<(), StoreError> {
    let kept = i64::try_from(RETENTION.as_micros()).unwrap_or(i64::MAX);
    let oldest = u64::try_from(turn.wall().0.saturating_sub(kept)).unwrap_or(0);
    let end = Bound::Excluded(Key::new().u64(oldest).into());
    let page = turn.scan(Scan { end, ..Scan::all(TABLE) })?;
    for row in &page.rows {
        turn.write(Op::delete(TABLE, row.key.to_vec()));
    }
    turn.arm(TIMER, if page.complete { SWEEP } else { Duration::ZERO });
    Ok(())
}

/// Pages of the log that are being read, for the command that asked.
#[derive(Debug)]
pub(crate) struct Pages(pub(crate) Pending<Ticket>);

impl Default for Pages {
    fn default() -> Self {
        Self(Pending::new(PAGES))
    }
}

/// The command `audit`, of every service.
pub(crate) fn command<C>() -> Command<C> {
    Command { node: "audit", name: "Audit log", access: Access::Admins, run: show }
}

/// Arguments: `before`, a stamp from an earlier page.
fn show<C>(
    _: &mut C,
    _: &Jid,
    given: &Arguments,
    answered: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if answered == 0 {
        let before = Field::new(FieldKind::TextSingle, "before")
            .label("Older than this stamp (empty for the newest)")
            .datatype("xs:unsignedLong", Method::Basic);
        return Ok(Next::Ask(Step { fields: vec![before], ..Step::default() }));
    }
    let before = match given.one("before").map(str::parse::<u64>) {
        Some(Ok(stamp)) => Bound::Excluded(Key::new().u64(stamp).into()),
        Some(Err(_)) => return Err(refusals::bad_before().into()),
        None => Bound::Unbounded,
    };
    if context.shared.audit_pages.0.is_full() {
        return Err(refusals::busy().into());
    }
    let scan = Scan { end: before, ..Scan::all(TABLE) }.reversed().limit(PAGE);
    let id = context.fetch(scan);
    let ticket = context.ticket();
    context.shared.audit_pages.0.insert(id, ticket);
    Ok(Next::Later(ticket))
}

/// A page arrived: true if it was one of the log's.
pub(crate) fn fetched(
    id: u64,
    page: &Page,
    context: &mut Context<'_, '_>,
) -> Result<bool, StoreError> {
    let Some(ticket) = context.shared.audit_pages.0.take(id) else {
        return Ok(false);
    };
    let report = report(page)?;
    context.finish(ticket, Ok(report));
    Ok(true)
}

fn report(page: &Page) -> Result<Report, StoreError> {
    let mut rows = Vec::with_capacity(page.rows.len());
    for row in &page.rows {
        let stamp = Parts::of(TABLE, &row.key).u64()?;
        let Entry { who, what, whom, reason } = Entry::of(row)?;
        let time = Timestamp(i64::try_from(stamp).unwrap_or(i64::MAX)).to_string();
        rows.push(vec![stamp.to_string(), time, who, what, whom, reason]);
    }
    let note = match rows.last() {
        _ if page.complete => format!("{} entries", rows.len()),
        Some(last) => format!("{} entries; go on with before={}", rows.len(), last[0]),
        None => "no entries".into(),
    };
    let columns = vec![
        ("stamp", "Stamp"),
        ("time", "Time"),
        ("who", "Who"),
        ("what", "What"),
        ("whom", "Whom"),
        ("reason", "Reason"),
    ];
    Ok(Report { note, columns, rows })
}

mod refusals {
    use annex_stanza::{Condition, Refusal};

    pub(super) fn bad_before() -> Refusal {
        Refusal::new(Condition::BadRequest, "command.argument")
            .text("before: a stamp from an earlier page")
    }

    pub(super) fn busy() -> Refusal {
        Refusal::new(Condition::ResourceConstraint, "command.busy")
    }
}
