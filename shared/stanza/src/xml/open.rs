//! A stanza while it is read: its payload rendered anew, its children indexed, its header judged.

use std::sync::Arc;

use rxml::{AttrMap, Namespace, NcName};

use crate::{
    error::{Condition, Refusal},
    jid::Jid,
    ns,
    payload::{Child, Payload},
    stanza::{IqType, Kind, MessageType, PresenceType, Stanza},
    xml::{
        escape_attr, escape_text,
        frame::{Frame, Limits, RawHeader},
        simple::{Row, Tag},
    },
};

/// With fewer elements in a stanza, looking for rows of them costs more than it saves.
const MANY: usize = 16;

const POLICY: Condition = Condition::PolicyViolation;

/// A stanza, or something else at its level, that is being read.
pub(super) struct Open {
    ns: Arc<str>,
    name: NcName,
    attrs: AttrMap,
    bytes: usize,
    elements: usize,
    out: Vec<u8>,
    children: Vec<Child>,
    /// Namespace and name of the open elements below the stanza.
    path: Vec<(Arc<str>, NcName)>,
    /// The innermost start tag still lacks its `>`.
    in_tag: bool,
    /// What the next element may be like; whatever the parser reads ends it.
    row: Option<Row>,
    refused: Option<Refusal>,
    text: String,
}

impl Open {
    pub(super) fn new(ns: Arc<str>, name: NcName, attrs: AttrMap) -> Self {
        Self {
            ns,
            name,
            attrs,
            bytes: 0,
            elements: 0,
            out: Vec::new(),
            children: Vec::new(),
            path: Vec::new(),
            in_tag: false,
            row: None,
            refused: None,
            text: String::new(),
        }
    }

    /// An element below the stanza begins, on this level.
    pub(super) fn child(
        &mut self,
        (ns, name): (Arc<str>, NcName),
        attrs: &AttrMap,
        depth: usize,
        limits: &Limits,
    ) {
        if self.admits(depth, limits) {
            self.start(ns, name, attrs, limits);
        }
    }

    /// A whole element without content, on this level.
    pub(super) fn empty(&mut self, ns: &Arc<str>, tag: &Tag<'_>, depth: usize, limits: &Limits) {
        self.count(tag.bytes.len(), limits);
        if !self.admits(depth, limits) {
            return;
        }
        self.end_tag();
        let start = self.out.len();
        self.begin(ns, tag.name);
        for attribute in tag.attributes() {
            self.out.push(b' ');
            self.out.extend_from_slice(attribute.text);
        }
        self.out.extend_from_slice(b"/>");
        self.ended();
        // Children of the stanza itself are indexed.
        if self.elements >= MANY && !self.path.is_empty() {
            self.row = Row::new(tag, &self.out[start..]);
        }
    }

    /// Takes what goes on with the row of the element before, on this level; how many bytes.
    pub(super) fn row(&mut self, bytes: &[u8], depth: usize, limits: &Limits) -> usize {
        let mut taken = 0;
        while let Some((value, len)) = self.row.as_ref().and_then(|row| row.next(&bytes[taken..])) {
            taken += len;
            self.count(len, limits);
            if self.admits(depth, limits)
                && let Some(row) = &self.row
            {
                row.keep(value, &mut self.out);
            }
        }
        taken
    }

    /// Whether one more element on this level is let in, whose bytes were counted.
    fn admits(&mut self, depth: usize, limits: &Limits) -> bool {
        self.elements += 1;
        if self.refused.is_some() {
            // Its content is passed over.
        } else if depth > limits.depth {
            self.refuse(POLICY, "gate.depth", "The stanza is nested too deeply");
        } else if self.elements > limits.children {
            self.refuse(POLICY, "gate.children", "The stanza has too many elements");
        }
        self.refused.is_none()
    }

    pub(super) fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// Bytes on the wire so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// So many more bytes belong to it.
    pub(super) fn count(&mut self, bytes: usize, limits: &Limits) {
        self.bytes += bytes;
        if self.refused.is_none() {
            self.measure(limits);
        }
    }

