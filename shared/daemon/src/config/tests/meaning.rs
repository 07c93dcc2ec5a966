//! What values mean.

use super::*;

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
fn a_path_that_depends_on_the_directory_is_warned_of_once() {
    let more = "[domains.\"rooms.b.example\".component]\n[store]\npath = \"store\"\n";
    let config = good(more);
    let warned = config.warnings.iter().filter(|warning| warning.contains("give a path from /"));
    assert_eq!(warned.count(), 1, "{:?}", config.warnings);
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

#[test]
fn a_second_file_has_a_store_of_its_own() {
    let of = |file: &str| {
        let sources = Sources { file: file.into(), ..sources(&[]) };
        let config = Config::read_text(&probe::program(), &sources, GOOD).expect("good");
        config.domains[0].store.path.display().to_string()
    };
    assert_eq!(of("/etc/annex/probe.toml"), "/var/lib/annex/probe");
    assert_eq!(of("/etc/annex/probe-b.toml"), "/var/lib/annex/probe-b");
}

#[test]
fn who_keeps_senders_addresses_is_told_that_it_may_not() {
    let program =
        crate::program::Program { keeps_from: true, needs_from: |_| true, ..probe::program() };
    let warnings = |text: &str| {
        let config = Config::read_text(&program, &sources(&[]), text).expect("a configuration");
        config.warnings.iter().filter(|one| one.contains("foreign_from")).count()
    };
    assert_eq!(warnings(GOOD), 1);
    assert_eq!(warnings(&format!("{GOOD}foreign_from = true\n")), 0);
}

#[test]
fn who_needs_senders_and_has_no_domain_of_any_is_told() {
    let program = crate::program::Program { keeps_from: true, ..probe::program() };
    let warnings = |text: &str| {
        let config = Config::read_text(&program, &sources(&[]), text).expect("a configuration");
        config.warnings.iter().filter(|one| one.contains("local_domains")).count()
    };
    assert_eq!(warnings(GOOD), 0);
    assert_eq!(warnings(&format!("{GOOD}local_domains = []\n")), 1);
}
