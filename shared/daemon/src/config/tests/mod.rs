//! The configuration as a whole: what is told of mistakes, and what is in force.

mod meaning;
mod reload;

use std::{collections::BTreeMap, path::Path};

use proptest::prelude::*;
use serde_json::json;

use super::{
    Config,
    example::{Filled, example},
    load::{Loaded, load_text},
    mistakes::ConfigError,
    show,
    sources::Sources,
    values::Origin,
};
use crate::{probe, runtime::Server};

const GOOD: &str = "[component]\njid = \"rooms.example.com\"\nsecret = \"s3cr3t-of-tests\"\n";

fn sources(environment: &[(&str, &str)]) -> Sources {
    Sources {
        file: "/etc/annex/probe.toml".into(),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        overrides: Vec::new(),
    }
}

fn loaded(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    load_text(&probe::program(), &sources(environment), text)
}

fn config(text: &str) -> Result<Config, ConfigError> {
    Config::read_text(&probe::program(), &sources(&[]), text)
}

fn good(more: &str) -> Config {
    config(&format!("{GOOD}{more}")).unwrap_or_else(|error| panic!("{error}"))
}

fn told(result: Result<Config, ConfigError>) -> String {
    result.expect_err("it is wrong").to_string()
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = r#"
[component]
jid = 5
secret = 12345
prot = 5347
port = "5347"
server = "xmpp.example.com"
admins = "admin@example.com"
[stroe]
path = "/x"
[store]
durability = "ful"
cache = 64
[log]
levl = "debug"
[limits]
stanza_in = "64 KB"
depth = 5
[probe]
word = "everyone"
grace = 900
users = 101
[probe.defaults]
publik = true
[metrics]
listen = ["127.0.0.1"]
[domains."rooms.b.example".log]
level = "info"
[domains."rooms.b.example".component]
jid = "rooms.b.example"
[domains."user@b.example"]
"#;
    insta::assert_snapshot!(told(config(text)));
}

#[test]
fn mistakes_of_meaning_are_told_at_once_too() {
    let text = r#"
[component]
jid = "room@rooms.example.com"
server = "xmpp.example.com"
admins = ["admin@example.com/phone", "example.com"]
[log]
level = "info,x=loud"
[metrics]
listen = "9347"
[limits]
stanza_in = "1 KiB"
[probe]
users = 13
"#;
    insta::assert_snapshot!(told(config(text)));
}

#[test]
fn what_is_missing_is_named() {
    insta::assert_snapshot!(told(config("")));
}

#[test]
fn what_is_not_toml_is_told_in_full() {
    insta::assert_snapshot!(told(config("[component\njid = rooms.example.com\nsecret = \"a\n")));
}

#[test]
fn the_example_gives_the_defaults() {
    let program = probe::program();
    let text = example(&program, &Filled::default());
    let given = loaded(&text, &[]).expect("the example");
    let none = loaded("[component]\njid = \"rooms.example.com\"\n", &[]).expect("nothing");
    for (key, entry) in none.main.entries() {
        let given = given.main.entry(key).unwrap_or_else(|| panic!("{key} is gone"));
        assert_eq!(given.value, entry.value, "{key}");
        if key != "component.jid" {
            assert_eq!(given.origin, Origin::Default, "{key}");
        }
    }
}

