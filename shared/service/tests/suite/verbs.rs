//! Verbs of the admin socket: the same commands, over JSON.

use annex_service::input::Input;
use serde_json::{Value, json};

use crate::probe::{Probed, THINGS, message, probe};

fn ask(harness: &mut Probed, verb: &str, arguments: Value) -> (u16, Value) {
    let answer = harness.verb(verb, arguments).unwrap_or_else(|| panic!("{verb}: no answer"));
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

#[test]
fn a_verb_is_a_command_with_all_its_arguments() {
    let mut harness = probe();
    let arguments = json!({ "name": "lamp", "colour": "red", "sure": true, "size": 3 });
    let (status, answer) = ask(&mut harness, "thing make", arguments);
    assert_eq!(status, 200);
    assert_eq!(answer, json!({ "note": "lamp is made.", "columns": [], "rows": [] }));
    assert_eq!(&harness.store().table(THINGS)[0].value[..], b"red");
}

#[test]
fn defaults_stand_for_what_is_not_given() {
    let mut harness = probe();
    ask(&mut harness, "thing make", json!({ "name": "lamp", "sure": "1" }));
    assert_eq!(&harness.store().table(THINGS)[0].value[..], b"blue");
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let mut harness = probe();
    let mut error = |verb: &str, arguments: Value| {
        let (status, answer) = ask(&mut harness, verb, arguments);
        (status, answer["error"].as_str().unwrap().to_owned())
    };
    assert_eq!(error("thing make", json!({})), (400, "missing: name".into()));
    assert_eq!(error("thing make", json!(null)), (400, "missing: name".into()));
    for nothing in [json!({ "name": "" }), json!({ "name": " " }), json!({ "": [""] })] {
        assert_eq!(error("thing make", nothing), (400, "missing: name".into()));
    }
    assert_eq!(
        error("thing make", json!({ "name": "x", "colour": "green" })),
        (400, "colour: expected one of red, blue".into())
    );
    assert_eq!(
        error("thing make", json!({ "name": ["x", "y"] })),
        (400, "name: expected one value".into())
    );
    assert_eq!(error("thing make", json!({ "name": {} })), (400, "name: not a text".into()));
    assert_eq!(error("thing make", json!([1])), (400, "the arguments are not an object".into()));
    assert_eq!(error("thing break", json!({})), (404, "no verb thing break".into()));
    assert_eq!(
        error("person forget", json!({ "jid": "a@b", "messages": "burn" })),
        (400, "messages is keep, tombstone or delete".into())
    );
    assert_eq!(
        error("person show", json!({ "jid": "@" })),
        (400, "jid: an address such as user@example.com".into())
    );
    assert!(harness.store().is_empty());
}

#[test]
fn a_misspelt_argument_is_named_and_nothing_happens() {
    let mut harness = probe();
    let arguments = json!({ "name": "lamp", "color": "red", "sure": true });
    let (status, answer) = ask(&mut harness, "thing make", arguments);
    assert_eq!(status, 400);
    let error = answer["error"].as_str().unwrap();
    assert!(error.starts_with("color: there is no such argument; there are: name"), "{error}");
    let arguments = json!({ "": ["lamp", "red", "1", "1", "one"] });
    let (status, answer) = ask(&mut harness, "thing make", arguments);
    assert_eq!(status, 400, "{answer}");
    assert!(harness.store().is_empty());
}

#[test]
fn a_command_without_a_form_takes_no_arguments() {
    let mut harness = probe();
    let (status, answer) = ask(&mut harness, "status", json!({ "": ["all"] }));
    assert_eq!(status, 400);
    assert_eq!(answer["error"], "all: one value too many; there are none");
}

#[test]
fn a_table_has_columns_and_rows() {
    let (_, answer) = ask(&mut probe(), "greet", json!({}));
    assert_eq!(
        answer,
        json!({
            "note": "Greeted.",
            "columns": [{ "name": "word", "label": "Word" }, { "name": "whom", "label": "Whom" }],
            "rows": [["hello", "probe.example.com/root"], ["<&>", "x"]],
        })
    );
}

#[test]
fn status_tells_the_numbers_of_the_component() {
    let mut harness = probe();
    harness.advance(crate::probe::seconds(42));
    let (_, answer) = ask(&mut harness, "status", json!({}));
    let row = |name: &str| {
        let rows = answer["rows"].as_array().unwrap();
        rows.iter().find(|row| row[0] == name).map(|row| row[1].as_str().unwrap().to_owned())
    };
    assert_eq!(row("program").as_deref(), Some("annex 0.0.0"));
    assert_eq!(row("uptime_seconds").as_deref(), Some("42"));
    assert_eq!(row("connected").as_deref(), Some("true"));
    assert_eq!(row("things.made").as_deref(), Some("0"));
}

#[test]
fn the_audit_log_is_shown_newest_first_and_by_the_page() {
    let mut harness = probe();
    for n in 0..120 {
        harness.stanza(&message("a@probe.example.com", &format!("<audit reason='{n}'/>")));
    }
    ask(&mut harness, "thing make", json!({ "name": "lamp", "sure": true }));
    let (_, first) = ask(&mut harness, "audit", json!({}));
    let rows = first["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 50);
    assert_eq!(rows[0][2], "probe.example.com/root");
    assert_eq!(rows[0][3], "thing/make");
    assert_eq!(rows[0][4], "lamp");
    assert_eq!(rows[1][1], "2026-01-02T03:04:05.000119Z");
    assert_eq!(rows[1][2], "alice@example.com/phone");
    assert_eq!(rows[1][5], "119");
    let mut seen = rows.len();
    let mut before = rows[49][0].clone();
    while seen < 121 {
        let (_, page) = ask(&mut harness, "audit", json!({ "before": before }));
        let rows = page["rows"].as_array().unwrap();
        assert!(!rows.is_empty());
        seen += rows.len();
        before = rows[rows.len() - 1][0].clone();
    }
    let (_, page) = ask(&mut harness, "audit", json!({ "before": before }));
    assert_eq!(page["rows"], json!([]));
    assert_eq!(ask(&mut harness, "audit", json!({ "before": "x" })).0, 400);
}

#[test]
fn what_the_process_does_when_told_stands_in_the_audit_log() {
    let mut harness = probe();
    for (verb, arguments) in [
        ("backup", json!(null)),
        ("export", json!(null)),
        ("reconnect", json!({})),
        ("log-level", json!({ "level": "debug" })),
        ("stop", json!({ "final": true })),
    ] {
        assert_eq!(ask(&mut harness, verb, arguments).0, 200, "{verb}");
    }
    let (_, log) = ask(&mut harness, "audit", json!({}));
    let rows = log["rows"].as_array().unwrap().iter();
    let rows: Vec<_> = rows.map(|row| [2, 3, 4, 5].map(|at| row[at].as_str().unwrap())).collect();
    let [who, whom] = ["probe.example.com/root", "probe.example.com"];
    let what = [
        ("stop", "final"),
        ("log-level", "debug"),
        ("reconnect", ""),
        ("export", ""),
        ("backup", ""),
    ];
    assert_eq!(rows, what.map(|(what, reason)| [who, what, whom, reason]));
}

#[test]
fn orders_to_the_process_are_taken_when_space_is_low() {
    let mut harness = probe();
    harness.input(Input::SpaceLow(true));
    assert_eq!(ask(&mut harness, "thing make", json!({ "name": "lamp", "sure": true })).0, 500);
    assert_eq!(ask(&mut harness, "stop", json!({})).0, 200);
}
