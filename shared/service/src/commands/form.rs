//! What is read from a `<command/>` and what is shown in one (XEP-0050 §4, XEP-0004).

use annex_stanza::{
    Condition, Field, FieldKind, Form, FormKind, IqType, Kind, Refusal, Stanza, Xml, ns,
    xml::escape_text,
};

use super::refusals;
use crate::command::{Arguments, Report, Step};

/// What the user wants (XEP-0050 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Execute,
    Cancel,
    Prev,
    Next,
    Complete,
}

/// A `<command/>` as it came.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) node: String,
    pub(super) session: Option<String>,
    pub(super) action: Action,
    pub(super) form: Option<Form>,
}

impl Request {
    pub(super) fn parse(stanza: &Stanza) -> Result<Self, Refusal> {
        // XEP-0050 §2.4: a command is executed with an IQ of type set.
        let child = stanza.payload.children().first();
        let (Kind::Iq(IqType::Set), Some(child)) = (stanza.kind, child) else {
            return Err(Refusal::new(Condition::BadRequest, "command.not-set"));
        };
        let element = stanza.payload.element(child)?;
        let action = match element.attr("action") {
            None | Some("execute") => Action::Execute,
            Some("cancel") => Action::Cancel,
            Some("prev") => Action::Prev,
            Some("next") => Action::Next,
            Some("complete") => Action::Complete,
            Some(_) => return Err(refusals::malformed_action()),
        };
        let node = element.attr("node").ok_or_else(refusals::no_node)?;
        let session = element.attr("sessionid").map(str::to_owned);
        let form = element.get_child("x", ns::DATA_FORMS).map(Form::parse).transpose();
        let form = form.map_err(|refusal| refusal.app(ns::COMMANDS, "bad-payload"))?;
        Ok(Self { node: node.to_owned(), session, action, form })
    }
}

/// Takes the values of the fields that were asked for out of what was submitted. XEP-0050 §3.5.1:
/// the type of the form does not matter.
pub(super) fn accept(step: &Step, form: Option<&Form>) -> Result<Arguments, Refusal> {
    let Some(form) = form else {
        // Nothing was filled in: what was shown stands.
        let mut given = Arguments::default();
        complete(step, &mut given).map_err(|refusal| match refusal.text {
            Some(text) => refusals::bad_payload(text.into_owned()),
            None => refusal,
        })?;
        return Ok(given);
    };
    let mut given = Arguments::default();
    let mut missing = Vec::new();
    for (var, field) in asked(step) {
        let values = form.find(var).map_or(&[][..], |field| &field.values);
        if field.required && values.iter().all(String::is_empty) {
            missing.push(var);
        } else if form.find(var).is_some() {
            let values = field.accept(values).map_err(refusals::bad_payload)?;
            given.0.insert(var.to_owned(), values);
        }
    }
    if missing.is_empty() {
        return Ok(given);
    }
    Err(refusals::bad_payload(format!("Missing: {}", missing.join(", "))))
}

/// Judges what a verb was given for the fields of a step, and adds the defaults of the others.
/// Values without a name go to the fields that have none, in their order.
pub(super) fn complete(step: &Step, given: &mut Arguments) -> Result<(), Refusal> {
    let mut missing = Vec::new();
    for (var, field) in asked(step) {
        if !given.0.contains_key(var)
            && let Some(unnamed) = given.0.get_mut("")
            && !unnamed.is_empty()
        {
            let value = unnamed.remove(0);
            given.0.insert(var.to_owned(), vec![value]);
        }
        let values = match given.0.get(var) {
            Some(values) if field.required && values.iter().all(|value| value.trim() == "") => {
                missing.push(var);
                continue;
            }
            Some(values) => field.accept(values).map_err(refusals::arguments)?,
            None if field.values.is_empty() && field.required => {
                missing.push(var);
                continue;
            }
            None if field.values.is_empty() => continue,
            None => field.values.clone(),
        };
        given.0.insert(var.to_owned(), values);
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(refusals::arguments(format!("missing: {}", missing.join(", "))))
}

/// The fields of a step that can be filled in, by name.
pub(super) fn asked(step: &Step) -> impl Iterator<Item = (&str, &Field)> {
    step.fields
        .iter()
        .filter(|field| field.kind != FieldKind::Fixed)
        .filter_map(|field| Some((field.var.as_deref()?, field)))
}

/// Puts earlier answers back into a form that is shown again (XEP-0050 §2.4.2).
pub(super) fn fill(step: &mut Step, earlier: &Arguments) {
    for field in &mut step.fields {
        let values = field.var.as_ref().and_then(|var| earlier.0.get(var));
        if let Some(values) = values {
            field.values.clone_from(values);
        }
    }
}

/// What stands in every `<command/>` of one session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) session: &'a str,
    pub(super) node: &'a str,
    pub(super) name: &'a str,
}

