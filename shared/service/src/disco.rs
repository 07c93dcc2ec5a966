//! Service discovery (XEP-0030) with extension forms (XEP-0128), contact addresses (XEP-0157) and
//! paged items (XEP-0059), fed by the [`Registry`].

use annex_stanza::{
    Field, FieldKind, Form, FormKind, IqType, Kind, Refusal, Stanza, Xml, ns,
    rsm::{self, Place},
};

use crate::{
    basic, commands,
    context::{Context, Failure, Outcome, ReplyTo},
    input::Common,
    paging::is_backwards,
    registry::{Answer, Identity, Info, Item, Registry, Shape},
};

/// Kinds of contact addresses (XEP-0157 §7).
pub const CONTACTS: [&str; 7] =
    ["abuse", "admin", "feedback", "sales", "security", "status", "support"];

/// Answers disco#info and disco#items; nothing if the request is about something else.
pub fn request<C>(
    component: &mut C,
    registry: &Registry<C>,
    shape: Shape,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Option<Outcome<Answer>> {
    if stanza.kind != Kind::Iq(IqType::Get) {
        return None;
    }
    let payload = stanza.payload.children().first()?;
    if payload.is(ns::DISCO_INFO, "query") {
        Some(info(component, registry, shape, stanza, context))
    } else if payload.is(ns::DISCO_ITEMS, "query") {
        Some(list(component, registry, shape, stanza, context))
    } else {
        None
    }
}

fn info<C>(
    component: &mut C,
    registry: &Registry<C>,
    shape: Shape,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    let asked = Query::parse(stanza)?;
    let node = asked.node.as_deref();
    let mut found = match node {
        None => registered(registry, shape, stanza, &context.shared.common),
        Some(_) => Info::default(),
    };
    let handler = registry.info.iter().find(|(of, _)| *of == shape).map(|(_, handler)| *handler);
    let outcome = match handler {
        Some(handler) => handler(component, stanza, node, &mut found, context),
        None if shape == Shape::Service && node.is_none() => Ok(()),
        None => Err(not_found().into()),
    };
    let unknown = is_unknown(&outcome) || shape == Shape::Service && is_nothing(&found);
    if let (Some(node), true) = (node, unknown) {
        found = command_info(registry, shape, stanza, node, &context.shared.common)?;
    } else {
        outcome?;
    }
    Ok(Answer::Result(render(&found, &asked, &context.shared.common, shape)))
}

/// The component has no such node; it may be that of a command.
fn is_unknown<T>(outcome: &Outcome<T>) -> bool {
    use annex_stanza::Condition::ItemNotFound;
    matches!(outcome, Err(Failure::Refused(refusal)) if refusal.condition == ItemNotFound)
}

fn is_nothing(info: &Info) -> bool {
    info.identities.is_empty() && info.features.is_empty() && info.forms.is_empty()
}

/// What every address of a shape has.
fn registered<C>(registry: &Registry<C>, shape: Shape, stanza: &Stanza, common: &Common) -> Info {
    let mut info = Info::default();
    let of_shape = |of: &Shape| *of == shape;
    let identities = registry.identities.iter().filter(|(of, _)| of_shape(of));
    info.identities.extend(identities.map(|(_, identity)| identity.clone()));
    let features = registry.features.iter().filter(|(of, _)| of_shape(of));
    info.features.extend(features.map(|(_, feature)| (*feature).to_owned()));
    info.features.push(ns::DISCO_INFO.into());
    if registry.items.iter().any(|(of, _)| of_shape(of)) {
        // XEP-0059 §4: who pages says so.
        info.features.extend([ns::DISCO_ITEMS.into(), ns::RSM.into()]);
    }
    if shape == Shape::Service {
        info.features.extend(basic::features(common).map(str::to_owned));
        if commands::visible(registry, common, &stanza.from).next().is_some() {
            info.features.push(ns::COMMANDS.into());
        }
        info.forms.extend(contacts(common));
    }
    info
}

/// XEP-0157 §3: addresses by role.
fn contacts(common: &Common) -> Option<Form> {
    let mut form = Form::new(FormKind::Result, Some(ns::SERVER_INFO));
    for (role, addresses) in common.contacts.iter().filter(|(_, list)| !list.is_empty()) {
        let field = Field::new(FieldKind::ListMulti, format!("{role}-addresses"));
        form.fields.push(field.values(addresses.iter().cloned()));
    }
    (!form.fields.is_empty()).then_some(form)
}

/// XEP-0050 §2.2: the list of commands, and each of them.
fn command_info<C>(
    registry: &Registry<C>,
    shape: Shape,
    stanza: &Stanza,
    node: &str,
    common: &Common,
) -> Outcome<Info> {
    let identity =
        |kind, name: &str| Identity { category: "automation", kind, name: Some(name.to_owned()) };
    if shape == Shape::Service && node == ns::COMMANDS {
        return Ok(Info {
            identities: vec![identity("command-list", "Commands")],
            features: vec![ns::COMMANDS.into(), ns::DISCO_INFO.into(), ns::DISCO_ITEMS.into()],
            forms: Vec::new(),
        });
    }
    let command = match shape {
        Shape::Service => commands::find(registry, common, &stanza.from, node)?,
        Shape::Entity | Shape::Occupant => None,
    };
    let command = command.ok_or_else(not_found)?;
    Ok(Info {
        identities: vec![identity("command-node", command.name)],
        features: vec![ns::COMMANDS.into(), ns::DATA_FORMS.into(), ns::DISCO_INFO.into()],
        forms: Vec::new(),
    })
}

fn render(info: &Info, asked: &Query, common: &Common, shape: Shape) -> Vec<u8> {
    let mut features: Vec<&str> = info.features.iter().map(String::as_str).collect();
    features.sort_unstable();
    features.dedup();
    let mut xml = Xml::new();
    xml.open("query").xmlns(ns::DISCO_INFO).attr_opt("node", asked.mirrored());
    for identity in &info.identities {
        let own = shape == Shape::Service && asked.node.is_none();
        let own = own.then_some(common.name.as_str());
        xml.open("identity").attr("category", identity.category).attr("type", identity.kind);
        xml.attr_opt("name", identity.name.as_deref().or(own)).close();
    }
    for feature in features {
        xml.open("feature").attr("var", feature).close();
    }
    for form in &info.forms {
        form.write(&mut xml);
    }
    xml.finish()
}

fn list<C>(
    component: &mut C,
    registry: &Registry<C>,
    shape: Shape,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    let asked = Query::parse(stanza)?;
    let node = asked.node.as_deref();
    if let (Shape::Service, Some(ns::COMMANDS)) = (shape, node) {
        let common = &context.shared.common;
        let item = |command: &crate::command::Command<C>| Item {
            jid: stanza.to.clone(),
            node: Some(command.node.into()),
            name: Some(command.name.into()),
        };
        let list: Vec<Item> = commands::visible(registry, common, &stanza.from).map(item).collect();
        return items(stanza, &list, common);
    }
    let handler = registry.items.iter().find(|(of, _)| *of == shape).map(|(_, handler)| *handler);
    let outcome = match handler {
        Some(handler) => handler(component, stanza, node, context),
        // XEP-0030 §6: what is there and has no items has an empty list.
        None => info(component, registry, shape, stanza, context)
            .and_then(|_| items(stanza, &[], &context.shared.common)),
    };
    if let (Shape::Service, Some(node), true) = (shape, node, is_unknown(&outcome)) {
        let common = &context.shared.common;
        // A command has no items.
        if commands::find(registry, common, &stanza.from, node)?.is_some() {
            return items(stanza, &[], common);
        }
    }
    outcome
}

/// There is no such address, or no such node: an items or info handler refuses with it.
pub fn not_found() -> Refusal {
    Refusal::new(annex_stanza::Condition::ItemNotFound, "disco.unknown")
}

/// What disco#info or disco#items was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Its node.
    pub node: Option<String>,
    /// Its page, if one was asked for.
    pub page: Option<rsm::Request>,
    /// The node was given as an empty text, which is none.
    empty_node: bool,
}

