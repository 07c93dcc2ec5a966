//! Inputs and reads as JSON and back.

use std::ops::Bound;

use annex_service::{
    effect::Timer,
    input::Input,
    store::{Page, Row, Scan, Table},
};
use annex_stanza::{
    Condition, ErrorType, IqType, Jid, Kind, MessageType, PresenceType, RawHeader, Refusal, Stanza,
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::secrets::Secrets;

pub(super) fn get(table: Table, key: &[u8]) -> Value {
    json!([table.id, hex::encode(key)])
}

pub(super) fn scan(scan: &Scan) -> Value {
    let bound = |bound: &Bound<Vec<u8>>| match bound {
        Bound::Included(key) => format!("[{}", hex::encode(key)),
        Bound::Excluded(key) => format!("({}", hex::encode(key)),
        Bound::Unbounded => String::new(),
    };
    json!([
        scan.table.id,
        bound(&scan.start),
        bound(&scan.end),
        scan.reverse,
        scan.limit,
        scan.bytes
    ])
}

pub(super) fn page(page: &Page) -> Value {
    let rows: Vec<_> =
        page.rows.iter().map(|row| [hex::encode(&row.key), hex::encode(&row.value)]).collect();
    json!({ "rows": rows, "complete": page.complete })
}

pub(super) fn read_page(value: &Value) -> Option<Page> {
    let row = |row: &Value| Some(Row { key: bytes(&row[0])?, value: bytes(&row[1])? });
    let rows = value["rows"].as_array()?.iter().map(row).collect::<Option<_>>()?;
    Some(Page { rows, complete: value["complete"].as_bool()? })
}

pub(super) fn bytes(value: &Value) -> Option<Bytes> {
    hex::decode(value.as_str()?).ok().map(Bytes::from)
}

/// `page` is shown in place of what was fetched.
pub(super) fn input(input: &Input, page: Option<&Page>, secrets: &mut Secrets) -> Value {
    match input {
        Input::Start => json!("start"),
        Input::Offline(ending) => json!({ "offline": ending }),
        Input::Stanza(stanza) => {
            json!({ "stanza": secrets.xml(&String::from_utf8_lossy(&stanza.render())) })
        }
        Input::Refused { header, refusal } => json!({ "refused": refused(header, refusal) }),
        Input::Timer(timer) => json!({ "timer": [timer.kind, timer.id] }),
        Input::Online { confirmed } => json!({ "online": confirmed }),
        Input::Confirmed(turn) => json!({ "confirmed": turn }),
        Input::Fetched { id, page: found } => {
            json!({ "fetched": id, "page": self::page(page.unwrap_or(found)) })
        }
        Input::Done { id, result } => json!({ "done": id, "result": result }),
        Input::Request { token, method, path, headers, body } => json!({
            "request": token, "method": method, "path": path,
            "headers": secrets.headers(headers), "body": hex::encode(secrets.body(body)),
        }),
        Input::Command { token, verb, arguments, actor } => json!({
            "command": token, "verb": verb, "arguments": secrets.json(arguments), "actor": actor,
        }),
        Input::Config { common, section } => {
            json!({ "config": common, "section": secrets.json(section) })
        }
        Input::SpaceLow(low) => json!({ "space_low": low }),
        Input::Shutdown { last } => json!({ "shutdown": last }),
    }
}

fn refused(header: &RawHeader, refusal: &Refusal) -> Value {
    json!({
        "name": header.kind.name(),
        "type": header.kind.type_attr(),
        "from": header.from,
        "to": header.to,
        "id": header.id,
        "error": refusal.kind.as_str(),
        "condition": refusal.condition.as_str(),
        "reason": refusal.reason,
        "text": refusal.text,
    })
}

pub(super) fn read_input(value: &Value) -> Option<Input> {
    if value.as_str() == Some("start") {
        return Some(Input::Start);
    }
    let number = |key: &str| value[key].as_u64();
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    let (what, of) = value.as_object()?.iter().next()?;
    Some(match what.as_str() {
        "stanza" => Input::Stanza(Stanza::parse(of.as_str()?.as_bytes())?),
        "refused" => read_refused(of)?,
        "timer" => {
            Input::Timer(Timer { kind: of[0].as_u64()?.try_into().ok()?, id: of[1].as_u64()? })
        }
        "offline" => Input::Offline(serde_json::from_value(of.clone()).ok()?),
        "online" => Input::Online { confirmed: of.as_u64()? },
        "confirmed" => Input::Confirmed(of.as_u64()?),
        "fetched" => Input::Fetched { id: of.as_u64()?, page: read_page(&value["page"])? },
        "done" => Input::Done {
            id: of.as_u64()?,
            result: serde_json::from_value(value["result"].clone()).ok()?,
        },
        "request" => Input::Request {
            token: number("request")?,
            method: text("method")?,
            path: text("path")?,
            headers: serde_json::from_value(value["headers"].clone()).ok()?,
            body: bytes(&value["body"])?,
        },
        "command" => Input::Command {
            token: number("command")?,
            verb: text("verb")?,
            arguments: value["arguments"].clone(),
            actor: text("actor")?,
        },
        "config" => Input::Config {
            common: serde_json::from_value(of.clone()).ok()?,
            section: value["section"].clone(),
        },
        "space_low" => Input::SpaceLow(of.as_bool()?),
        "shutdown" => Input::Shutdown { last: of.as_bool()? },
        _ => return None,
    })
}

fn read_refused(value: &Value) -> Option<Input> {
    let kind = value["type"].as_str();
    let kind = match value["name"].as_str()? {
        "message" => Kind::Message(kind.map_or(Some(MessageType::Normal), MessageType::parse)?),
        "presence" => {
            Kind::Presence(kind.map_or(Some(PresenceType::Available), PresenceType::parse)?)
        }
        _ => Kind::Iq(IqType::parse(kind?)?),
    };
    let jid = |key: &str| value[key].as_str().and_then(|text| Jid::parse(text).ok());
    let header = RawHeader {
        kind,
        from: jid("from"),
        to: jid("to"),
        id: value["id"].as_str().map(Into::into),
    };
    let condition: Condition = value["condition"].as_str()?.parse().ok()?;
    let types = [
        ErrorType::Auth,
        ErrorType::Cancel,
        ErrorType::Continue,
        ErrorType::Modify,
        ErrorType::Wait,
    ];
    let error = types.into_iter().find(|one| Some(one.as_str()) == value["error"].as_str())?;
    // Reasons live as long as the program; a replay ends soon.
    let reason = Box::leak(value["reason"].as_str()?.to_owned().into_boxed_str());
    let mut refusal = Refusal::new(condition, reason).with_type(error);
    if let Some(text) = value["text"].as_str() {
        refusal = refusal.text(text.to_owned());
    }
    Some(Input::Refused { header, refusal })
}
