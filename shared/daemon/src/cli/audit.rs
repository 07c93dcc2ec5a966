//! `audit`: pages of the audit log, newest first.

use serde_json::{Map, Value, json};

use super::{Asked, client};
use crate::{
    admin::Reply,
    exit::{Exit, Failure},
};

pub(super) fn audit(
    asked: &Asked<'_>,
    limit: usize,
    before: Option<&str>,
) -> Result<Exit, Failure> {
    let mut client = client::connect(asked)?;
    let mut before = before.map(str::to_owned);
    let mut rows: Vec<Value> = Vec::new();
    let mut body = Map::new();
    while rows.len() < limit {
        let arguments = before.as_ref().map_or(Value::Null, |stamp| json!({ "before": stamp }));
        let reply = client::ask(&mut client, "audit", arguments)?;
        let page = reply.body["rows"].as_array().cloned().unwrap_or_default();
        if let Value::Object(fields) = reply.body {
            body = fields;
        }
        let last = page.last().and_then(|row| row[0].as_str()).map(str::to_owned);
        rows.extend(page);
        match last {
            Some(stamp) if before.as_ref() != Some(&stamp) => before = Some(stamp),
            _ => break,
        }
    }
    rows.truncate(limit);
    let note = match rows.last().and_then(|row| row[0].as_str()) {
        Some(stamp) if rows.len() == limit => {
            format!("{limit} entries; older ones: --before {stamp}")
        }
        _ => format!("{} entries", rows.len()),
    };
    body.insert("rows".into(), rows.into());
    body.insert("note".into(), note.into());
    client::show(&Reply { status: 200, body: Value::Object(body) }, asked.cli.json);
    Ok(Exit::Ok)
}
