//! Stored lists of recipients: `list@multicast.example.com` among the addresses, or written to
//! itself, stands for its members. Recipients see the list and not its members. Managed by ad-hoc
//! commands (XEP-0050).

mod given;
mod shown;

use annex_service::{
    command::{Access, Arguments, Command, Next, Report},
    context::{Context, Outcome},
    record::Record,
    store::StoreError,
};
use annex_stanza::Jid;
use given::{
    MEMBERS, NAME, OPEN, OWNERS, addresses, ask, field, is_admin, is_open, is_verb, key, own,
    required, save,
};
use shown::{counted, may_write};

use crate::{
    address::Fault,
    holders,
    keys::{LONGEST, ListRecord},
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
    let members = record.members.iter().filter_map(|member| Jid::parse(member).ok());
    // A service among them would send it back to the list. Older programs took such members.
    Ok(Ok(members.filter(|member| member.local().is_some()).collect()))
}

fn is_in(list: &[String], jid: &Jid) -> bool {
    list.iter().any(|one| Jid::parse(one).is_ok_and(|one| one.bare_key() == jid.bare_key()))
}

/// All commands.
pub(crate) fn commands() -> Vec<Command<Multicast>> {
    let command = |node, name, run| Command { node, name, access: Access::Anyone, run };
    vec![
        command("lists/list", "Lists of recipients", shown::list),
        command("lists/show", "Show a list", shown::show),
        command("lists/create", "Create a list", create),
        command("lists/delete", "Delete a list", delete),
        command("lists/add", "Add members to a list", add),
        command("lists/remove", "Remove members from a list", remove),
        command("lists/open", "Let anyone write to a list", open),
        command("lists/owners", "Set the owners of a list", owners),
    ]
}

fn done(note: String) -> Outcome<Next> {
    Ok(Next::Done(Report { note, ..Report::default() }))
}

/// A new one, for whoever makes it or for `owners`; `open` lets anyone write to it.
fn create(
    multicast: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    answered: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    let admin = is_admin(actor, context);
    let local = multicast.settings.lists_by_local && context.shared.common.is_local(actor);
    if !admin && !local {
        return Err(refusals::may_not_create().into());
    }
    if answered == 0 {
        let owners = field(OWNERS);
        let owners = if is_verb(actor, context) { owners.required() } else { owners };
        return ask(vec![field(NAME).required(), owners, field(OPEN).value("0")]);
    }
    let most = multicast.settings.lists_per_creator;
    if !admin && most > 0 && holders::has_made(actor, most, context.turn)? {
        return Err(refusals::many_lists().into());
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
        open: is_open(given),
        creator: (!admin).then(|| actor.bare().as_str().to_owned()),
    };
    save(&key, None, &record, context)?;
    context.audit(actor, "lists/create", &record.name, None);
    done(format!("{}@{} is there", record.name, context.shared.common.jid))
}

fn delete(
    _: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    answered: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if answered == 0 {
        return required(&[NAME]);
    }
    let (key, record) = own(actor, given, context)?;
    holders::put(&key, Some(&record), None, context.turn);
    context.audit(actor, "lists/delete", &record.name, None);
    done(format!("{} is gone", record.name))
}

fn add(
    multicast: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    answered: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if answered == 0 {
        return required(&[NAME, MEMBERS]);
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
    context.audit(actor, "lists/add", &record.name, None);
    let members = counted(record.members.len(), "member");
    done(format!("{} added, {members}", record.members.len() - before))
}

fn remove(
    _: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    answered: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if answered == 0 {
        return required(&[NAME, MEMBERS]);
    }
    let (key, mut record) = own(actor, given, context)?;
    let gone = addresses(given, "members", context)?;
    let before = record.members.len();
    record.members.retain(|one| !Jid::parse(one).is_ok_and(|one| gone.contains(&one)));
    record.save(context.turn, key.as_bytes());
    context.audit(actor, "lists/remove", &record.name, None);
    let members = counted(record.members.len(), "member");
    done(format!("{} removed, {members}", before - record.members.len()))
}

fn owners(
    _: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    answered: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if answered == 0 {
        return required(&[NAME, OWNERS]);
    }
    let (key, mut record) = own(actor, given, context)?;
    let owners = addresses(given, "owners", context)?;
    if owners.is_empty() {
        return Err(refusals::last_owner().into());
    }
    let before = record.clone();
    record.owners = owners.iter().map(|owner| owner.bare().as_str().to_owned()).collect();
    save(&key, Some(&before), &record, context)?;
    context.audit(actor, "lists/owners", &record.name, None);
    done(format!("{} has {}", record.name, counted(record.owners.len(), "owner")))
}

/// Whether anyone may write to it.
fn open(
    _: &mut Multicast,
    actor: &Jid,
    given: &Arguments,
    answered: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if answered == 0 {
        return required(&[NAME, OPEN]);
    }
    let (key, mut record) = own(actor, given, context)?;
    record.open = is_open(given);
    record.save(context.turn, key.as_bytes());
    context.audit(actor, "lists/open", &record.name, None);
    done(may_write(&record))
}
