//! Reads a component's stream into frames, and keeps the inbound gate.
//!
//! Bytes in, frames out; no IO. What exceeds the gate becomes a refusal to its sender: the rest of
//! that stanza is skipped at bounded memory and the stream goes on. Only XML that is not well
//! formed ends it, and that no user can send: the server would have refused it.

use std::{collections::VecDeque, sync::Arc};

use rxml::{AttrMap, Event, Namespace, NcName, Parse, WithOptions, error::EndOrError};

use crate::{
    ns,
    stanza::Stanza,
    xml::{
        frame::{Frame, Limits, ReadError},
        open::Open,
        simple::Tag,
        skip::{Skip, Skipped},
    },
};

/// A tag longer than so many times [`Limits::bytes`] ends the stream, so that memory is bounded
/// whatever arrives. No server in use passes on a stanza near it.
const TAG_FACTOR: usize = 16;

/// Behind a stanza larger than this the parser gives its buffers back.
const LARGE: usize = 64 * 1024;

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
    /// The parser stands behind a tag, with nothing in its hands.
    at_boundary: bool,
    /// The namespace of elements without a prefix or a declaration, at this depth.
    inherited: Option<(usize, Arc<str>)>,
}

/// Whether the tag that ends where `rest` begins ends with `/>`.
fn is_empty_tag(last: u8, bytes: &[u8], rest: &[u8]) -> bool {
    match &bytes[..bytes.len() - rest.len()] {
        [.., slash, b'>'] => *slash == b'/',
        _ => last == b'/',
    }
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
            at_boundary: false,
            inherited: None,
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
            while self.take_simple(&mut rest) {}
            let before = rest.len();
            let is_simple = self.at_boundary && Tag::read(rest).is_some();
            let parsed = self.parser.parse(&mut rest, false);
            self.pending += before - rest.len();
            self.at_boundary &= before == rest.len();
            match parsed {
                Ok(Some(event)) => {
                    self.pending = 0;
                    let is_start = matches!(event, Event::StartElement(..));
                    if let (true, Event::StartElement(_, (ns, _), _)) = (is_simple, &event) {
                        self.inherited = Some((self.depth, self.intern(ns)));
                    }
                    let is_end = matches!(event, Event::EndElement(..));
                    self.event(event);
                    let is_open = is_start && !is_empty_tag(self.last, bytes, rest);
                    self.at_boundary = is_end || is_open;
                    let is_refused = self.open.as_ref().is_some_and(Open::is_refused);
                    if is_open && is_refused {
                        self.skip = Some(Skip::new());
                        self.at_boundary = false;
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

    /// Takes empty elements without the parser, where it is sure what the parser would say.
    fn take_simple(&mut self, rest: &mut &[u8]) -> bool {
        let (true, Some(open), Some((depth, ns))) =
            (self.at_boundary, &mut self.open, &self.inherited)
        else {
            return false;
        };
        if *depth != self.depth {
            return false;
        }
        *rest = &rest[open.row(rest, self.depth, &self.limits)..];
        let Some(tag) = Tag::read(rest).filter(|tag| tag.is_empty) else { return false };
        open.empty(ns, &tag, self.depth, &self.limits);
        *rest = &rest[tag.bytes.len()..];
        true
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
                self.inherited.take_if(|(depth, _)| self.depth < *depth);
                match self.depth {
                    0 => self.frames.push_back(Frame::End),
                    1 => {
                        if let Some(mut open) = self.open.take() {
                            open.count(metrics.len(), &self.limits);
                            if open.bytes() > LARGE {
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
        let mut open = Open::new(self.intern(ns), name, attrs);
        open.count(bytes, &self.limits);
        self.open = Some(open);
    }

    fn child(&mut self, ns: &Namespace<'_>, name: NcName, attrs: &AttrMap, bytes: usize) {
        let ns = self.intern(ns);
        let Some(open) = &mut self.open else { return };
        open.count(bytes, &self.limits);
        // The stream itself is no level of the stanza.
        open.child((ns, name), attrs, self.depth - 1, &self.limits);
    }
}