    /// Refuses it if it is too large, as it came or as it is kept: a namespace that is declared once
    /// and used a thousand times is then declared a thousand times.
    fn measure(&mut self, limits: &Limits) {
        let size = self.bytes.max(self.out.len());
        if size > limits.bytes {
            self.refuse_as_too_large();
        } else if size > limits.presence && self.name == "presence" {
            self.refuse(POLICY, "gate.presence", "The presence is too large");
        }
    }

    pub(super) fn refuse_as_too_large(&mut self) {
        self.refuse(POLICY, "gate.bytes", "The stanza is too large");
    }

    /// Namespaces in XML 1.0 §7: its server did not look at them.
    pub(super) fn refuse_as_unreadable(&mut self) {
        let text = "A name or a namespace in the stanza makes no sense";
        self.refuse(Condition::BadRequest, "gate.names", text);
    }

    fn refuse(&mut self, condition: Condition, reason: &'static str, text: &'static str) {
        self.refused = Some(Refusal::new(condition, reason).text(text));
        self.out = Vec::new();
        self.children = Vec::new();
        self.path = Vec::new();
        self.row = None;
        self.text = String::new();
    }

    /// The name of an element, with the declaration of its namespace where it needs one.
    fn begin(&mut self, ns: &Arc<str>, name: &str) {
        self.end_tag();
        let at = self.out.len();
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        let declared = match self.path.last() {
            // Whatever the stream's own namespace is called, its children inherit it.
            None => **ns == *ns::CLIENT,
            Some((parent, _)) => parent == ns,
        };
        if !declared {
            self.out.extend_from_slice(b" xmlns='");
            escape_attr(ns, &mut self.out);
            self.out.push(b'\'');
        }
        if self.path.is_empty() {
            self.children.push(Child { ns: Arc::clone(ns), name: name.into(), range: at..at });
        }
    }

