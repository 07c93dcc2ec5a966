//! Whatever strangers send: every request has one answer, errors and results none.

use annex_testkit::strangers::{Words, meet};
use serde_json::json;

use crate::common::{JID, open};

const WORDS: Words = Words {
    to: &[
        JID,
        JID,
        JID,
        "multicast.example.com/x",
        "staff@multicast.example.com",
        "a@multicast.example.com/b",
    ],
    payloads: &[
        "{ADDRESSES}",
        "{ADDRESSES}",
        "{ADDRESSES}<body>Hello</body>",
        "<body>Hello</body>{ADDRESSES}<report xmlns='urn:annex:multicast:0'/>",
        "{ADDRESSES}{ADDRESSES}",
        "<command xmlns='http://jabber.org/protocol/commands' node='lists/create'/>",
        "<command xmlns='http://jabber.org/protocol/commands' node='lists/create' sessionid='{SESSION}'>{LIST}</command>",
        "<command xmlns='http://jabber.org/protocol/commands' node='lists/show' sessionid='{SESSION}'>{LIST}</command>",
    ],
    holes: &[
        (
            "{ADDRESSES}",
            &[
                "<addresses xmlns='http://jabber.org/protocol/address'/>",
                "<addresses xmlns='http://jabber.org/protocol/address'>{ENTRY}</addresses>",
                "<addresses xmlns='http://jabber.org/protocol/address'>{ENTRY}<address type='bcc' jid='dora@example.com'/></addresses>",
                "<addresses xmlns='http://jabber.org/protocol/address' n='1'>text{ENTRY}{ENTRY}<x xmlns='urn:x'/></addresses>",
            ],
        ),
        (
            "{ENTRY}",
            &[
                "<address type='to' jid='erin@example.com'/>",
                "<address type='bcc' jid='frank@far.example.net'><x xmlns='urn:x'/></address>",
                "<address type='cc' jid='@'/>",
                "<address type='to' jid='multicast.example.com'/>",
                "<address type='to' jid='staff@multicast.example.com'/>",
                "<address type='to' jid='erin@example.com' delivered='true'/>",
                "<address type='replyto' jid='erin@example.com/&apos;&lt;&amp;'/>",
                "<address type='noreply'/>",
                "<address type='what' jid='erin@example.com'/>",
                "<address type='to' uri='mailto:erin@example.com'/>",
                "<address/>",
            ],
        ),
        (
            "{LIST}",
            &[
                "",
                "<x xmlns='jabber:x:data' type='submit'><field var='list'><value>staff</value></field><field var='members'><value>erin@example.com</value><value>dora@example.com</value></field></x>",
                "<x xmlns='jabber:x:data' type='submit'><field var='list'><value>@</value></field><field var='members'><value>@</value></field></x>",
            ],
        ),
    ],
};

#[test]
fn every_request_has_one_answer_and_the_same_inputs_the_same_outputs() {
    meet(&WORDS, 200, || open(json!({ "create_lists": "local" })));
}
