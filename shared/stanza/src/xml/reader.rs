//! Reads a component's stream into frames, and keeps the inbound gate.
//!
//! Bytes in, frames out; no IO. What exceeds the gate becomes a refusal to its sender: the rest of
//! that stanza is skipped at bounded memory and the stream goes on. Only XML that is not well
//! formed ends it, and that no user can send: the server would have refused it.

use std::{collections::VecDeque, sync::Arc};

use rxml::{AttrMap, Event, Namespace, NcName, Parse, WithOptions, error::EndOrError};

use crate::{
    error::{Condition, Refusal, error_kind},
    jid::Jid,
    ns,
    outgoing::Outgoing,
    payload::{Child, Payload},
    stanza::{IqType, Kind, MessageType, PresenceType, Stanza},
    xml::{
        escape_attr, escape_text,
        skip::{Skip, Skipped},
    },
};

/// The inbound gate, for one stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Levels of elements, the stanza itself being the first.
    pub depth: usize,
    /// Elements within the stanza, on all levels.
    pub children: usize,
    /// Bytes on the wire.
    pub bytes: usize,
}

impl Limits {
    /// For bytes of our own: what was let in under any configuration, and what we wrote. Only depth
    /// is bounded, since trees of it are built by recursion.
    pub const OWN: Self = Self { depth: 1_024, children: usize::MAX, bytes: usize::MAX };
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, children: 1_000, bytes: 512 * 1024 }
    }
}

/// A tag longer than so many times [`Limits::bytes`] ends the stream, so that memory is bounded
/// whatever arrives. No server in use passes on a stanza near it.
const TAG_FACTOR: usize = 16;

/// Behind a stanza larger than this the parser gives its buffers back.
const LARGE: usize = 64 * 1024;

/// The stream cannot be read further.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the stream is not well-formed XML: {0}")]
pub struct ReadError(String);

/// One thing that the server sent.
#[derive(Debug, Clone)]
pub enum Frame {
    /// A stanza that the gate let through.
    Stanza(Stanza),
    /// A stanza that it did not.
    Refused {
        /// What is known of it.
        header: RawHeader,
        /// Why.
        refusal: Refusal,
    },
    /// The server ends the stream, and says why (RFC 6120 §4.9).
    StreamError {
        /// The condition's name.
        condition: String,
        /// The server's words.
        text: Option<String>,
    },
    /// Another element at the level of stanzas.
    Other {
        /// Its namespace.
        ns: String,
        /// Its name.
        name: String,
    },
    /// The server closed the stream.
    End,
}

/// What is known of a stanza that was refused.
#[derive(Debug, Clone)]
pub struct RawHeader {
    /// Kind and type, as far as they could be read.
    pub kind: Kind,
    /// The sender; none where it is not an address, so that nobody can be answered.
    pub from: Option<Jid>,
    /// The address written to; none where it is not one.
    pub to: Option<Jid>,
    /// Its id.
    pub id: Option<String>,
}

impl RawHeader {
    /// The error that answers it and to whom, unless it must not be answered or nobody can be.
    pub fn refuse(&self, refusal: &Refusal, service: &Jid) -> Option<(Outgoing, Jid)> {
        let error = Outgoing {
            kind: error_kind(self.kind)?,
            from: self.to.clone().unwrap_or_else(|| service.clone()),
            id: self.id.clone(),
            lang: None,
            payload: refusal.xml(),
        };
        Some((error, self.from.clone()?))
    }
}

/// Reads frames from bytes in any portions.
pub struct Reader {
    parser: rxml::Parser,
    limits: Limits,
    /// Bytes of a tag at most.
    longest: usize,
    depth: usize,
    open: Option<Open>,
    frames: VecDeque<Frame>,
    failed: Option<ReadError>,
    /// The content of an element that was refused is being passed over.
    skip: Option<Skip>,
    /// Bytes taken since the last event.
    pending: usize,
    /// The last byte of the portion before.
    last: u8,
    /// Namespaces seen, so that each is allocated once.
    namespaces: Vec<Arc<str>>,
}

/// Whether the tag that ends where `rest` begins ends with `/>`.
fn is_empty_tag(last: u8, bytes: &[u8], rest: &[u8]) -> bool {
    match &bytes[..bytes.len() - rest.len()] {
        [.., slash, b'>'] => *slash == b'/',
        _ => last == b'/',
    }
}