impl Query {
    /// Reads the one child of a disco request.
    pub fn parse(stanza: &Stanza) -> Result<Self, Refusal> {
        let child = stanza.payload.children().first().ok_or_else(not_found)?;
        let element = stanza.payload.element(child)?;
        let node = element.attr("node").filter(|node| !node.is_empty()).map(str::to_owned);
        let empty_node = element.attr("node") == Some("");
        Ok(Self { node, page: rsm::Request::within(&element)?, empty_node })
    }

    /// The node as it stands in the answer: as it was given (XEP-0030 §3.2).
    fn mirrored(&self) -> Option<&str> {
        self.node.as_deref().or(self.empty_node.then_some(""))
    }
}

/// One page of items, as it was read from the store, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemPage {
    /// Each with the id by which pages before and after it are asked for.
    pub items: Vec<(String, Item)>,
    /// Nothing lies beyond the page in its direction.
    pub complete: bool,
    /// Position of the first item in the whole list, where it is cheap to know.
    pub index: Option<usize>,
    /// Length of the whole list, where it is cheap to know.
    pub count: Option<usize>,
}

/// Answers disco#items from a list that is in memory, in its order: the page that was asked for,
/// cut to what a stanza holds. The id of an item is its address, with its node behind a `#`.
pub fn items(stanza: &Stanza, list: &[Item], common: &Common) -> Outcome<Answer> {
    let asked = Query::parse(stanza)?;
    let request = asked.page.clone().unwrap_or_default();
    let list: Vec<(String, &Item)> = list.iter().map(|item| (uid_of(item), item)).collect();
    let selection = request.select(&list, list.len(), |(uid, _)| uid)?;
    let end = selection.index + selection.items.len();
    let backwards = is_backwards(&request);
    let page = ItemPage {
        complete: if backwards { selection.index == 0 } else { end == list.len() },
        items: selection.items.iter().map(|(uid, item)| (uid.clone(), (*item).clone())).collect(),
        index: Some(selection.index),
        count: Some(selection.count),
    };
    Ok(Answer::Result(item_page(&ReplyTo::from(stanza), &asked, page, common)))
}

