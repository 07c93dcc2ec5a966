//! What every service answers, read by the types of another implementation (xmpp-parsers): what
//! they require is there, and says what it is meant to say.

use annex_testkit::Sent;
use minidom::Element;
use xmpp_parsers::{
    data_forms::{DataForm, DataFormType, FieldType},
    disco::{DiscoInfoResult, DiscoItemsResult},
    time::TimeResult,
    version::VersionResult,
};

use crate::probe::{Probed, iq, probe};

fn ask(harness: &mut Probed, kind: &str, to: &str, payload: &str) -> Sent {
    harness.stanza(&iq(kind, to, payload));
    harness.take().remove(0)
}

fn read<T: TryFrom<Element, Error: std::fmt::Debug>>(kind: &str, to: &str, payload: &str) -> T {
    let sent = ask(&mut probe(), kind, to, payload);
    let child = sent.element().children().next().unwrap().clone();
    T::try_from(child).unwrap_or_else(|error| panic!("{error:?}: {sent}"))
}

const SERVICE: &str = "probe.example.com";

#[test]
fn information_about_the_service_and_an_entity() {
    let query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    let info: DiscoInfoResult = read("get", SERVICE, query);
    assert_eq!((info.identities.len(), info.node), (1, None));
    assert!(info.features.contains("urn:xmpp:ping"));
    let info: DiscoInfoResult = read("get", "a@probe.example.com", query);
    assert_eq!(info.extensions[0].form_type(), Some("test:form"));
    assert_eq!(info.extensions[0].type_, DataFormType::Result_);
}

#[test]
fn a_page_of_items() {
    let query = "<query xmlns='http://jabber.org/protocol/disco#items'>
          <set xmlns='http://jabber.org/protocol/rsm'><max>2</max><index>1</index></set>
        </query>";
    let items: DiscoItemsResult = read("get", "5@probe.example.com", query);
    let names: Vec<_> = items.items.iter().filter_map(|item| item.name.as_deref()).collect();
    assert_eq!(names, ["Item 1", "Item 2"]);
    let page = items.rsm.unwrap();
    let first = page.first.unwrap();
    assert_eq!((first.index, page.count), (Some(1), Some(5)));
    assert_eq!(first.item, items.items[0].jid.to_string());
    assert_eq!(page.last, Some(items.items[1].jid.to_string()));
}

#[test]
fn version_and_time() {
    let version: VersionResult = read("get", SERVICE, "<query xmlns='jabber:iq:version'/>");
    assert_eq!((version.name.as_str(), version.version.as_str()), ("annex", "0.0.0"));
    let time: TimeResult = read("get", SERVICE, "<time xmlns='urn:xmpp:time'/>");
    assert_eq!(time.utc.to_rfc3339(), "2026-01-02T03:04:05+00:00");
    assert_eq!(time.tz_offset.local_minus_utc(), 0);
}

#[test]
fn the_table_of_a_command() {
    let command = "<command xmlns='http://jabber.org/protocol/commands' node='greet'/>";
    let sent = ask(&mut probe(), "set", SERVICE, command);
    let command = sent.element().children().next().unwrap().clone();
    let form = command.get_child("x", "jabber:x:data").unwrap().clone();
    let form = DataForm::try_from(form).unwrap();
    assert_eq!(form.title.as_deref(), Some("Greet"));
}

#[test]
fn the_form_of_a_command() {
    let command = "<command xmlns='http://jabber.org/protocol/commands' node='thing/make'/>";
    let mut harness = probe();
    harness.stanza(&iq("set", SERVICE, command).replace("alice@", "admin@"));
    let command = harness.take()[0].element().children().next().unwrap().clone();
    let form = command.get_child("x", "jabber:x:data").unwrap().clone();
    let form = DataForm::try_from(form).unwrap();
    assert_eq!(form.type_, DataFormType::Form);
    let kinds: Vec<_> = form.fields.iter().map(|field| field.type_.clone()).collect();
    assert_eq!(kinds, [FieldType::TextSingle, FieldType::ListSingle, FieldType::TextSingle]);
    assert!(form.fields[0].required);
    assert_eq!(form.fields[1].options.len(), 2);
    assert!(form.fields[2].validate.is_some());
}