/// Every line of the example that is commented out is right when it is not.
#[test]
fn every_line_of_the_example_can_be_uncommented() {
    let text = example(&probe::program(), &Filled::default());
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if setting.starts_with(|first: char| first.is_ascii_lowercase()) => {
                format!("{setting}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect::<String>();
    // The last lines are of a further domain.
    let uncommented = uncommented.split("# Further subdomains").next().expect("a text");
    let loaded = loaded(uncommented, &[]).unwrap_or_else(|error| panic!("{error}\n{uncommented}"));
    assert!(loaded.main.entries().all(|(_, entry)| entry.origin != Origin::Default));
}

#[test]
fn a_component_finds_its_section_complete_and_in_plain_numbers() {
    let config = good("[probe]\ngrace = \"1500ms\"\n");
    assert_eq!(
        config.domains[0].section,
        json!({
            "word": "local", "grace": 1.5, "quota": 1_048_576, "users": 10, "defaults": { "public": false },
        })
    );
}

#[test]
fn variables_come_before_the_file_and_options_before_both() {
    let environment = [
        ("ANNEX_COMPONENT__PORT", "5999"),
        ("ANNEX_COMPONENT__ADMINS", "a@example.com, b@example.com"),
        ("ANNEX_COMPONENT__CONTACTS", "{ abuse = \"mailto:a@example.com\" }"),
        ("ANNEX_PROBE__DEFAULTS__PUBLIC", "true"),
        ("ANNEX_LOG__LEVEL", "warn"),
        ("ANNEX_OTHER__KEY", "of another program"),
        ("ANNEX_CONFIG", "/x"),
    ];
    let mut sources = sources(&environment);
    sources.overrides.push(("log.level", "debug".into()));
    let text = format!("{GOOD}port = 1\n");
    let loaded =
        load_text(&probe::program(), &sources, &text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(loaded.main.value("component.port"), &json!(5999));
    assert_eq!(loaded.main.value("component.admins"), &json!(["a@example.com", "b@example.com"]));
    assert_eq!(loaded.main.value("probe.defaults.public"), &json!(true));
    assert_eq!(loaded.main.value("log.level"), &json!("debug"));
    assert_eq!(
        loaded.main.entry("log.level").map(|entry| &entry.origin),
        Some(&Origin::CommandLine)
    );
    assert!(loaded.warnings.iter().any(|warning| warning.contains("ANNEX_OTHER__KEY")));
}

#[test]
fn a_wrong_variable_is_named() {
    let result = loaded(GOOD, &[("ANNEX_COMPONENT__PORT", "many"), ("ANNEX_STORE__PAHT", "/x")]);
    let told = result.expect_err("wrong").to_string();
    assert!(
        told.contains("ANNEX_COMPONENT__PORT: component.port: expected a whole number"),
        "{told}"
    );
    assert!(
        told.contains("ANNEX_STORE__PAHT: store.paht: unknown key; did you mean store.path?"),
        "{told}"
    );
}

#[test]
fn a_secret_of_digits_stays_what_it_is() {
    use secrecy::ExposeSecret;
    let loaded = loaded("[component]\njid = \"a.b\"\n", &[("ANNEX_COMPONENT__SECRET", "007")])
        .expect("good");
    let secret = loaded.main.secret.as_ref().map(|secret| secret.expose_secret().to_owned());
    assert_eq!(secret.as_deref(), Some("007"));
}

#[test]
fn what_is_shown_can_be_read_again() {
    let config = good(
        "admins = [\"a@example.com\"]\n[probe]\ngrace = \"90s\"\n[domains.\"b.c\".probe]\nusers = 1\n",
    );
    let text = show::text(&probe::program(), &config.loaded, false);
    let again = loaded(&text, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
    for (key, entry) in config.loaded.main.entries() {
        assert_eq!(again.main.value(key), &entry.value, "{key}");
    }
    assert_eq!(again.domains["b.c"].value("probe.users"), &json!(1));
}

/// Everything that anybody could be shown.
fn shown(text: &str, environment: &[(&str, &str)]) -> String {
    let program = probe::program();
    match loaded(text, environment) {
        Err(error) => format!("{error} {error:?}"),
        Ok(loaded) => {
            let shown =
                show::text(&program, &loaded, true) + &show::json(&program, &loaded).to_string();
            let config = match Config::of(&program, loaded.clone()) {
                Ok(config) => format!("{config:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            format!("{shown} {loaded:?} {config}")
        }
    }
}

proptest! {
    #[test]
    fn a_secret_is_never_shown(
        secret in "[A-Za-z0-9]{12,24}",
        form in 0_usize..9,
        noise in prop::sample::select(vec!["", "port = \"x\"\n", "[store]\ncache = 1\n", "[[\n", "secret_fil = 1\n"]),
    ) {
        let secret = format!("Zq{secret}");
        let line = match form {
            0 => format!("secret = \"{secret}\""),
            1 => format!("secret = \"{secret}"),
            2 => format!("secret = {secret}"),
            3 => format!("secret = [\"{secret}\"]"),
            4 => format!("secret = {{ a = \"{secret}\" }}"),
            5 => format!("secret = \"\"\"{secret}\n\"\"\""),
            6 => format!("secret = '{secret}'\nsecret = '{secret}'"),
            7 => format!("secret.{secret} = 1").replace(&secret, &format!("a = '{secret}'")),
            _ => String::new(),
        };
        let environment: BTreeMap<&str, &str> =
            if form == 8 { BTreeMap::from([("ANNEX_COMPONENT__SECRET", secret.as_str())]) } else { BTreeMap::new() };
        let environment: Vec<(&str, &str)> = environment.into_iter().collect();
        let shown = shown(&format!("[component]\njid = \"a.b\"\n{line}\n{noise}"), &environment);
        prop_assert!(!shown.contains(&secret), "{shown}");
    }

    #[test]
    fn numbers_as_secrets_are_refused_and_not_shown(secret in 10_000_000_u64..u64::MAX / 4) {
        let shown = shown(&format!("[component]\njid = \"a.b\"\nsecret = {secret}\n"), &[]);
        prop_assert!(!shown.contains(&secret.to_string()), "{shown}");
        prop_assert!(shown.contains("component.secret: expected a text in quotes"), "{shown}");
    }

    #[test]
    fn no_text_makes_it_panic(text in "[ -~\n]{0,200}") {
        let _ = loaded(&text, &[]);
        let _ = loaded(&format!("{GOOD}{text}"), &[]);
    }
}

#[test]
fn a_variable_that_is_not_text_is_no_default() {
    use std::os::unix::ffi::OsStringExt;
    let mut sources = sources(&[]);
    let path = std::ffi::OsString::from_vec(b"/srv/\xff".to_vec());
    sources.environment.insert("ANNEX_STORE__PATH".into(), path);
    let told = load_text(&probe::program(), &sources, GOOD).expect_err("not UTF-8").to_string();
    assert_eq!(told, "ANNEX_STORE__PATH: store.path: expected text in UTF-8");
}

#[test]
fn a_key_that_is_nothing_like_another_is_not_taken_for_it() {
    let told = told(config(&format!("{GOOD}foo = 1\n")));
    assert!(told.contains("component.foo: unknown key; `config example` shows"), "{told}");
    let told = self::told(config(&format!("{GOOD}secret = \"hunter2\"\n")));
    assert!(told.contains("secret is there a second time") && !told.contains("hunter2"), "{told}");
}

#[test]
fn a_number_from_the_environment_is_told_to_lack_its_unit() {
    let told = loaded(GOOD, &[("ANNEX_STORE__CACHE", "64")]).expect_err("no unit").to_string();
    assert!(told.contains("add a unit, such as KiB"), "{told}");
}
