//! Stanzas that leave: everything but `to`, which the template leaves open.

use crate::{
    jid::Jid,
    stanza::{IqType, Kind, MessageType, PresenceType},
    template::Template,
    xml::Xml,
};

/// A stanza to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Kind and type.
    pub kind: Kind,
    /// From which of our addresses.
    pub from: Jid,
    /// Its id.
    pub id: Option<String>,
    /// Its `xml:lang`.
    pub lang: Option<String>,
    /// Everything inside, rendered.
    pub payload: Vec<u8>,
}

impl Outgoing {
    /// An empty stanza.
    pub fn new(kind: Kind, from: &Jid) -> Self {
        Self { kind, from: from.clone(), id: None, lang: None, payload: Vec::new() }
    }

    /// An empty message.
    pub fn message(kind: MessageType, from: &Jid) -> Self {
        Self::new(Kind::Message(kind), from)
    }

    /// Presence without content.
    pub fn presence(kind: PresenceType, from: &Jid) -> Self {
        Self::new(Kind::Presence(kind), from)
    }

    /// An IQ without content.
    pub fn iq(kind: IqType, from: &Jid, id: impl Into<String>) -> Self {
        Self::new(Kind::Iq(kind), from).id(id)
    }

    /// With this id.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// In this language.
    pub fn lang(self, lang: impl Into<String>) -> Self {
        Self { lang: Some(lang.into()), ..self }
    }

    /// With rendered content behind what is there.
    pub fn payload(mut self, rendered: &[u8]) -> Self {
        self.payload.extend_from_slice(rendered);
        self
    }

    /// With content that `write` writes, behind what is there.
    pub fn child(self, write: impl FnOnce(&mut Xml)) -> Self {
        let mut xml = Xml::new();
        write(&mut xml);
        self.payload(&xml.finish())
    }

    /// The stanza with a hole for its recipient.
    pub fn template(&self) -> Template {
        Template::new(self)
    }
}

/// Begins a stanza: name, from, id, type and language. `to` comes last.
pub(crate) fn write_header(
    xml: &mut Xml,
    kind: Kind,
    from: &Jid,
    id: Option<&str>,
    lang: Option<&str>,
) {
    xml.open(kind.name())
        .attr("from", from.as_str())
        .attr_opt("id", id)
        .attr_opt("type", kind.type_attr())
        .attr_opt("xml:lang", lang);
}
