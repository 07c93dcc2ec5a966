//! What the commands about lists ask for, and what they are given.

use annex_service::{
    command::{Arguments, Next, Step},
    context::{Context, Outcome},
    record::Record,
};
use annex_stanza::{Field, FieldKind, Jid};

use super::is_in;
use crate::{
    holders,
    keys::{LONGEST, ListRecord},
    refusals,
};

/// A verb of the admin socket, or an admin.
pub(super) fn is_admin(actor: &Jid, context: &Context<'_, '_>) -> bool {
    context.shared.common.is_admin(actor) || is_verb(actor, context)
}

/// A verb of the admin socket.
pub(super) fn is_verb(actor: &Jid, context: &Context<'_, '_>) -> bool {
    actor.bare_key() == context.shared.common.jid.bare_key()
}

/// A field of a form: its name, its kind and its label.
pub(super) type Asked = (&'static str, FieldKind, &'static str);

pub(super) const NAME: Asked = ("list", FieldKind::TextSingle, "Name of the list");
pub(super) const AFTER: Asked =
    ("after", FieldKind::TextSingle, "More than a page: begin after the list of this name");
pub(super) const BEHIND: Asked =
    ("after", FieldKind::TextSingle, "More than a page: begin after this address");
pub(super) const MEMBERS: Asked = ("members", FieldKind::JidMulti, "Addresses, one a line");
pub(super) const OWNERS: Asked = ("owners", FieldKind::JidMulti, "Owners, one a line");
pub(super) const OPEN: Asked = ("open", FieldKind::Boolean, "Anyone may write to it");

pub(super) fn field((var, kind, label): Asked) -> Field {
    Field::new(kind, var).label(label)
}

/// The one form of a command.
pub(super) fn ask(fields: Vec<Field>) -> Outcome<Next> {
    Ok(Next::Ask(Step { instructions: String::new(), fields, more: false }))
}

pub(super) fn required(fields: &[Asked]) -> Outcome<Next> {
    ask(fields.iter().map(|one| field(*one).required()).collect())
}

/// Key of a list by its name or its address.
pub(super) fn key(given: &Arguments, context: &Context<'_, '_>) -> Outcome<(String, String)> {
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
pub(super) fn own(
    actor: &Jid,
    given: &Arguments,
    context: &Context<'_, '_>,
) -> Outcome<(String, ListRecord)> {
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

pub(super) fn addresses(
    given: &Arguments,
    var: &str,
    context: &Context<'_, '_>,
) -> Outcome<Vec<Jid>> {
    let lines = given.all(var).iter().flat_map(|value| value.lines()).map(str::trim);
    let mut found = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let jid = Jid::parse(line).map_err(|_| refusals::bad_member())?;
        // A list within a list would be a loop sooner or later, and so would a service.
        if jid.local().is_none() || jid.domain_key() == context.shared.common.jid.domain_key() {
            return Err(refusals::bad_member().into());
        }
        found.push(jid);
    }
    Ok(found)
}

pub(super) fn is_open(given: &Arguments) -> bool {
    matches!(given.one("open"), Some("1" | "true"))
}

pub(super) fn save(
    key: &str,
    before: Option<&ListRecord>,
    record: &ListRecord,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    if !holders::fit(key, before, record) {
        return Err(refusals::long_owner().into());
    }
    holders::put(key, before, Some(record), context.turn);
    Ok(())
}