/// A stanza, or something else at its level, that is being read.
struct Open {
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
    refused: Option<Refusal>,
    text: String,
}

/// The header of a component's stream, without what only the two ends need.
const STREAM: &[u8] = b"<stream:stream xmlns='jabber:component:accept' \
      xmlns:stream='http://etherx.jabber.org/streams'>";

impl Reader {
    /// A reader for a stream from its header on.
    pub fn new(limits: Limits) -> Self {
        let longest = limits.bytes.saturating_mul(TAG_FACTOR);
        Self::with_longest(limits, longest.clamp(64 * 1024, 64 * 1024 * 1024))
    }

    /// The parser reserves as much address space as its longest token has bytes.
    fn with_longest(limits: Limits, longest: usize) -> Self {
        let options = rxml::Options { max_token_length: longest, ..rxml::Options::default() };
        Self {
            parser: rxml::Parser::with_options(options),
            limits,
            longest,
            depth: 0,
            open: None,
            frames: VecDeque::new(),
            failed: None,
            skip: None,
            pending: 0,
            last: 0,
            namespaces: Vec::new(),
        }
    }

    /// A reader for a component's stream whose header was read by someone else.
    pub fn within_stream(limits: Limits) -> Self {
        let mut reader = Self::new(limits);
        reader.feed(STREAM);
        reader
    }

    /// Takes bytes as they arrive.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.failed.is_none() {
            if !self.pass_over(&mut rest) {
                break;
            }
            let before = rest.len();
            let parsed = self.parser.parse(&mut rest, false);
            self.pending += before - rest.len();
            match parsed {
                Ok(Some(event)) => {
                    self.pending = 0;
                    let is_start = matches!(event, Event::StartElement(..));
                    self.event(event);
                    let is_refused = self.open.as_ref().is_some_and(|open| open.refused.is_some());
                    if is_start && is_refused && !is_empty_tag(self.last, bytes, rest) {
                        self.skip = Some(Skip::new());
                    }
                }
                Ok(None) | Err(EndOrError::NeedMoreData) => break,
                Err(EndOrError::Error(error)) => self.failed = Some(ReadError(error.to_string())),
            }
        }
        // Long text comes in several events, so that this is a tag.
        if self.pending > 2 * self.longest {
            self.failed = Some(ReadError("a tag is too long".into()));
        }
        self.last = bytes.last().copied().unwrap_or(self.last);
    }

    /// Passes over what belongs to refused content. False if that is all there is.
    fn pass_over(&mut self, rest: &mut &[u8]) -> bool {
        let Some(skip) = &mut self.skip else { return true };
        match skip.scan(rest) {
            Skipped::All => false,
            Skipped::Until(end) => {
                self.skip = None;
                *rest = &rest[end..];
                // The parser last saw the start tag; for it the element is empty.
                let mut tag: &[u8] = b"</";
                match self.parser.parse(&mut tag, false) {
                    Err(EndOrError::NeedMoreData) => true,
                    _ => {
                        self.failed = Some(ReadError("an end tag was expected".into()));
                        false
                    }
                }
            }
            Skipped::Restricted => {
                self.failed = Some(ReadError("restricted xml".into()));
                false
            }
        }
    }

    /// Reads bytes that are one stanza and nothing else.
    pub(crate) fn whole(portions: &[&[u8]]) -> Option<Stanza> {
        let longest = portions.iter().map(|portion| portion.len()).sum();
        let mut reader = Self::with_longest(Limits::OWN, 1_024.max(longest));
        reader.feed(STREAM);
        for portion in portions {
            reader.feed(portion);
        }
        match (reader.next(), reader.next(), &reader.open) {
            (Ok(Some(Frame::Stanza(stanza))), Ok(None), None) => Some(stanza),
            _ => None,
        }
    }

    /// The next frame that is complete.
    #[allow(clippy::should_implement_trait, reason = "an iterator would end; a stream goes on")]
    pub fn next(&mut self) -> Result<Option<Frame>, ReadError> {
        match (self.frames.pop_front(), &self.failed) {
            (Some(frame), _) => Ok(Some(frame)),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Ok(None),
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::XmlDeclaration(..) => {}
            Event::StartElement(metrics, (ns, name), attrs) => {
                self.depth += 1;
                match self.depth {
                    1 => {}
                    2 => self.begin(&ns, name, attrs, metrics.len()),
                    _ => self.child(&ns, name, &attrs, metrics.len()),
                }
            }
            Event::Text(metrics, text) => {
                if let Some(open) = &mut self.open {
                    open.count(metrics.len(), &self.limits);
                    open.character_data(&text);
                }
            }
            Event::EndElement(metrics) => {
                self.depth = self.depth.saturating_sub(1);
                match self.depth {
                    0 => self.frames.push_back(Frame::End),
                    1 => {
                        if let Some(mut open) = self.open.take() {
                            open.count(metrics.len(), &self.limits);
                            if open.bytes > LARGE {
                                self.parser.release_temporaries();
                            }
                            self.frames.push_back(open.finish());
                        }
                    }
                    _ => {
                        if let Some(open) = &mut self.open {
                            open.count(metrics.len(), &self.limits);
                            open.end();
                        }
                    }
                }
            }
        }
    }

    fn intern(&mut self, ns: &Namespace<'_>) -> Arc<str> {
        let text = match ns.as_str() {
            ns::COMPONENT => ns::CLIENT,
            text => text,
        };
        if let Some(known) = self.namespaces.iter().find(|known| &***known == text) {
            return Arc::clone(known);
        }
        // Strangers must not fill the table.
        let new = Arc::<str>::from(text);
        if self.namespaces.len() < 64 && text.len() < 128 {
            self.namespaces.push(Arc::clone(&new));
        }
        new
    }

    fn begin(&mut self, ns: &Namespace<'_>, name: NcName, attrs: AttrMap, bytes: usize) {
        let mut open = Open {
            ns: self.intern(ns),
            name,
            attrs,
            bytes: 0,
            elements: 0,
            out: Vec::new(),
            children: Vec::new(),
            path: Vec::new(),
            in_tag: false,
            refused: None,
            text: String::new(),
        };
        open.count(bytes, &self.limits);
        self.open = Some(open);
    }

    fn child(&mut self, ns: &Namespace<'_>, name: NcName, attrs: &AttrMap, bytes: usize) {
        let ns = self.intern(ns);
        let (depth, limits) = (self.depth, self.limits);
        let Some(open) = &mut self.open else { return };
        open.count(bytes, &limits);
        open.elements += 1;
        if open.refused.is_some() {
            // Its content is passed over.
        } else if depth - 1 > limits.depth {
            open.refuse("gate.depth", "The stanza is nested too deeply");
        } else if open.elements > limits.children {
            open.refuse("gate.children", "The stanza has too many elements");
        } else {
            open.start(ns, name, attrs);
        }
    }
}

