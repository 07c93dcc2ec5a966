//! Namespaces, by the name of what they are for.

macro_rules! namespaces {
    ($($name:ident $value:literal $text:literal,)*) => {
        $(#[doc = $text] pub const $name: &str = $value;)*
    };
}

namespaces! {
    CLIENT "jabber:client" "Stanzas, wherever they are kept or forwarded (RFC 6120).",
    COMPONENT "jabber:component:accept" "Stanzas on a component's stream (XEP-0114).",
    STREAMS "http://etherx.jabber.org/streams" "Streams (RFC 6120).",
    STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams" "Conditions of stream errors (RFC 6120).",
    STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas" "Conditions of stanza errors (RFC 6120).",
    XML "http://www.w3.org/XML/1998/namespace" "`xml:lang`.",
    DISCO_INFO "http://jabber.org/protocol/disco#info" "XEP-0030.",
    DISCO_ITEMS "http://jabber.org/protocol/disco#items" "XEP-0030.",
    DATA_FORMS "jabber:x:data" "XEP-0004.",
    VALIDATE "http://jabber.org/protocol/xdata-validate" "XEP-0122.",
    LAST "jabber:iq:last" "XEP-0012.",
    ADDRESS "http://jabber.org/protocol/address" "XEP-0033.",
    MUC "http://jabber.org/protocol/muc" "XEP-0045.",
    MUC_USER "http://jabber.org/protocol/muc#user" "XEP-0045.",
    MUC_ADMIN "http://jabber.org/protocol/muc#admin" "XEP-0045.",
    MUC_OWNER "http://jabber.org/protocol/muc#owner" "XEP-0045.",
    MUC_ROOMCONFIG "http://jabber.org/protocol/muc#roomconfig" "XEP-0045 §16.5.3.",
    MUC_ROOMINFO "http://jabber.org/protocol/muc#roominfo" "XEP-0045 §16.5.4.",
    MUC_REQUEST "http://jabber.org/protocol/muc#request" "XEP-0045 §16.5.2.",
    MUC_STABLE_ID "http://jabber.org/protocol/muc#stable_id" "XEP-0045 §7.4.",
    COMMANDS "http://jabber.org/protocol/commands" "XEP-0050.",
    VCARD "vcard-temp" "XEP-0054.",
    RSM "http://jabber.org/protocol/rsm" "XEP-0059.",
    PUBSUB "http://jabber.org/protocol/pubsub" "XEP-0060.",
    PUBSUB_EVENT "http://jabber.org/protocol/pubsub#event" "XEP-0060.",
    PUBSUB_OWNER "http://jabber.org/protocol/pubsub#owner" "XEP-0060.",
    PUBSUB_ERRORS "http://jabber.org/protocol/pubsub#errors" "XEP-0060.",
    REGISTER "jabber:iq:register" "XEP-0077.",
    VERSION "jabber:iq:version" "XEP-0092.",
    VCARD_UPDATE "vcard-temp:x:update" "XEP-0153.",
    SERVER_INFO "http://jabber.org/network/serverinfo" "XEP-0157.",
    PING "urn:xmpp:ping" "XEP-0199.",
    TIME "urn:xmpp:time" "XEP-0202.",
    DELAY "urn:xmpp:delay" "XEP-0203.",
    CONFERENCE "jabber:x:conference" "XEP-0249.",
    FORWARD "urn:xmpp:forward:0" "XEP-0297.",
    HATS "urn:xmpp:hats:0" "XEP-0317.",
    MAM "urn:xmpp:mam:2" "XEP-0313.",
    HINTS "urn:xmpp:hints" "XEP-0334.",
    PRIVILEGE_1 "urn:xmpp:privilege:1" "XEP-0356, as ejabberd 23 speaks it.",
    PRIVILEGE "urn:xmpp:privilege:2" "XEP-0356.",
    STANZA_ID "urn:xmpp:sid:0" "XEP-0359.",
    SELF_PING "http://jabber.org/protocol/muc#self-ping-optimization" "XEP-0410.",
    OCCUPANT_ID "urn:xmpp:occupant-id:0" "XEP-0421.",
}
