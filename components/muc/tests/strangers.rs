//! Whatever strangers send to rooms: every request has one answer, errors and results none, and
//! nothing panics.

#![allow(missing_docs, reason = "the names of tests say what they are")]

use annex_muc::Muc;
use annex_testkit::strangers::{Words, meet};
use serde_json::json;

const WORDS: Words = Words {
    to: &[
        "rooms.example.com",
        "rooms.example.com/x",
        "den@rooms.example.com",
        "den@rooms.example.com",
        "den@rooms.example.com/alice",
        "den@rooms.example.com/alice",
        "den@rooms.example.com/bob",
        "den@rooms.example.com/nobody",
        "den@rooms.example.com/🦀",
        "den@rooms.example.com/ ",
        "hall@rooms.example.com",
        "hall@rooms.example.com/alice",
    ],
    payloads: &[
        "<x xmlns='http://jabber.org/protocol/muc'/>",
        "<x xmlns='http://jabber.org/protocol/muc'/>",
        "<x xmlns='http://jabber.org/protocol/muc'/>",
        "<x xmlns='http://jabber.org/protocol/muc'><password>p</password><history maxstanzas='-1' since='x'/></x>",
        "<show>away</show><status>gone</status>",
        "<subject>s</subject>",
        "<subject/>",
        "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='{JID}'/></x>",
        "<x xmlns='http://jabber.org/protocol/muc#user'><decline to='{JID}'/></x>",
        "<query xmlns='http://jabber.org/protocol/muc#owner'/>",
        "<query xmlns='http://jabber.org/protocol/muc#owner'>{FORM}</query>",
        "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>{FIELD}{FIELD}</x></query>",
        "<query xmlns='http://jabber.org/protocol/muc#owner'><destroy jid='@'><reason>r</reason></destroy></query>",
        "<query xmlns='http://jabber.org/protocol/muc#admin'/>",
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='{AFFILIATION}'/></query>",
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item role='{ROLE}'/></query>",
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='{AFFILIATION}' jid='{JID}'/></query>",
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item role='{ROLE}' nick='bob'/></query>",
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item role='{ROLE}' nick='alice'/><item affiliation='{AFFILIATION}' jid='{JID}'/></query>",
        "<query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/>",
        "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/muc#rooms'/>",
        "<vCard xmlns='vcard-temp'/>",
        "<query xmlns='jabber:iq:register'/>",
    ],
    holes: &[
        ("{AFFILIATION}", &["owner", "admin", "member", "none", "outcast", "what", ""]),
        ("{ROLE}", &["moderator", "participant", "visitor", "none", "what"]),
        (
            "{JID}",
            &["alice@example.com", "bob@example.com", "@", "example.com", "c@far.example.net/y"],
        ),
        (
            "{FIELD}",
            &[
                "<field/>",
                "<field var='muc#roomconfig_membersonly'><value>1</value></field>",
                "<field var='muc#roomconfig_moderatedroom'><value>1</value></field>",
                "<field var='muc#roomconfig_persistentroom'><value>1</value></field>",
                "<field var='muc#roomconfig_maxusers'><value>-1</value></field>",
                "<field var='muc#roomconfig_maxusers'><value>1</value></field>",
                "<field var='muc#roomconfig_roomname'><value>&lt;x&gt;</value><value>2</value></field>",
                "<field var='muc#roomconfig_roomadmins'><value>bob@example.com</value><value>@</value></field>",
                "<field var='muc#roomconfig_roomowners'/>",
                "<field var='muc#roomconfig_whois'><value>nobody</value></field>",
                "<field var='muc#roomconfig_passwordprotectedroom'><value>1</value></field>",
                "<field var='muc#roomconfig_roomsecret'><value>p</value></field>",
                "<field var='muc#roomconfig_presencebroadcast'><value>moderator</value></field>",
            ],
        ),
    ],
};

#[test]
fn every_request_to_rooms_has_one_answer() {
    meet(&WORDS, 300, || {
        let section = json!({ "create": "anyone", "messages_per_second": 0 });
        annex_testkit::service::<Muc>("rooms.example.com", section)
    });
}
