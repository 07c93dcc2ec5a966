//! Whatever the addresses: one copy for each recipient, no blind one shown to another, all marked.

use std::collections::BTreeSet;

use crate::common::{NS, message, open};
use proptest::prelude::*;
use serde_json::json;

#[derive(Debug, Clone)]
struct Entry {
    kind: &'static str,
    user: u8,
    host: &'static str,
    resource: Option<&'static str>,
    delivered: bool,
}

impl Entry {
    fn jid(&self) -> String {
        let resource = self.resource.map(|resource| format!("/{resource}")).unwrap_or_default();
        format!("u{}@{}{resource}", self.user, self.host)
    }

    fn bare(&self) -> String {
        format!("u{}@{}", self.user, self.host)
    }

    fn xml(&self) -> String {
        let mark = if self.delivered { " delivered='true'" } else { "" };
        format!("<address type='{}' jid='{}'{mark}/>", self.kind, self.jid())
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    let kind = prop::sample::select(vec!["to", "cc", "bcc", "replyto"]);
    let host = prop::sample::select(vec!["example.com", "example.net", "example.org"]);
    let resource = prop::option::weighted(0.2, prop::sample::select(vec!["x", "y"]));
    (kind, 0..6u8, host, resource, prop::bool::weighted(0.15)).prop_map(
        |(kind, user, host, resource, delivered)| Entry { kind, user, host, resource, delivered },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn each_gets_one_copy_with_what_it_may_see(entries in prop::collection::vec(entry(), 1..40)) {
        let mut harness = open(json!({}));
        harness.stanza(&message(&entries.iter().map(Entry::xml).collect::<String>()));
        // Its sender is told where nobody gets it.
        let is_copy = |xml: &str| xml.starts_with("<message") && !xml.contains(" type='error'");
        let sent: Vec<_> =
            harness.take().into_iter().filter(|sent| is_copy(&sent.xml)).collect();

        let receivers = || entries.iter().filter(|one| one.kind != "replyto");
        let done: BTreeSet<String> =
            receivers().filter(|one| one.delivered).map(Entry::jid).collect();
        let all: BTreeSet<String> = receivers().map(Entry::jid).collect();
        let expected: BTreeSet<String> = receivers()
            .filter(|one| !done.contains(&one.jid()))
            .filter(|one| {
                let ours = one.resource.is_some() && one.host == "example.com";
                !ours || !all.contains(&one.bare()) || done.contains(&one.bare())
            })
            .map(Entry::jid)
            .collect();
        let found: BTreeSet<String> = sent.iter().map(|sent| sent.to.clone()).collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(sent.len(), expected.len(), "one copy each");

        let shown: Vec<String> =
            entries.iter().filter(|one| one.kind != "bcc").map(Entry::jid).collect();
        for copy in &sent {
            let element = copy.element();
            let addresses = element.get_child("addresses", NS).expect("addresses");
            let mut seen = Vec::new();
            for address in addresses.children() {
                let (jid, kind) = (address.attr("jid").expect("jid"), address.attr("type"));
                match kind {
                    Some("bcc") => prop_assert_eq!(jid, copy.to.as_str(), "another's blind entry"),
                    Some("to" | "cc") => {
                        prop_assert_eq!(address.attr("delivered"), Some("true"));
                        seen.push(jid.to_owned());
                    }
                    _ => seen.push(jid.to_owned()),
                }
            }
            prop_assert_eq!(&seen, &shown, "everything that is shown, in its order");
        }
    }
}
