//! Verbs of the admin socket: the same commands, with arguments as JSON and answers as JSON.
//!
//! Arguments are an object: text, number, boolean, or a list of these, by the name of the field.
//! Values whose field the caller does not know stand in a list under the empty name.
//! The answer is `{"note": …, "columns": [{"name": …, "label": …}], "rows": [[…]]}`.

use annex_stanza::{Condition, Jid, Refusal};
use serde_json::{Value, json};

use super::{Sessions, form, refusals};
use crate::{
    command::{Arguments, Next, Report},
    context::{Context, Outcome},
    effect::{Effect, Response},
    registry::Registry,
};

/// Forms that a command may have.
const STEPS: usize = 16;

/// A verb as it was asked.
#[derive(Debug, Clone, Copy)]
pub struct Verb<'a> {
    /// For [`Effect::Respond`].
    pub token: u64,
    /// Its words, such as `rooms list`.
    pub verb: &'a str,
    /// By name.
    pub arguments: &'a Value,
    /// A local user's name, or an address.
    pub actor: &'a str,
}

impl Sessions {
    /// Runs a verb as far as it goes, and answers it, now or when its ticket is finished.
    pub fn verb<C>(
        &mut self,
        component: &mut C,
        registry: &Registry<C>,
        asked: &Verb<'_>,
        context: &mut Context<'_, '_>,
    ) -> Outcome<()> {
        let node = asked.verb.split_whitespace().collect::<Vec<_>>().join("/");
        let command = registry
            .commands
            .iter()
            .find(|command| command.node == node)
            .ok_or_else(|| refusals::no_such_verb(asked.verb))?;
        let mut given = arguments(asked.arguments)?;
        let actor = actor(asked.actor, &context.shared.common.jid);
        let mut known = Vec::new();
        self.may_wait(&actor, context)?;
        for answered in 0..STEPS {
            match (command.run)(component, &actor, &given, answered, context)? {
                Next::Ask(step) => {
                    form::complete(&step, &mut given)?;
                    known.extend(form::asked(&step).map(|(var, _)| var.to_owned()));
                    if !step.more {
                        all_known(&given, &known)?;
                    }
                }
                Next::Done(report) => {
                    let response = response(Ok(report));
                    context.turn.emit(Effect::Respond { token: asked.token, response });
                    return Ok(());
                }
                Next::Later(ticket) => {
                    self.wait_verb(ticket, asked.token, context);
                    return Ok(());
                }
            }
        }
        Err(refusals::arguments(format!("{} asks for ever more", asked.verb)).into())
    }
}

/// A misspelt argument must not be taken for one that was left out: nothing has happened yet.
pub(crate) fn all_known(given: &Arguments, known: &[impl AsRef<str>]) -> Outcome<()> {
    let unknown = given.0.iter().find_map(|(name, values)| match name.as_str() {
        "" => values.first().map(|value| format!("{value}: one value too many")),
        name if known.iter().any(|known| known.as_ref() == name) => None,
        name => Some(format!("{name}: there is no such argument")),
    });
    match unknown {
        Some(what) if known.is_empty() => {
            Err(refusals::arguments(format!("{what}; there are none")).into())
        }
        Some(what) => {
            let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
            Err(refusals::arguments(format!("{what}; there are: {}", known.join(", "))).into())
        }
        None => Ok(()),
    }
}

/// A user of this machine stands as a resource of the service's own address, which nobody else can
/// have.
pub(super) fn actor(name: &str, service: &Jid) -> Jid {
    match Jid::parse(name) {
        Ok(jid) if name.contains('@') => jid,
        _ => service.with_resource(name).unwrap_or_else(|_| service.clone()),
    }
}

fn arguments(value: &Value) -> Outcome<Arguments> {
    let mut given = Arguments::default();
    let fields = match value {
        Value::Null => return Ok(given),
        Value::Object(fields) => fields,
        _ => return Err(refusals::arguments("the arguments are not an object".into()).into()),
    };
    for (name, value) in fields {
        let values = match value {
            Value::Null => continue,
            Value::Array(values) => values.iter().map(text).collect(),
            single => text(single).map(|text| vec![text]),
        };
        let Some(values) = values else {
            return Err(refusals::arguments(format!("{name}: not a text")).into());
        };
        given.0.insert(name.clone(), values);
    }
    Ok(given)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        // Data forms write booleans so (XEP-0004 §3.3).
        Value::Bool(value) => Some(if *value { "1" } else { "0" }.into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What the socket is told.
pub(crate) fn response(result: Result<Report, Refusal>) -> Response {
    match result {
        Ok(report) => Response::json(200, &document(&report)),
        Err(refusal) => Response::error(status(&refusal), &sentence(&refusal)),
    }
}

fn document(report: &Report) -> Value {
    let columns: Vec<Value> = report
        .columns
        .iter()
        .map(|(name, label)| json!({ "name": name, "label": label }))
        .collect();
    json!({ "note": report.note, "columns": columns, "rows": report.rows })
}

/// What a refusal says to somebody at a terminal.
fn sentence(refusal: &Refusal) -> String {
    match &refusal.text {
        Some(text) => text.to_string(),
        None => refusal.condition.as_str().replace('-', " "),
    }
}

/// The HTTP status that comes nearest to a refusal.
fn status(refusal: &Refusal) -> u16 {
    match refusal.condition {
        Condition::ItemNotFound | Condition::Gone => 404,
        Condition::Forbidden | Condition::NotAllowed => 403,
        Condition::Conflict => 409,
        Condition::ResourceConstraint => 503,
        Condition::RemoteServerTimeout => 504,
        Condition::InternalServerError => 500,
        _ => 400,
    }
}
