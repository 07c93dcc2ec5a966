//! Lists of roles and affiliations (XEP-0045 §8.5, §9.2, §9.5, §9.8, §10.5, §10.8): reading them.
//!
//! XEP-0045 knows no pages, and a list may be longer than a stanza. So affiliations are paged as
//! other lists are (XEP-0059), and a list that is cut says so with a `<set/>`, asked for or not.

use annex_service::{
    context::{Context, Outcome, ReplyTo},
    paging,
    record::Record,
    registry::Answer,
    store::{Page, Scan},
};
use annex_stanza::{Stanza, Xml, ns, rsm};

use super::{
    Room,
    admin::query,
    affiliation::{Affiliation, Role},
    config::Whois,
    item::Item,
    state,
};
use crate::{
    keys::{self, AffiliationRecord},
    refusals,
    service::{Muc, Waiting},
};

/// Records of a list that are read for one answer.
const PAGE: usize = 4096;

/// A list that is being read for somebody.
#[derive(Debug)]
pub(crate) struct Listing {
    reply: ReplyTo,
    affiliation: Affiliation,
    /// The page that was asked for, if one was.
    page: Option<rsm::Request>,
}

/// §8.5, §9.2, §9.5, §9.8, §10.5, §10.8: a list.
pub(crate) fn get(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    let query = query(stanza)?;
    let item = query.get_child("item", ns::MUC_ADMIN).ok_or_else(refusals::bad_item)?;
    let Muc { rooms, settings, waiting, .. } = muc;
    let room = rooms.open(stanza, context)?;
    let own = state::affiliation(context, settings, room.id, &stanza.from)?;
    let own_role = room.occupant_of(&stanza.from).map_or(Role::None, |occupant| occupant.role);
    match (item.attr("role"), item.attr("affiliation")) {
        (Some(role), None) => {
            let role = Role::parse(role).filter(|role| *role != Role::None);
            let role = role.ok_or_else(refusals::bad_item)?;
            // §8.5: moderators; §9.8: the list of moderators is for admins.
            let moderates = own_role == Role::Moderator && role < Role::Moderator;
            if !moderates && own < Affiliation::Admin {
                return Err(refusals::lacks_privilege().into());
            }
            Ok(Answer::Result(role_list(room, role, longest(context))))
        }
        (None, Some(affiliation)) => {
            let affiliation = Affiliation::parse(affiliation).ok_or_else(refusals::bad_item)?;
            may_list(room, own, own_role, affiliation)?;
            state::note_admin(context, settings, room, &stanza.from, "list/read")?;
            if affiliation == Affiliation::None {
                return Err(refusals::bad_item().into());
            }
            if waiting.is_full() {
                return Err(refusals::busy().into());
            }
            let page = rsm::Request::within(&query)?;
            let all = Scan::prefix(keys::LISTS, &keys::listed(room.id, affiliation, ""));
            let key = |person: &str| {
                let fits = person.len() <= keys::LONGEST_NAME;
                fits.then(|| keys::listed(room.id, affiliation, person).into())
            };
            let scan = paging::scan(&page.clone().unwrap_or_default(), all, PAGE, key)?;
            let id = context.fetch(scan.bytes(context.shared.common.stanza_out));
            let listing = Listing { reply: ReplyTo::from(stanza), affiliation, page };
            waiting.insert(id, Waiting::List(listing));
            Ok(Answer::Later)
        }
        _ => Err(refusals::bad_item().into()),
    }
}

/// Who may read which list: owners all of them, admins those of members and outcasts (§9.2, §9.5).
/// In a non-anonymous room admins read those of owners and admins too (§10.5, §10.8), and if it is
/// for members only, so do members. Beside that, the room may show its members to some roles.
fn may_list(room: &Room, own: Affiliation, role: Role, wanted: Affiliation) -> Outcome<()> {
    let config = &room.record.config;
    let is_open = config.whois == Whois::Anyone;
    let may = own == Affiliation::Owner
        || own == Affiliation::Admin && (wanted < Affiliation::Admin || is_open)
        || own >= Affiliation::Member
            && wanted >= Affiliation::Member
            && is_open
            && config.members_only
        || wanted == Affiliation::Member && config.member_list.has(role);
    if may { Ok(()) } else { Err(refusals::lacks_privilege().into()) }
}