fn command(head: Head<'_>, status: &str, content: impl FnOnce(&mut Xml)) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.element("command", ns::COMMANDS, |xml| {
        xml.attr("node", head.node).attr("sessionid", head.session).attr("status", status);
        // XEP-0050 §3.7: the language of what is shown.
        xml.attr("xml:lang", "en");
        content(xml);
    });
    xml.finish()
}

/// A form to be filled in, with the actions that are allowed (XEP-0050 §3.4).
pub(super) fn executing(head: Head<'_>, step: &Step, can_go_back: bool) -> Vec<u8> {
    let forward = if step.more { "next" } else { "complete" };
    command(head, "executing", |xml| {
        xml.open("actions").attr("execute", forward);
        if can_go_back {
            xml.open("prev").close();
        }
        xml.open(forward).close();
        xml.close();
        let mut form = Form::new(FormKind::Form, None).title(head.name);
        if !step.instructions.is_empty() {
            form = form.instruction(step.instructions.as_str());
        }
        form.fields.clone_from(&step.fields);
        form.write(xml);
    })
}

/// The end: a note, and a table where there is one, cut to `room` bytes.
pub(super) fn completed(head: Head<'_>, report: &Report, room: usize) -> Vec<u8> {
    let (items, left_out) = rows(report, room.saturating_sub(4 * 1024 + escaped(&report.note)));
    command(head, "completed", |xml| {
        let note = |xml: &mut Xml, kind: &str, text: &str| {
            xml.open("note").attr("type", kind).text(text).close();
        };
        if !report.note.is_empty() {
            note(xml, "info", &report.note);
        }
        if left_out > 0 {
            note(xml, "warn", &format!("{left_out} more rows do not fit here"));
        }
        if !report.columns.is_empty() {
            let mut form = Form::new(FormKind::Result, None).title(head.name);
            let column = |(var, label): &(&'static str, &'static str)| {
                Field::new(FieldKind::TextSingle, *var).label(*label)
            };
            form.reported = report.columns.iter().map(column).collect();
            form.items = items;
            form.write(xml);
        }
    })
}

/// As many rows as fit, and how many do not.
fn rows(report: &Report, room: usize) -> (Vec<Vec<Field>>, usize) {
    let mut size = 0;
    let mut items = Vec::new();
    for row in &report.rows {
        let cells = report.columns.iter().zip(row).map(|((var, _), cell)| (*var, cell.as_str()));
        size += cells.clone().map(|(var, cell)| 64 + var.len() + escaped(cell)).sum::<usize>();
        if size > room {
            break;
        }
        let field = |(var, cell)| Field::new(FieldKind::TextSingle, var).value(cell);
        items.push(cells.map(field).collect());
    }
    let left_out = report.rows.len() - items.len();
    (items, left_out)
}

/// Bytes of a text as it is written.
fn escaped(text: &str) -> usize {
    let mut bytes = Vec::with_capacity(text.len());
    escape_text(text, &mut bytes);
    bytes.len()
}

/// The user gave up (XEP-0050 §2.4.3).
pub(super) fn canceled(head: Head<'_>) -> Vec<u8> {
    command(head, "canceled", |_| {})
}