fn uid_of(item: &Item) -> String {
    match &item.node {
        Some(node) => format!("{}#{node}", item.jid),
        None => item.jid.to_string(),
    }
}

/// The payload of a disco#items result with this page, cut to what a stanza holds: at the end, or
/// in front where the page was asked for backwards. The page's place is told if it was asked for,
/// or if there is more than it shows.
pub fn item_page(reply: &ReplyTo, asked: &Query, mut page: ItemPage, common: &Common) -> Vec<u8> {
    let backwards = asked.page.as_ref().is_some_and(is_backwards);
    // The ends of the page are named in it once more, escaped at worst to six times their length.
    let longest = page.items.iter().map(|(uid, _)| uid.len()).max().unwrap_or(0);
    let node = asked.mirrored().map_or(0, str::len);
    let mut room = room(reply, common).saturating_sub(512 + 6 * (2 * longest + node));
    let rendered: Vec<Vec<u8>> = page.items.iter().map(|(_, item)| render_item(item)).collect();
    let fits = |xml: &&Vec<u8>| match room.checked_sub(xml.len()) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let shown = match backwards {
        true => rendered.iter().rev().take_while(fits).count(),
        false => rendered.iter().take_while(fits).count(),
    };
    let from = if backwards { rendered.len() - shown } else { 0 };
    page.complete &= shown == rendered.len();
    page.index = page.index.map(|index| index + from);
    let uids = &page.items[from..from + shown];

    let mut xml = Xml::new();
    xml.open("query").xmlns(ns::DISCO_ITEMS).attr_opt("node", asked.mirrored());
    for item in &rendered[from..from + shown] {
        xml.raw(item);
    }
    // XEP-0059 §2.2: where there is nothing whatsoever, the query is simply empty.
    let whole =
        asked.page.as_ref().is_none_or(|page| matches!(page.place, Place::First | Place::Last));
    let nothing = page.count == Some(0) || (whole && page.complete && page.items.is_empty());
    if (asked.page.is_some() && !nothing) || !page.complete {
        let ends = uids.first().zip(uids.last());
        let ends = ends.map(|((first, _), (last, _))| (first.clone(), last.clone()));
        rsm::Response { ends, index: page.index, count: page.count }.write(&mut xml);
    }
    xml.finish()
}

fn render_item(item: &Item) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.open("item").attr("jid", item.jid.as_str());
    xml.attr_opt("node", item.node.as_deref()).attr_opt("name", item.name.as_deref());
    xml.finish()
}

/// Bytes that the payload of an answer may have, so that the whole stays within
/// `limits.stanza_out`.
pub fn room(reply: &ReplyTo, common: &Common) -> usize {
    let header = reply.asker.as_str().len() + reply.asked.as_str().len() + reply.id.len();
    // Six bytes are the longest escape of one.
    common.stanza_out.saturating_sub(6 * header + 256)
}