/// A list was read. Rights are judged again: they may have changed meanwhile.
pub(crate) fn fetched(
    muc: &mut Muc,
    asked: &Listing,
    page: &Page,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let answer = listing(muc, asked, page, context);
    match answer {
        Ok(xml) => context.reply(&asked.reply, Ok(xml)),
        Err(annex_service::context::Failure::Refused(refusal)) => {
            context.reply(&asked.reply, Err(refusal));
        }
        Err(store) => return Err(store),
    }
    Ok(())
}

fn listing(
    muc: &mut Muc,
    Listing { reply, affiliation, page: asked }: &Listing,
    page: &Page,
    context: &Context<'_, '_>,
) -> Outcome<Vec<u8>> {
    let Muc { rooms, settings, .. } = muc;
    let room = rooms.find(&reply.asked, context)?.ok_or_else(refusals::no_room)?;
    let own = state::affiliation(context, settings, room.id, &reply.asker)?;
    let role = room.occupant_of(&reply.asker).map_or(Role::None, |occupant| occupant.role);
    may_list(room, own, role, *affiliation)?;
    let prefix = keys::listed(room.id, *affiliation, "").len();
    let (most, mut bytes) = (longest(context), 0);
    let mut items = Vec::new();
    for row in &page.rows {
        let record = AffiliationRecord::of(row)?;
        let mut item = Xml::new();
        // §17.4: affiliation and bare address, the nickname, and no role.
        item.open("item")
            .attr("affiliation", record.affiliation.as_str())
            .attr("jid", &record.jid)
            .attr_opt(
                "nick",
                record.nick.as_deref().filter(|_| *affiliation != Affiliation::Outcast),
            );
        if let Some(reason) = &record.reason {
            item.text_element("reason", None, reason);
        }
        let item = item.finish();
        bytes += item.len();
        if bytes > most {
            break;
        }
        let person = row.key.get(prefix..).unwrap_or_default();
        items.push((String::from_utf8_lossy(person).into_owned(), item));
    }
    let complete = page.complete && items.len() == page.rows.len();
    if asked.as_ref().is_some_and(paging::is_backwards) {
        items.reverse();
    }
    let mut xml = Xml::new();
    xml.open("query").xmlns(ns::MUC_ADMIN);
    for (_, item) in &items {
        xml.raw(item);
    }
    if asked.is_none() && !complete {
        let (shown, affiliation) = (items.len(), affiliation.as_str());
        tracing::debug!(room = %room.jid, affiliation, shown, "a list is longer than a stanza, and was cut");
    }
    if asked.is_some() || !complete {
        let ends = items.first().zip(items.last());
        let ends = ends.map(|((first, _), (last, _))| (first.clone(), last.clone()));
        rsm::Response { ends, ..rsm::Response::default() }.write(&mut xml);
    }
    Ok(xml.finish())
}

/// Bytes of a list, or of a page: what does not fit into one stanza is left out.
fn longest(context: &Context<'_, '_>) -> usize {
    context.shared.common.stanza_out.saturating_sub(4096)
}

/// §17.4: nickname, role, affiliation and full address.
fn role_list(room: &Room, role: Role, most: usize) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.open("query").xmlns(ns::MUC_ADMIN);
    for occupant in room.occupants.values().filter(|occupant| occupant.role == role) {
        // The longest nickname and address, escaped.
        if xml.len() + 8_192 > most {
            break;
        }
        let jid = room.primary(occupant).map(|session| &session.jid);
        let item = Item {
            jid,
            nick: Some(occupant.nick.as_str()),
            ..Item::new(occupant.affiliation, occupant.role)
        };
        item.write(&mut xml);
    }
    xml.finish()
}
