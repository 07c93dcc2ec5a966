//! Whatever strangers send to a service.

use annex_testkit::strangers::{Words, meet};

use crate::probe::probe;

const WORDS: Words = Words {
    to: &[
        "probe.example.com",
        "probe.example.com",
        "probe.example.com",
        "PROBE.example.com/x",
        "a@probe.example.com",
        "store@probe.example.com",
        "nobody@probe.example.com",
        "5@probe.example.com",
        "a@probe.example.com/b",
        "@probe.example.com",
    ],
    payloads: &[
        "<query xmlns='http://jabber.org/protocol/disco#info' node='greet'/>",
        "<command xmlns='http://jabber.org/protocol/commands' node='greet'/>",
        "<command xmlns='http://jabber.org/protocol/commands' node='form'/>",
        "<command xmlns='http://jabber.org/protocol/commands' node='thing/make'/>",
        "<command xmlns='http://jabber.org/protocol/commands' node='thing/make' sessionid='{SESSION}' {ACTION}>{THING}</command>",
        "<command xmlns='http://jabber.org/protocol/commands' node='thing/make' sessionid='{SESSION}' {ACTION}>{THING}</command>",
        "<do xmlns='test'><put key='k'/><audit/></do>",
        "<do xmlns='test'><put key='k'/><refuse/></do>",
        "<do xmlns='test'><due after='5' id='1'/><note text='n'/></do>",
        "<do xmlns='test'><doom prefix='k'/></do>",
    ],
    holes: &[(
        "{THING}",
        &[
            "",
            "<x xmlns='jabber:x:data' type='submit'><field var='name'><value>n</value></field></x>",
            "<x xmlns='jabber:x:data' type='submit'><field var='sure'><value>1</value></field></x>",
            "<x xmlns='jabber:x:data' type='submit'><field var='size'><value>99999999999999999999</value></field><field var='name'><value/><value/></field></x>",
        ],
    )],
};

#[test]
fn every_request_has_one_answer_and_the_same_inputs_the_same_outputs() {
    meet(&WORDS, 300, probe);
}
