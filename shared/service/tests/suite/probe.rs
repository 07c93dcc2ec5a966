//! A component that does what it is told, one act for each child of `<do xmlns='test'/>`.

use std::time::Duration;

use annex_service::{
    command::{Access, Arguments, Command, Next, Report, Step},
    component::{Component, Event},
    context::{Context, Outcome, ReplyTo},
    disco,
    effect::{Lane, Timer},
    paging,
    pending::Pending,
    registry::{Answer, Info, Item, Registry, Shape},
    service::Service,
    settings::{Mistake, Setting},
    slices,
    store::{Page, Scan, StoreError, Table},
};
use annex_stanza::{
    Condition, Field, FieldKind, Form, FormKind, IqType, Jid, MessageType, Outgoing, Refusal,
    Stanza, Timestamp, form::Method,
};
use annex_testkit::Harness;
use serde_json::{Value, json};

pub const THINGS: Table = Table::new(40, "thing");

#[derive(Debug)]
pub struct Probe {
    /// Addresses that were forgotten.
    pub forgotten: Vec<String>,
    /// Events as they came.
    pub events: Vec<String>,
    /// What waits for a page: whom to tell.
    pending: Pending<Waiting>,
    /// The ticket that was handed out last.
    ticket: Option<annex_service::commands::Ticket>,
    /// Timers whose handling fails until this is counted down.
    failures: u32,
    panics: bool,
}

/// What a page was asked for.
#[derive(Debug)]
enum Waiting {
    Count(Jid),
    Items(ReplyTo, disco::Query),
}

pub type Probed = Harness<Service<Probe>>;

pub fn probe() -> Probed {
    annex_testkit::service::<Probe>("probe.example.com", json!({}))
}

/// `<message/>` from Alice with these acts.
pub fn message(to: &str, acts: &str) -> String {
    format!(
        "<message from='alice@example.com/phone' to='{to}' id='m'><do xmlns='test'>{acts}</do></message>"
    )
}

pub fn iq(kind: &str, to: &str, payload: &str) -> String {
    format!("<iq from='alice@example.com/phone' to='{to}' id='q' type='{kind}'>{payload}</iq>")
}

