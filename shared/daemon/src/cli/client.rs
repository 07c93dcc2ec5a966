//! Words that are passed on to the running process, and how its answers are shown.

use serde_json::{Value, json};

use super::{Asked, arguments::Messages, pretty};
use crate::{
    admin::{Client, Missing, Reply},
    config,
    exit::{Exit, Failure},
    out,
};

/// The running process of this configuration.
pub(super) fn connect(asked: &Asked<'_>) -> Result<Client, Failure> {
    connect_if_running(asked)?.ok_or_else(|| not_running(asked))
}

pub(super) fn not_running(asked: &Asked<'_>) -> Failure {
    Failure::new(
        Exit::Failed,
        format!(
            "it is not running with {} (systemctl start {})",
            asked.config_file().display(),
            asked.program.name
        ),
    )
}

/// The same; none if there is none.
pub(super) fn connect_if_running(asked: &Asked<'_>) -> Result<Option<Client>, Failure> {
    let loaded = asked.loaded()?;
    match Client::connect(&config::sockets(&loaded), loaded.main.text("component.jid")) {
        Ok(mut client) => {
            client.domain.clone_from(&asked.cli.domain);
            Ok(Some(client))
        }
        Err(Missing::NotRunning) => Ok(None),
        Err(Missing::Forbidden(path)) => Err(Failure::new(
            Exit::Failed,
            format!(
                "{} is not open to this user: run this as root or as the service's user",
                path.display()
            ),
        )),
        Err(Missing::Broken(why)) => Err(Failure::new(Exit::Failed, why)),
    }
}

/// An answer that went well, or a failure in the process's words.
pub(super) fn ask(client: &mut Client, verb: &str, arguments: Value) -> Result<Reply, Failure> {
    let reply = client
        .ask(verb, arguments)
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    if reply.is_ok() {
        return Ok(reply);
    }
    let exit = if reply.status < 500 { Exit::Usage } else { Exit::Failed };
    Err(Failure::new(exit, reply.sentence().to_owned()))
}

/// As a table for people, or as JSON.
pub(super) fn show(reply: &Reply, json: bool) {
    if json {
        out::line(pretty(&reply.body));
        return;
    }
    let columns = reply.body["columns"].as_array().map_or(&[][..], Vec::as_slice);
    let rows = reply.body["rows"].as_array().map_or(&[][..], Vec::as_slice);
    if !columns.is_empty() && !rows.is_empty() {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let head = columns.iter().map(|column| text(&column["label"])).collect();
        let rows = rows.iter().map(|row| row.as_array().into_iter().flatten().map(text).collect());
        out::line(out::table(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    }
    match reply.body["note"].as_str() {
        Some(note) if !note.is_empty() => out::line(out::plain(note)),
        Some(_) => {}
        // What is no table is shown as it is.
        None => out::line(pretty(&reply.body)),
    }
}

pub(super) fn simple(asked: &Asked<'_>, verb: &str) -> Result<Exit, Failure> {
    passed_on(asked, verb, Value::Null)
}

fn passed_on(asked: &Asked<'_>, verb: &str, arguments: Value) -> Result<Exit, Failure> {
    let mut client = connect(asked)?;
    let reply = ask(&mut client, verb, arguments)?;
    show(&reply, asked.cli.json);
    Ok(Exit::Ok)
}

pub(super) fn log_level(asked: &Asked<'_>, level: &str) -> Result<Exit, Failure> {
    passed_on(asked, "log-level", json!({ "level": level }))
}

pub(super) fn person_show(asked: &Asked<'_>, jid: &str) -> Result<Exit, Failure> {
    passed_on(asked, "person show", json!({ "jid": jid }))
}

pub(super) fn person_forget(
    asked: &Asked<'_>,
    jid: &str,
    messages: Messages,
) -> Result<Exit, Failure> {
    passed_on(asked, "person forget", json!({ "jid": jid, "messages": messages.as_str() }))
}

/// Returns when the process has ended.
pub(super) fn stop(asked: &Asked<'_>, last: bool) -> Result<Exit, Failure> {
    let mut client = connect(asked)?;
    ask(&mut client, "stop", json!({ "final": last }))?;
    client.wait_for_end();
    out::line(if asked.cli.json {
        pretty(&json!({ "note": "stopped" }))
    } else {
        "stopped".into()
    });
    Ok(Exit::Ok)
}
