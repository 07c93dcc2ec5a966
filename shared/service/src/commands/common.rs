//! The commands that every service has.

use annex_stanza::Jid;

use super::process;
use crate::{
    audit,
    command::{Access, Arguments, Command, Next, Report},
    component::Component,
    context::{Context, Outcome},
};

pub(super) fn commands<C: Component>() -> Vec<Command<C>> {
    vec![
        audit::command(),
        process::log_level(),
        process::reload(),
        Command { node: "status", name: "Status", access: Access::Admins, run: status },
    ]
}

/// Numbers of the service and its component, one a row.
fn status<C: Component>(
    component: &mut C,
    _: &Jid,
    given: &Arguments,
    _: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    given.only(&[])?;
    let common = &context.shared.common;
    let mut rows = vec![
        vec!["program".to_owned(), format!("{} {}", common.program, common.version)],
        vec!["started".to_owned(), context.shared.started.to_string()],
        vec!["uptime_seconds".to_owned(), context.uptime().as_secs().to_string()],
        vec!["connected".to_owned(), context.shared.online.to_string()],
        vec!["space_low".to_owned(), context.turn.is_space_low().to_string()],
    ];
    flatten("", &component.status(), &mut rows);
    let note = format!("{} is running", common.jid);
    let columns = vec![("name", "Name"), ("value", "Value")];
    Ok(Next::Done(Report { note, columns, rows }))
}

/// `{"rooms": {"loaded": 3}}` becomes the row `rooms.loaded`, `3`.
fn flatten(name: &str, value: &serde_json::Value, rows: &mut Vec<Vec<String>>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, rows);
            }
        }
        serde_json::Value::Null => {}
        serde_json::Value::String(text) => rows.push(vec![name.to_owned(), text.clone()]),
        other => rows.push(vec![name.to_owned(), other.to_string()]),
    }
}