impl Probe {
    fn act(&mut self, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<()> {
        let Some(child) = stanza.payload.find("test", "do") else { return Ok(()) };
        for act in stanza.payload.element(child)?.children() {
            let text = |name: &str| act.attr(name).unwrap_or_default().to_owned();
            let number = |name: &str| text(name).parse::<u64>().unwrap_or_default();
            match act.name() {
                "put" => context.turn.put(THINGS, text("key"), text("value")),
                "tell" => tell(&text("text"), &stanza.to, &stanza.from, context),
                "refuse" => {
                    return Err(Refusal::new(Condition::Forbidden, "probe.refused").into());
                }
                "panic" => panic!("as it was told"),
                "fail-store" => return Err(StoreError::new("probe", "as it was told").into()),
                "due" => {
                    let at = context.turn.wall().plus(1_000_000 * number("after") as i64);
                    let timer = Timer { kind: 40, id: number("id") };
                    context.shared.due.set(context.turn, at, timer);
                }
                "clear" => {
                    let at = Timestamp(text("at").parse().unwrap_or_default());
                    let timer = Timer { kind: 40, id: number("id") };
                    context.shared.due.clear(context.turn, at, timer);
                }
                "note" => context.shared.unconfirmed.note(context.turn, text("text").into()),
                "note-late" => {
                    let what = text("text").into();
                    context.shared.unconfirmed.note_late(context.turn, || what);
                }
                "doom" => slices::doom(context.turn, THINGS, text("prefix").as_bytes()),
                "fill" => {
                    for n in 0..number("count") {
                        context.turn.put(THINGS, format!("{}{n:06}", text("prefix")), "x");
                    }
                }
                "fetch" => {
                    let id = context.fetch(Scan::all(THINGS).limit(1_000));
                    self.pending.insert(id, Waiting::Count(stanza.from.clone()));
                }
                "audit" => {
                    context.audit(&stanza.from, "thing/do", "a thing", Some(&text("reason")));
                }
                "finish" => {
                    if let Some(ticket) = self.ticket {
                        context.finish(ticket, Ok(Report::default()));
                    }
                }
                "fail-timers" => self.failures = number("times") as u32,
                other => panic!("unknown act {other}"),
            }
        }
        Ok(())
    }

    /// Items that are read from the store, page by page.
    fn list(&mut self, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<Answer> {
        let asked = disco::Query::parse(stanza)?;
        let request = asked.page.clone().unwrap_or_default();
        let key = |uid: &str| (uid.len() == 4).then(|| uid.as_bytes().to_vec());
        let id = context.fetch(paging::scan(&request, Scan::all(THINGS), 1_000, key)?);
        self.pending.insert(id, Waiting::Items(ReplyTo::from(stanza), asked));
        Ok(Answer::Later)
    }

    fn listed(
        &mut self,
        reply: &ReplyTo,
        asked: &disco::Query,
        page: Page,
        context: &mut Context<'_, '_>,
    ) {
        let complete = page.complete;
        let items = paging::rows(&asked.page.clone().unwrap_or_default(), page).into_iter();
        let items = items.map(|row| {
            let uid = String::from_utf8(row.key.to_vec()).unwrap();
            let jid = reply.asked.with_resource(&uid).unwrap();
            (uid, Item { jid, node: None, name: None })
        });
        let page =
            disco::ItemPage { items: items.collect(), complete, ..disco::ItemPage::default() };
        let payload = disco::item_page(reply, asked, page, &context.shared.common);
        context.reply(reply, Ok(payload));
    }

    fn info(&mut self, stanza: &Stanza, node: Option<&str>, info: &mut Info) -> Outcome<()> {
        if stanza.to.local_key() == Some("nobody") || node.is_some_and(|node| node != "own") {
            return Err(disco::not_found().into());
        }
        info.features.extend(["test:b".into(), "test:a".into(), "test:b".into()]);
        info.forms.push(
            Form::new(FormKind::Result, Some("test:form"))
                .field(Field::new(FieldKind::TextSingle, "size").value("7")),
        );
        Ok(())
    }
}

fn tell(text: &str, from: &Jid, to: &Jid, context: &mut Context<'_, '_>) {
    let message = Outgoing::message(MessageType::Normal, from).child(|xml| {
        xml.text_element("body", None, text);
    });
    context.turn.send_in(Lane::of(from), &message, to);
}

impl Component for Probe {
    const PROGRAM: &'static str = "annex-probe";
    const SECTION: &'static str = "probe";
    const NAME: &'static str = "Probe";
    const TABLES: &'static [Table] = &[THINGS];

    fn registry() -> Registry<Self> {
        let mut registry = Registry::<Self>::new();
        for shape in [Shape::Service, Shape::Entity, Shape::Occupant] {
            registry = registry.identity(shape, "component", "generic");
        }
        registry
            .feature(Shape::Service, "test:service")
            .message(Shape::Entity, Self::act)
            .presence(Shape::Entity, Self::act)
            .iq_answer(Self::act)
            .iq(Shape::Entity, IqType::Set, "test", "do", |probe, stanza, context| {
                probe.act(stanza, context)?;
                Ok(Answer::Result(Vec::new()))
            })
            .iq(Shape::Occupant, IqType::Get, "*", "*", |_, stanza, context| {
                tell("relayed", &stanza.to, &stanza.from, context);
                Ok(Answer::Result(b"<relayed xmlns='test'/>".to_vec()))
            })
            .info(Shape::Entity, |probe, stanza, node, info, _| probe.info(stanza, node, info))
            .items(Shape::Entity, |probe, stanza, node, context| {
                if stanza.to.local() == Some("store") {
                    return probe.list(stanza, context);
                }
                if node.is_some() {
                    return Err(disco::not_found().into());
                }
                // A name that is a long number has many items.
                let count = stanza.to.local().map(str::parse::<u32>);
                let many = stanza.to.local().is_some_and(|local| local.starts_with("99"));
                let count = count.and_then(Result::ok).or(many.then_some(900));
                let item = |n: u32| Item {
                    jid: stanza.to.with_resource(&format!("{n:04}")).unwrap(),
                    node: None,
                    name: Some(format!("Item {n}")),
                };
                let list: Vec<Item> = (0..count.unwrap_or_default()).map(item).collect();
                disco::items(stanza, &list, &context.shared.common)
            })
            .command(Command { node: "greet", name: "Greet", access: Access::Anyone, run: greet })
            .command(Command {
                node: "slow/write",
                name: "Write, and take one's time",
                access: Access::Admins,
                run: |probe, _, _, _, context| {
                    context.turn.put(THINGS, "slow", "x");
                    let ticket = context.ticket();
                    probe.ticket = Some(ticket);
                    Ok(Next::Later(ticket))
                },
            })
            .command(Command {
                node: "form",
                name: "Whoever wants to",
                access: Access::Anyone,
                run: |_, _, _, _, _| Ok(Next::Ask(Step::default())),
            })
            .command(Command {
                node: "long",
                name: "Much to tell",
                access: Access::Admins,
                run: |_, _, _, _, _| {
                    let rows = vec![vec!["&".repeat(200)]; 100];
                    let columns = vec![("text", "Text")];
                    Ok(Next::Done(Report { note: String::new(), columns, rows }))
                },
            })
            .command(Command {
                node: "thing/make",
                name: "Make a thing",
                access: Access::Admins,
                run: make,
            })
            .command(Command {
                node: "slow",
                name: "Take one's time",
                access: Access::Anyone,
                run: |probe, _, _, _, context| {
                    let ticket = context.ticket();
                    probe.ticket = Some(ticket);
                    Ok(Next::Later(ticket))
                },
            })
    }

    fn settings() -> &'static [Setting] {
        &[]
    }

    fn check(_: &Value, _: usize) -> Vec<Mistake> {
        Vec::new()
    }

    fn new(section: &Value) -> Self {
        Self {
            forgotten: Vec::new(),
            events: Vec::new(),
            pending: Pending::new(8),
            ticket: None,
            failures: 0,
            panics: section["panics"].as_bool().unwrap_or_default(),
        }
    }

    fn event(&mut self, event: Event, context: &mut Context<'_, '_>) -> Outcome<()> {
        let service = context.shared.common.jid.clone();
        match event {
            Event::Start if self.panics => panic!("as it was told"),
            Event::Timer(Timer { kind: 40, id }) => {
                if self.failures > 0 {
                    self.failures -= 1;
                    return Err(Refusal::new(Condition::Conflict, "probe.timer").into());
                }
                self.events.push(format!("due {id} at {}", context.turn.wall()));
            }
            Event::Fetched { id, page } => match self.pending.take(id) {
                Some(Waiting::Count(asker)) => {
                    tell(&format!("{} records", page.rows.len()), &service, &asker, context);
                }
                Some(Waiting::Items(reply, asked)) => self.listed(&reply, &asked, page, context),
                None => {}
            },
            Event::Online { confirmed } => {
                let page = context.shared.unconfirmed.pending(context.turn, confirmed, None)?;
                for row in page.rows {
                    self.events.push(format!("again {}", String::from_utf8_lossy(&row.value)));
                }
            }
            Event::Request { token, path, .. } => {
                context.turn.put(THINGS, path.clone(), "requested");
                match path.as_str() {
                    "/panic" => panic!("as it was told"),
                    "/no" => return Err(disco::not_found().into()),
                    _ => context.respond(token, Report::default()),
                }
            }
            Event::Config(section) => {
                if let Some(ticket) = self.ticket.take() {
                    let note = section["note"].as_str().unwrap_or_default().to_owned();
                    context.finish(ticket, Ok(Report { note, ..Report::default() }));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn forget(&mut self, address: &Jid) {
        self.forgotten.push(address.to_string());
    }

    fn status(&self) -> Value {
        json!({ "things": { "made": self.forgotten.len() } })
    }
}

fn greet(
    _: &mut Probe,
    who: &Jid,
    _: &Arguments,
    _: usize,
    _: &mut Context<'_, '_>,
) -> Outcome<Next> {
    let rows = vec![vec!["hello".into(), who.to_string()], vec!["<&>".into(), "x".into()]];
    let columns = vec![("word", "Word"), ("whom", "Whom")];
    Ok(Next::Done(Report { note: "Greeted.".into(), columns, rows }))
}

/// Two forms: a name and a colour, then a confirmation.
fn make(
    _: &mut Probe,
    who: &Jid,
    given: &Arguments,
    answered: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    let whole = Method::Range { min: Some("1".into()), max: Some("9".into()) };
    match answered {
        0 => Ok(Next::Ask(Step {
            instructions: "What is it to be?".into(),
            fields: vec![
                Field::new(FieldKind::TextSingle, "name").label("Name").required(),
                Field::new(FieldKind::ListSingle, "colour")
                    .option("red", "Red")
                    .option("blue", "Blue")
                    .value("blue"),
                Field::new(FieldKind::TextSingle, "size").datatype("xs:integer", whole),
            ],
            more: true,
        })),
        1 => Ok(Next::Ask(Step {
            instructions: format!("Make {}?", given.one("name").unwrap_or_default()),
            fields: vec![Field::new(FieldKind::Boolean, "sure").flag(false)],
            more: false,
        })),
        _ if given.one("sure") != Some("1") => {
            Err(Refusal::new(Condition::NotAcceptable, "probe.unsure").into())
        }
        _ => {
            let name = given.one("name").unwrap_or_default().to_owned();
            let colour = given.one("colour").unwrap_or_default().to_owned();
            context.turn.put(THINGS, name.clone(), colour);
            context.audit(who, "thing/make", &name, None);
            Ok(Next::Done(Report { note: format!("{name} is made."), ..Report::default() }))
        }
    }
}

/// Lets `time` pass.
pub fn seconds(time: u64) -> Duration {
    Duration::from_secs(time)
}
