//! `status` and `probe`: how the running process is.

use std::{fmt::Write as _, time::Duration};

use serde_json::Value;

use super::{Asked, client, pretty};
use crate::{
    exit::{Exit, Failure},
    out,
};

const PAUSE: Duration = Duration::from_secs(2);

/// Exit code 0 if all is well, 1 if not, 3 if nothing runs.
pub(super) fn status(asked: &Asked<'_>, watch: bool) -> Result<Exit, Failure> {
    let Some(mut client) = client::connect_if_running(asked)? else {
        return Err(Failure { exit: Exit::Refused, ..client::not_running(asked) });
    };
    loop {
        let reply = client::ask(&mut client, "status", Value::Null)?;
        if watch && out::is_terminal() {
            // Home, and clear what is below.
            out::line("\u{1b}[H\u{1b}[J");
        }
        let text = match (asked.cli.json, watch) {
            (true, true) => reply.body.to_string(),
            (true, false) => pretty(&reply.body),
            (false, _) => page(&reply.body),
        };
        if out::try_line(text).is_err() && watch {
            return Ok(Exit::Ok);
        }
        if !watch {
            let healthy = reply.body["healthy"].as_bool().unwrap_or(false);
            return Ok(if healthy { Exit::Ok } else { Exit::Failed });
        }
        std::thread::sleep(PAUSE);
    }
}

/// Says nothing; the exit code tells.
pub(super) fn probe(asked: &Asked<'_>) -> Result<Exit, Failure> {
    let Some(mut client) = client::connect_if_running(asked)? else { return Ok(Exit::Failed) };
    let reply = client::ask(&mut client, "status", Value::Null)?;
    let healthy = reply.body["healthy"].as_bool().unwrap_or(false);
    Ok(if healthy { Exit::Ok } else { Exit::Failed })
}

/// The status for people.
fn page(status: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let mut page = format!(
        "{} {}, up {}, process {}, {}\n",
        text(&status["program"]),
        text(&status["version"]),
        span(number(&status["uptime_seconds"])),
        number(&status["pid"]),
        text(&status["config"]),
    );
    let waiting: Vec<String> =
        status["restart_needed_for"].as_array().into_iter().flatten().map(text).collect();
    if !waiting.is_empty() {
        let _ = writeln!(page, "restart to apply {}", waiting.join(", "));
    }
    if status["last_reload"]["ok"] == false {
        let _ =
            writeln!(page, "configuration not reloaded: {}", text(&status["last_reload"]["text"]));
    }
    for domain in status["domains"].as_array().into_iter().flatten() {
        let (link, numbers, store) = (&domain["link"], &domain["numbers"], &domain["store"]);
        let _ = write!(page, "\n{}\n", text(&domain["jid"]));
        let server = text(&link["server"]);
        let state = if link["online"] == true {
            match link["software"].as_str() {
                Some(software) => format!("connected to {software} at {server}"),
                None => format!("connected to {server}"),
            }
        } else {
            match link["error"].as_str() {
                Some(error) => format!("not connected: {error}"),
                None => format!("connecting to {server}"),
            }
        };
        let mut rows = vec![("link", state)];
        if domain["answers"] == false {
            rows.push(("core", "does not answer: it is stuck or has too much to do".into()));
        }
        rows.push((
            "stanzas",
            format!(
                "{} in, {} out, {} dropped",
                number(&numbers["stanzas_in"]),
                number(&numbers["stanzas_out"]),
                number(&numbers["refused"])
            ),
        ));
        rows.push((
            "waiting",
            format!(
                "{} to handle, {} to disk, {} to send",
                bytes(number(&numbers["inbox"])),
                bytes(number(&numbers["commits"])),
                bytes(number(&numbers["backlog"])),
            ),
        ));
        rows.push((
            "store",
            format!(
                "{} in files, {} of data, {}{}",
                bytes(number(&store["file_bytes"])),
                bytes(number(&store["live_bytes"])),
                text(&store["path"]),
                if domain["space_low"] == true {
                    "; SPACE IS LOW: nothing new is taken"
                } else {
                    ""
                },
            ),
        ));
        let mut own = Vec::new();
        flatten("", &domain["component"], &mut own);
        let rows: Vec<(String, String)> =
            rows.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(own).collect();
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, value) in rows {
            let _ = writeln!(page, "  {name:<width$}  {}", out::plain(&value));
        }
    }
    page
}

/// `{"rooms": {"loaded": 3}}` becomes `rooms.loaded`, `3`.
fn flatten(name: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, rows);
            }
        }
        Value::Null => {}
        Value::String(text) => rows.push((name.to_owned(), text.clone())),
        other => rows.push((name.to_owned(), other.to_string())),
    }
}

/// Bytes for people.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let mut tenths = number.saturating_mul(10) / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit < UNITS.len() - 1 {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// Seconds for people.
fn span(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(256 << 20), "256.0 MiB");
        assert_eq!(span(59), "59 s");
        assert_eq!(span(3_660), "1 h 1 min");
        assert_eq!(span(90_000), "1 d 1 h");
    }

    #[test]
    fn a_status_names_what_to_do() {
        let status = serde_json::json!({
            "program": "annex-test", "version": "1", "uptime_seconds": 5, "pid": 7, "config": "/etc/annex/t.toml",
            "restart_needed_for": ["store.cache"],
            "domains": [{
                "jid": "t.example", "answers": true, "space_low": true,
                "link": { "online": false, "server": "127.0.0.1:5347", "error": "nothing listens: start the server" },
                "numbers": {}, "store": { "path": "/s" }, "component": { "rooms": { "loaded": 3 } },
            }],
        });
        let page = page(&status);
        for part in [
            "restart to apply store.cache",
            "not connected: nothing listens",
            "SPACE IS LOW",
            "rooms.loaded",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
