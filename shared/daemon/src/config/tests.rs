use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use serde_json::json;

use super::{
    Config,
    example::{Filled, example},
    load::{Loaded, load_text},
    mistakes::ConfigError,
    reload::{self, Changes},
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
fn local_domains_are_the_parent_where_none_are_given() {
    assert_eq!(good("").domains[0].common.local_domains, ["example.com"]);
    let config = good("local_domains = [\"Example.ORG\"]\n");
    assert_eq!(config.domains[0].common.local_domains, ["example.org"]);
}

#[test]
fn another_machine_is_refused_unless_it_is_wanted() {
    for server in ["xmpp.example.com", "192.0.2.1", "2001:db8::1", "0.0.0.0"] {
        let text = format!("{GOOD}server = \"{server}\"\n");
        assert!(told(config(&text)).contains("insecure_link = true"), "{server}");
        assert!(config(&format!("{text}insecure_link = true\n")).is_ok(), "{server}");
    }
    for server in ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "unix:/run/s.sock"] {
        assert!(config(&format!("{GOOD}server = \"{server}\"\n")).is_ok(), "{server}");
    }
    let socket = good("server = \"unix:/run/s.sock\"\n");
    assert_eq!(socket.domains[0].link.server, Server::Unix("/run/s.sock".into()));
    for server in ["unix:run/s.sock", "127.0.0.1:5347", "", "user@host"] {
        assert!(config(&format!("{GOOD}server = \"{server}\"\n")).is_err(), "{server}");
    }
}

#[test]
fn a_further_domain_has_what_the_first_one_has_and_its_own() {
    let config = good(
        "admins = [\"a@example.com\"]\n[store]\npath = \"/s\"\n[probe]\nusers = 7\n\
         [domains.\"rooms.b.example\".component]\nsecret = \"other\"\nport = 5348\n\
         [domains.\"rooms.b.example\".probe]\nword = \"anyone\"\n",
    );
    let [first, second] = config.domains.as_slice() else { panic!("two domains") };
    assert_eq!(second.common.jid.as_str(), "rooms.b.example");
    assert_eq!(second.common.admins, first.common.admins);
    assert_eq!(second.common.local_domains, ["b.example"]);
    assert_eq!(second.store.path, Path::new("/s/domains/rooms.b.example"));
    assert_eq!((&second.section["users"], &second.section["word"]), (&json!(7), &json!("anyone")));
    assert_eq!(second.link.server.to_string(), "127.0.0.1:5348");
    use secrecy::ExposeSecret;
    assert_eq!(second.link.secret.expose_secret(), "other");
    assert_eq!(first.link.secret.expose_secret(), "s3cr3t-of-tests");
}

