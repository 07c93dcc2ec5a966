//! Which lists there are, and who is on one: in pages, of as much as an answer has room for. The
//! admin socket takes all at once.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use annex_service::{
    command::{Arguments, Next, Report},
    context::{Context, Outcome},
    record::Record,
    store::Scan,
};
use annex_stanza::{Jid, xml::escape_text};

use super::given::{AFTER, BEHIND, NAME, ask, field, is_admin, is_verb, own};
use crate::{
    holders::{self, Hold},
    keys::{self, ListRecord},
    service::Multicast,
};

/// Every list, as far as the actor owns it. Argument: `after`, the last one of the page before; where
/// there are more than a page, it is asked for.
pub(super) fn list(
    _: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    answered: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    given.only(&["after"])?;
    let after = given.one("after").unwrap_or_default();
    let (keys, mut complete) = if is_admin(actor, context) {
        let page = context.turn.scan(Scan::all(keys::LISTS).after(after.as_bytes()))?;
        let keys = page.rows.iter().map(|row| String::from_utf8_lossy(&row.key).into_owned());
        (keys.collect(), page.complete)
    } else {
        holders::lists(Hold::Owner, actor, after, context.turn)?
    };
    let mut rows = Vec::new();
    for key in keys {
        if let Some(record) = ListRecord::load(context.turn, key.as_bytes())? {
            let members = record.members.len().to_string();
            rows.push((key, vec![record.name, members, record.owners.join(" ")]));
        }
    }
    complete &= !cut(&mut rows, actor, context);
    if answered == 0 && after.is_empty() && !complete {
        return ask(vec![field(AFTER)]);
    }
    let mut note = counted(rows.len(), "list");
    if let Some((last, _)) = rows.last().filter(|_| !complete) {
        note.push_str(&format!("; go on with after={last}"));
    }
    let columns = vec![("list", "List"), ("members", "Members"), ("owners", "Owners")];
    Ok(Next::Done(Report { note, columns, rows: rows.into_iter().map(|(_, row)| row).collect() }))
}

/// Who is on one: owners first. Argument: `after`, the last address of the page before.
pub(super) fn show(
    _: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    answered: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if answered == 0 {
        return ask(vec![field(NAME).required(), field(BEHIND)]);
    }
    let (_, record) = own(actor, given, context)?;
    let mut note = may_write(&record);
    let key = |jid: &str| Jid::parse(jid).map_or_else(|_| jid.to_owned(), |jid| jid.key().into());
    let mut all = BTreeMap::new();
    for jid in record.owners {
        all.insert((false, key(&jid)), vec![jid, "owner".to_owned()]);
    }
    for jid in record.members {
        let key = key(&jid);
        match all.get_mut(&(false, key.clone())) {
            Some(owner) => "owner, member".clone_into(&mut owner[1]),
            None => drop(all.insert((true, key), vec![jid, "member".to_owned()])),
        }
    }
    let start = match given.one("after").map(str::trim) {
        Some(after) if !after.is_empty() => {
            let owner = (false, key(after));
            Excluded(if all.contains_key(&owner) { owner } else { (true, owner.1) })
        }
        _ => Unbounded,
    };
    let left = all.range((start, Unbounded)).map(|(key, row)| (key, row.clone()));
    let mut rows: Vec<_> = left.collect();
    if cut(&mut rows, actor, context)
        && let Some((_, last)) = rows.last()
    {
        let more = format!("; {} of {}; go on with after={}", rows.len(), all.len(), last[0]);
        note.push_str(&more);
    }
    let columns = vec![("jid", "Address"), ("role", "Role")];
    Ok(Next::Done(Report { note, columns, rows: rows.into_iter().map(|(_, row)| row).collect() }))
}

/// Leaves of the rows, each behind its key, as many as an answer to a client has room for, at least
/// one; whether any are gone.
fn cut<K>(rows: &mut Vec<(K, Vec<String>)>, actor: &Jid, context: &Context<'_, '_>) -> bool {
    /// Of what stands around all of them, and around each cell.
    const AROUND: usize = 4096;
    const CELL: usize = 80;
    if is_verb(actor, context) {
        return false;
    }
    // As much again is left for the addresses and the id in the header.
    let room = context.shared.common.stanza_out.saturating_sub(AROUND) / 2;
    let mut written = Vec::new();
    let fit = rows.iter().take_while(|(_, row)| {
        for cell in row {
            escape_text(cell, &mut written);
            written.resize(written.len() + CELL, 0);
        }
        written.len() <= room
    });
    let fit = fit.count().max(1);
    let is_cut = fit < rows.len();
    rows.truncate(fit);
    is_cut
}

/// `1 list`, `2 lists`.
pub(super) fn counted(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}

pub(super) fn may_write(record: &ListRecord) -> String {
    match record.open {
        true => format!("{}: anyone may write to it", record.name),
        false => format!("{}: owners and members may write to it", record.name),
    }
}
