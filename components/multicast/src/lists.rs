//! Stored lists of recipients: `list@multicast.example.com` among the addresses stands for its
//! members. Recipients see the list and not its members. Managed by ad-hoc commands (XEP-0050).

use annex_service::{
    command::{Access, Arguments, Command, Next, Report, Step},
    context::{Context, Outcome},
    record::Record,
    store::{Scan, StoreError},
};
use annex_stanza::{Field, FieldKind, Jid};

use crate::{
    address::Fault,
    keys::{self, LONGEST, ListRecord},
    refusals,
    service::Multicast,
};

/// The members of a list, for a stanza of this sender; or why there are none.
pub(crate) fn members(
    list: &Jid,
    sender: &Jid,
    context: &Context<'_, '_>,
) -> Result<Result<Vec<Jid>, Fault>, StoreError> {
    let Some(local) = list.local_key().filter(|local| local.len() <= LONGEST) else {
        return Ok(Err(Fault::Itself));
    };
    let Some(record) = ListRecord::load(context.turn, local.as_bytes())? else {
        return Ok(Err(Fault::NoList));
    };
    if !(record.open || is_in(&record.owners, sender) || is_in(&record.members, sender)) {
        return Ok(Err(Fault::ListClosed));
    }
    Ok(Ok(record.members.iter().filter_map(|member| Jid::parse(member).ok()).collect()))
}

fn is_in(list: &[String], jid: &Jid) -> bool {
    list.iter().any(|one| Jid::parse(one).is_ok_and(|one| one.bare_key() == jid.bare_key()))
}

/// All commands.
pub(crate) fn commands() -> Vec<Command<Multicast>> {
    let command = |node, name, run| Command { node, name, access: Access::Anyone, run };
    vec![
        command("lists/list", "Lists of recipients", list),
        command("lists/show", "Show a list", show),
        command("lists/create", "Create a list", create),
        command("lists/delete", "Delete a list", delete),
        command("lists/add", "Add members to a list", add),
        command("lists/remove", "Remove members from a list", remove),
        command("lists/owners", "Set the owners of a list", owners),
    ]
}

/// A verb of the admin socket, or an admin.
fn is_admin(actor: &Jid, context: &Context<'_, '_>) -> bool {
    let common = &context.shared.common;
    common.is_admin(actor) || actor.bare_key() == common.jid.bare_key()
}

/// Asks for what is missing.
fn asked(given: &Arguments, fields: &[(&'static str, &'static str)]) -> Option<Next> {
    let is_missing = |(var, _): &&(&str, &str)| given.one(var).is_none_or(str::is_empty);
    fields.iter().find(is_missing)?;
    let field = |(var, label): &(&'static str, &'static str)| {
        let many = matches!(*var, "members" | "owners");
        let kind = if many { FieldKind::JidMulti } else { FieldKind::TextSingle };
        Field::new(kind, *var).label(*label).required()
    };
    let fields = fields.iter().map(field).collect();
    Some(Next::Ask(Step { instructions: String::new(), fields, more: false }))
}

const NAME: (&str, &str) = ("list", "Name of the list");
const MEMBERS: (&str, &str) = ("members", "Addresses, one a line");
const OWNERS: (&str, &str) = ("owners", "Owners, one a line");

/// Key of a list by its name or its address.
fn key(given: &Arguments, context: &Context<'_, '_>) -> Outcome<(String, String)> {
    let text = given.one("list").unwrap_or_default().trim();
    let domain = context.shared.common.jid.domain();
    let jid = match Jid::parse(text) {
        Ok(jid) if jid.local().is_some() => Ok(jid),
        _ => Jid::from_parts(Some(text), domain, None),
    };
    let jid = jid.map_err(|_| refusals::list_name())?;
    let (Some(name), Some(key)) = (jid.local(), jid.local_key()) else {
        return Err(refusals::list_name().into());
    };
    let ours = jid.domain_key() == context.shared.common.jid.domain_key();
    if !ours || jid.is_full() || key.len() > LONGEST {
        return Err(refusals::list_name().into());
    }
    Ok((name.to_owned(), key.to_owned()))
}

/// A list that the actor owns.
fn own(actor: &Jid, given: &Arguments, context: &Context<'_, '_>) -> Outcome<(String, ListRecord)> {
    let (_, key) = key(given, context)?;
    let record = ListRecord::load(context.turn, key.as_bytes())?;
    match record {
        Some(record) if is_admin(actor, context) || is_in(&record.owners, actor) => {
            Ok((key, record))
        }
        None if is_admin(actor, context) => Err(refusals::no_list().into()),
        // Strangers learn nothing about which lists there are.
        Some(_) | None => Err(refusals::not_owner().into()),
    }
}

fn addresses(given: &Arguments, var: &str, context: &Context<'_, '_>) -> Outcome<Vec<Jid>> {
    let lines = given.all(var).iter().flat_map(|value| value.lines()).map(str::trim);
    let mut found = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let jid = Jid::parse(line).map_err(|_| refusals::bad_member())?;
        // A list within a list would be a loop sooner or later.
        if jid.domain_key() == context.shared.common.jid.domain_key() {
            return Err(refusals::bad_member().into());
        }
        found.push(jid);
    }
    Ok(found)
}

fn done(note: String) -> Outcome<Next> {
    Ok(Next::Done(Report { note, ..Report::default() }))
}