    fn start(&mut self, ns: Arc<str>, name: NcName, attrs: &AttrMap, limits: &Limits) {
        self.begin(&ns, name.as_str());
        for (number, ((ns, name), value)) in attrs.iter().enumerate() {
            self.out.push(b' ');
            if *ns == Namespace::XML {
                self.out.extend_from_slice(b"xml:");
            } else if *ns != Namespace::NONE {
                let prefix = format!("n{number}");
                self.out.extend_from_slice(format!("xmlns:{prefix}='").as_bytes());
                escape_attr(ns.as_str(), &mut self.out);
                self.out.extend_from_slice(format!("' {prefix}:").as_bytes());
            }
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"='");
            escape_attr(value, &mut self.out);
            self.out.push(b'\'');
            self.measure(limits);
            if self.refused.is_some() {
                return;
            }
        }
        self.in_tag = true;
        self.row = None;
        self.path.push((ns, name));
    }

    pub(super) fn character_data(&mut self, text: &str) {
        if self.refused.is_some() {
            return;
        }
        // Text between the children of a stanza means nothing (RFC 6120 §8.4).
        if !self.path.is_empty() && !text.is_empty() {
            self.end_tag();
            escape_text(text, &mut self.out);
            if &*self.ns == ns::STREAMS {
                self.text.push_str(text);
            }
        }
    }

    /// The innermost element ends.
    pub(super) fn end(&mut self) {
        if self.refused.is_some() {
            return;
        }
        let Some((_, name)) = self.path.pop() else {
            return;
        };
        if self.in_tag {
            self.out.extend_from_slice(b"/>");
            self.in_tag = false;
        } else {
            self.out.extend_from_slice(b"</");
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b'>');
        }
        self.ended();
    }

    fn ended(&mut self) {
        if self.path.is_empty()
            && let Some(child) = self.children.last_mut()
        {
            child.range.end = self.out.len();
        }
    }

    fn end_tag(&mut self) {
        if self.in_tag {
            self.out.push(b'>');
            self.in_tag = false;
        }
    }

    /// All of it was read.
    pub(super) fn finish(mut self) -> Frame {
        let is_stanza =
            &*self.ns == ns::CLIENT && matches!(self.name.as_str(), "message" | "presence" | "iq");
        if is_stanza {
            return self.stanza();
        }
        if &*self.ns == ns::STREAMS && self.name == "error" {
            let condition = self.children.iter().find(|child| &*child.name != "text");
            return Frame::StreamError {
                condition: condition
                    .map_or_else(|| "undefined-condition".into(), |c| c.name.to_string()),
                text: (!self.text.is_empty()).then(|| std::mem::take(&mut self.text)),
            };
        }
        Frame::Other { ns: self.ns.to_string(), name: self.name.to_string() }
    }

    fn attr(&self, name: &str) -> Option<&String> {
        self.attrs
            .iter()
            .find(|((ns, of), _)| **ns == Namespace::NONE && **of == *name)
            .map(|(_, v)| v)
    }

    fn lang(&self) -> Option<String> {
        let found =
            self.attrs.iter().find(|((ns, of), _)| **ns == Namespace::XML && **of == *"lang");
        found.map(|(_, value)| value.clone())
    }

    fn stanza(mut self) -> Frame {
        let bad = |reason| Refusal::new(Condition::BadRequest, reason);
        let mut refusal = None;
        let kind = match (self.name.as_str(), self.attr("type").map(String::as_str)) {
            // RFC 6121 §5.2.2: an unknown type is `normal`.
            ("message", kind) => {
                Kind::Message(kind.and_then(MessageType::parse).unwrap_or(MessageType::Normal))
            }
            ("presence", None) => Kind::Presence(PresenceType::Available),
            ("presence", Some(kind)) => {
                // Available presence has no type; an empty one is none that is known.
                let known = PresenceType::parse(kind).filter(|_| !kind.is_empty());
                Kind::Presence(known.unwrap_or_else(|| {
                    refusal = Some(bad("gate.presence-type"));
                    PresenceType::Unavailable
                }))
            }
            (_, kind) => Kind::Iq(kind.and_then(IqType::parse).unwrap_or_else(|| {
                refusal = Some(bad("gate.iq-type"));
                IqType::Get
            })),
        };
        let from = self.attr("from").and_then(|from| Jid::parse(from).ok());
        let to = match self.attr("to") {
            Some(to) => Jid::parse(to).ok(),
            // RFC 6120 §10.3: without an address it is for the sender's own account.
            None => from.as_ref().map(Jid::bare),
        };
        if let Kind::Iq(iq) = kind {
            let request = matches!(iq, IqType::Get | IqType::Set);
            if self.attr("id").is_none_or(String::is_empty) {
                // RFC 6120 §8.1.3
                refusal.get_or_insert(bad("gate.no-id"));
            } else if request && self.refused.is_none() && self.children.len() != 1 {
                // RFC 6120 §8.2.3
                refusal.get_or_insert(bad("gate.iq-payload"));
            }
        }
        if from.is_none() {
            refusal = Some(Refusal::new(Condition::JidMalformed, "gate.from"));
        } else if to.is_none() {
            refusal = Some(Refusal::new(Condition::JidMalformed, "gate.to"));
        }
        let (id, lang) = (self.attr("id").cloned(), self.lang());
        let gone = [PresenceType::Unavailable, PresenceType::Error].map(Kind::Presence);
        if gone.contains(&kind) {
            // Whoever leaves is gone, however much he has to say: only his words are refused.
            self.refused = None;
        }
        match (self.refused.or(refusal), from, to) {
            (None, Some(from), Some(to)) => Frame::Stanza(Stanza {
                kind,
                from,
                to,
                id,
                lang,
                payload: Payload::new(self.out, self.children),
            }),
            (refusal, from, to) => Frame::Refused {
                header: RawHeader { kind, from, to, id },
                refusal: refusal.unwrap_or_else(|| bad("gate.header")),
            },
        }
    }
}