impl Open {
    fn count(&mut self, bytes: usize, limits: &Limits) {
        self.bytes += bytes;
        if self.bytes > limits.bytes && self.refused.is_none() {
            self.refuse("gate.bytes", "The stanza is too large");
        }
    }

    fn refuse(&mut self, reason: &'static str, text: &'static str) {
        self.refused = Some(Refusal::new(Condition::PolicyViolation, reason).text(text));
        self.out = Vec::new();
        self.children = Vec::new();
        self.path = Vec::new();
        self.text = String::new();
    }

    fn start(&mut self, ns: Arc<str>, name: NcName, attrs: &AttrMap) {
        self.end_tag();
        let at = self.out.len();
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        let declared = match self.path.last() {
            // Whatever the stream's own namespace is called, its children inherit it.
            None => *ns == *ns::CLIENT,
            Some((parent, _)) => *parent == ns,
        };
        if !declared {
            self.out.extend_from_slice(b" xmlns='");
            escape_attr(&ns, &mut self.out);
            self.out.push(b'\'');
        }
        if self.path.is_empty() {
            let name = name.as_str().into();
            self.children.push(Child { ns: Arc::clone(&ns), name, range: at..at });
        }
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
        }
        self.in_tag = true;
        self.path.push((ns, name));
    }

    fn character_data(&mut self, text: &str) {
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

    fn end(&mut self) {
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

    fn finish(mut self) -> Frame {
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

    fn stanza(self) -> Frame {
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