/// Every list, as far as the actor owns it. Argument: `after`, the last one of the page before.
fn list(
    _: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    given.only(&["after"])?;
    let mut scan = Scan::all(keys::LISTS);
    if let Some(after) = given.one("after") {
        scan = scan.after(after.as_bytes());
    }
    let page = context.turn.scan(scan)?;
    let mut rows = Vec::new();
    for row in &page.rows {
        let record = ListRecord::of(row)?;
        if is_admin(actor, context) || is_in(&record.owners, actor) {
            let members = record.members.len().to_string();
            rows.push(vec![record.name, members, record.owners.join(" ")]);
        }
    }
    let last = page.rows.last().map(|row| String::from_utf8_lossy(&row.key));
    let note = match last {
        Some(last) if !page.complete => format!("{} lists; go on with after={last}", rows.len()),
        _ => format!("{} lists", rows.len()),
    };
    let columns = vec![("list", "List"), ("members", "Members"), ("owners", "Owners")];
    Ok(Next::Done(Report { note, columns, rows }))
}

/// The members of one.
fn show(
    _: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if let Some(ask) = asked(given, &[NAME]) {
        return Ok(ask);
    }
    let (_, record) = own(actor, given, context)?;
    let row = |who: &'static str| move |jid: String| vec![jid, who.to_owned()];
    let owners = record.owners.into_iter().map(row("owner"));
    let rows: Vec<_> = owners.chain(record.members.into_iter().map(row("member"))).collect();
    let note = match record.open {
        true => format!("{}: anyone may write to it", record.name),
        false => format!("{}: owners and members may write to it", record.name),
    };
    let columns = vec![("jid", "Address"), ("role", "Role")];
    Ok(Next::Done(Report { note, columns, rows }))
}

/// A new one. Arguments: `list`, and for admins `owners`; `open` lets anyone write to it.
fn create(
    multicast: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    let admin = is_admin(actor, context);
    let local = multicast.settings.lists_by_local && context.shared.common.is_local(actor);
    if !admin && !local {
        return Err(refusals::may_not_create().into());
    }
    let verb = actor.bare_key() == context.shared.common.jid.bare_key();
    let wanted: &[_] = if verb { &[NAME, OWNERS] } else { &[NAME] };
    if let Some(ask) = asked(given, wanted) {
        return Ok(ask);
    }
    let (name, key) = key(given, context)?;
    if ListRecord::load(context.turn, key.as_bytes())?.is_some() {
        return Err(refusals::list_exists().into());
    }
    let mut owners = addresses(given, "owners", context)?;
    if owners.is_empty() {
        owners.push(actor.bare());
    }
    let record = ListRecord {
        name,
        owners: owners.iter().map(|owner| owner.bare().as_str().to_owned()).collect(),
        members: Vec::new(),
        open: matches!(given.one("open"), Some("1" | "true")),
    };
    record.save(context.turn, key.as_bytes());
    context.audit(actor, "lists/create", &record.name, None);
    done(format!("{}@{} is there", record.name, context.shared.common.jid))
}

fn delete(
    _: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if let Some(ask) = asked(given, &[NAME]) {
        return Ok(ask);
    }
    let (key, record) = own(actor, given, context)?;
    context.turn.delete(keys::LISTS, key.as_bytes());
    context.audit(actor, "lists/delete", &record.name, None);
    done(format!("{} is gone", record.name))
}

fn add(
    multicast: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if let Some(ask) = asked(given, &[NAME, MEMBERS]) {
        return Ok(ask);
    }
    let (key, mut record) = own(actor, given, context)?;
    let new = addresses(given, "members", context)?;
    let mut there: std::collections::BTreeSet<String> = (record.members.iter())
        .filter_map(|one| Some(Jid::parse(one).ok()?.key().into()))
        .collect();
    let before = record.members.len();
    let added = new.iter().filter(|jid| there.insert(jid.key().into()));
    record.members.extend(added.map(|jid| jid.as_str().to_owned()));
    if record.members.len() > multicast.settings.list_members {
        return Err(refusals::list_full().into());
    }
    record.save(context.turn, key.as_bytes());
    done(format!("{} added, {} members", record.members.len() - before, record.members.len()))
}

fn remove(
    _: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if let Some(ask) = asked(given, &[NAME, MEMBERS]) {
        return Ok(ask);
    }
    let (key, mut record) = own(actor, given, context)?;
    let gone = addresses(given, "members", context)?;
    let before = record.members.len();
    record.members.retain(|one| !Jid::parse(one).is_ok_and(|one| gone.contains(&one)));
    record.save(context.turn, key.as_bytes());
    done(format!("{} removed, {} members", before - record.members.len(), record.members.len()))
}

fn owners(
    _: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if let Some(ask) = asked(given, &[NAME, OWNERS]) {
        return Ok(ask);
    }
    let (key, mut record) = own(actor, given, context)?;
    let owners = addresses(given, "owners", context)?;
    if owners.is_empty() {
        return Err(refusals::last_owner().into());
    }
    record.owners = owners.iter().map(|owner| owner.bare().as_str().to_owned()).collect();
    record.save(context.turn, key.as_bytes());
    context.audit(actor, "lists/owners", &record.name, None);
    done(format!("{} has {} owners", record.name, record.owners.len()))
}