#[test]
fn two_domains_share_neither_name_nor_store() {
    let text = format!(
        "{GOOD}[store]\npath = \"/s\"\n[domains.\"ROOMS.example.com\".store]\npath = \"/s\"\n"
    );
    let told = told(config(&text));
    assert!(told.contains("is there twice") && told.contains("same directory /s"), "{told}");
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

fn changed(more: &str) -> (Config, Changes) {
    let running = good("");
    let new = good(more);
    reload::merge(&probe::program(), &running, &new).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn each_setting_changes_when_its_definition_says() {
    let (effective, changes) = changed(
        "port = 5348\nname = \"New\"\n[store]\ncache = \"8 MiB\"\n[log]\nlevel = \"debug\"\n\
         [probe]\nusers = 11\nquota = \"2 MiB\"\n",
    );
    assert_eq!(changes.live, ["component.name", "log.level", "probe.users"]);
    assert_eq!(changes.reconnect, ["component.port"]);
    assert_eq!(changes.restart, ["store.cache", "probe.quota"]);
    let domain = &effective.domains[0];
    assert_eq!(domain.link.server.to_string(), "127.0.0.1:5348");
    assert_eq!(domain.common.name, "New");
    assert_eq!(domain.section["users"], 11);
    assert_eq!(domain.section["quota"], 1 << 20, "it waits");
    assert_eq!(domain.store.cache, 64 << 20, "it waits");
    assert_eq!(
        changes.sentence(),
        "applied: component.name, log.level, probe.users; applied with a new connection: \
         component.port; waits for a restart: store.cache, probe.quota"
    );
}

#[test]
fn what_waits_is_told_until_it_is_taken_back() {
    let program = probe::program();
    let running = good("");
    let waiting = good("[store]\ncache = \"8 MiB\"\n");
    let (effective, _) = reload::merge(&program, &running, &waiting).expect("good");
    let (_, again) = reload::merge(&program, &effective, &waiting).expect("good");
    assert_eq!(again.restart, ["store.cache"]);
    let (_, back) = reload::merge(&program, &effective, &good("")).expect("good");
    assert_eq!(back, Changes::default());
}

#[test]
fn a_further_domain_comes_and_goes_with_a_restart() {
    let (effective, changes) = changed("[domains.\"rooms.b.example\".component]\nport = 1\n");
    assert_eq!(changes.restart, ["domains.\"rooms.b.example\""]);
    assert_eq!(effective.domains.len(), 1);
}

#[test]
fn a_new_secret_in_the_same_file_makes_a_new_connection() {
    let directory = tempfile::tempdir().expect("directory");
    let file = directory.path().join("secret");
    let text = format!("[component]\njid = \"a.b\"\nsecret_file = \"{}\"\n", file.display());
    fs::write(&file, "one").expect("write");
    let running = config(&text).expect("good");
    fs::write(&file, "two").expect("write");
    let new = config(&text).expect("good");
    let (_, changes) = reload::merge(&probe::program(), &running, &new).expect("good");
    assert_eq!(changes.reconnect, ["component.secret_file"]);
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
fn what_would_stop_everything_is_refused() {
    let text = "[limits]\ninbox = \"0\"\noutbox = \"0\"\nbacklog = \"1 KiB\"\ncommits = \"0\"\n\
        [link]\nping = \"0\"\nkeepalive = \"1ms\"\n[store]\npath = \"\"\n";
    let told = told(config(&format!("{GOOD}{text}")));
    for part in [
        "limits.inbox: expected 1 MiB or more",
        "limits.outbox: expected 1 MiB or more",
        "limits.backlog: ",
        "limits.commits: ",
        "link.ping: expected \"1s\" or more",
        "link.keepalive: ",
        "store.path: expected a path",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    let text = "[limits]\nstanza_in = \"20 MiB\"\n";
    assert!(self::told(config(&format!("{GOOD}{text}"))).contains("twice limits.stanza_in"));
}

#[test]
fn local_domains_are_domains() {
    let text = format!("{GOOD}local_domains = [\"Example.COM\", \"\", \"a@b.example\"]\n");
    let told = told(config(&text));
    assert!(told.contains("component.local_domains: expected domains such as"), "{told}");
    assert!(told.contains("found \"a@b.example\""), "{told}");
    let text = format!("{GOOD}local_domains = [\"Example.COM\"]\n");
    let config = config(&text).expect("good");
    assert_eq!(config.domains[0].common.local_domains, ["example.com"]);
}

#[test]
fn a_path_that_depends_on_the_directory_is_warned_of() {
    let more = "[domains.\"rooms.b.example\".component]\n[store]\npath = \"store\"\n";
    let config = good(more);
    let warned = config.warnings.iter().filter(|warning| warning.contains("give a path from /"));
    assert_eq!(warned.count(), 2, "{:?}", config.warnings);
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

#[test]
fn contacts_are_addresses_of_kinds_that_are_registered() {
    let text = format!("{GOOD}contacts = {{ abuse = \"mailto:a@b\", abus = \"x@y\" }}\n");
    let told = told(config(&text));
    assert!(told.contains("component.contacts: there is no kind abus, but abuse, admin"), "{told}");
    assert!(told.contains("expected addresses such as \"mailto:a@b\", found \"x@y\""), "{told}");
    let config = good("contacts = { status = [\"https://status.example.com\"] }\n");
    assert_eq!(config.domains[0].common.contacts["status"], ["https://status.example.com"]);
}
