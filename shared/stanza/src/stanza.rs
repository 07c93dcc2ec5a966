//! Stanzas as they arrive: the header parsed, the payload kept.

use crate::{
    jid::Jid,
    outgoing::write_header,
    payload::Payload,
    xml::{Reader, Xml},
};

macro_rules! types {
    ($(#[$meta:meta])* $name:ident { $($variant:ident $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl $name {
            /// Value of the `type` attribute.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads the `type` attribute.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

types! {
    /// Types of messages (RFC 6121 §5.2.2).
    MessageType {
        Normal "normal", Chat "chat", Groupchat "groupchat", Headline "headline", Error "error",
    }
}
types! {
    /// Types of presence (RFC 6121 §4.7.1); available presence has no attribute.
    PresenceType {
        Available "", Unavailable "unavailable", Subscribe "subscribe", Subscribed "subscribed",
        Unsubscribe "unsubscribe", Unsubscribed "unsubscribed", Probe "probe", Error "error",
    }
}
types! {
    /// Types of IQs (RFC 6120 §8.2.3).
    IqType { Get "get", Set "set", Result "result", Error "error", }
}

/// Kind and type of a stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `<message/>`
    Message(MessageType),
    /// `<presence/>`
    Presence(PresenceType),
    /// `<iq/>`
    Iq(IqType),
}

impl Kind {
    /// Name of the element.
    pub fn name(self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Presence(_) => "presence",
            Self::Iq(_) => "iq",
        }
    }

    /// Value of the `type` attribute, where it is written.
    pub fn type_attr(self) -> Option<&'static str> {
        match self {
            Self::Message(MessageType::Normal) | Self::Presence(PresenceType::Available) => None,
            Self::Message(kind) => Some(kind.as_str()),
            Self::Presence(kind) => Some(kind.as_str()),
            Self::Iq(kind) => Some(kind.as_str()),
        }
    }
}

/// A stanza that the inbound gate let through.
#[derive(Debug, Clone)]
pub struct Stanza {
    /// Kind and type.
    pub kind: Kind,
    /// Who sent it, as the server vouches.
    pub from: Jid,
    /// Which of our addresses it was sent to.
    pub to: Jid,
    /// Its id; every IQ has one.
    pub id: Option<String>,
    /// Its `xml:lang`.
    pub lang: Option<String>,
    /// Everything inside, as bytes.
    pub payload: Payload,
}

impl Stanza {
    /// The stanza as bytes, the same for the same stanza: for traces and tests.
    pub fn render(&self) -> Vec<u8> {
        let mut xml = Xml::new();
        write_header(&mut xml, self.kind, &self.from, self.id.as_deref(), self.lang.as_deref());
        xml.attr("to", self.to.as_str()).raw(self.payload.bytes());
        xml.finish()
    }

    /// Reads one stanza and nothing else: for traces and tests.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        Reader::whole(&[bytes])
    }
}
