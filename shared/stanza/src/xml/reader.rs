//! Reads a component's stream into frames, and keeps the inbound gate.
//!
//! Bytes in, frames out; no IO. What exceeds the gate becomes a refusal to its sender: the rest of
//! that stanza is skipped at bounded memory and the stream goes on. So does it where names and
//! namespaces make no sense, which servers pass on: ejabberd prefixes that it knows and we do not,
//! Prosody others for the namespace of `xml:`. Only XML that is not well formed ends the stream, and
//! that no user can send: the server would have refused it.

use std::{collections::VecDeque, sync::Arc};

use rxml::{AttrMap, Error, Event, Namespace, NcName, Parse, WithOptions, error::EndOrError};

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

/// A tag longer than so many times [`Limits::bytes`] is not read to its end, so that memory is
/// bounded whatever arrives.
const TAG_FACTOR: usize = 16;

/// Bytes of a name or a value at least and at most. The parser takes the room for each anew, and
/// much at once costs the system more than reading it.
const LONGEST: (usize, usize) = (64 * 1024, 16 * 1024 * 1024);

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
    /// The content of an element that was refused, or the rest of a stanza, is being passed over.
    skip: Option<Skip>,
    /// How to pass over the rest of the stanza from the last tag on; none where that is not known.
    trail: Option<Skip>,
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

fn parser(longest: usize) -> rxml::Parser {
    let options = rxml::Options { max_token_length: longest, ..rxml::Options::default() };
    rxml::Parser::with_options(options)
}

/// What is wrong has nothing to do with where tags begin and end.
fn is_about_names(error: Error) -> bool {
    matches!(
        error,
        Error::UndeclaredNamespacePrefix(_)
            | Error::ReservedNamespacePrefix
            | Error::ReservedNamespaceName
            | Error::EmptyNamespaceUri
            | Error::MultiColonName(_)
            | Error::EmptyNamePart(_)
            | Error::InvalidLocalName(_)
            | Error::DuplicateAttribute
    )
}

/// The header of a component's stream, without what only the two ends need.
const STREAM: &[u8] = b"<stream:stream xmlns='jabber:component:accept' \
      xmlns:stream='http://etherx.jabber.org/streams'>";

impl Reader {
    /// A reader for a stream from its header on.
    pub fn new(limits: Limits) -> Self {
        let longest = limits.bytes.saturating_mul(TAG_FACTOR);
        Self::with_longest(limits, longest.clamp(LONGEST.0, LONGEST.1))
    }

    fn with_longest(limits: Limits, longest: usize) -> Self {
        Self {
            parser: parser(longest),
            limits,
            longest,
            depth: 0,
            open: None,
            frames: VecDeque::new(),
            failed: None,
            skip: None,
            trail: None,
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
        // Where `trail` stands.
        let mut tag = 0;
        while self.failed.is_none() {
            if !self.pass_over(&mut rest) {
                tag = bytes.len();
                break;
            }
            while self.take_simple(&mut rest) {}
            let before = rest.len();
            if self.at_boundary {
                tag = bytes.len() - before;
            }
            let is_simple = self.at_boundary && Tag::read(rest).is_some();
            let parsed = self.parser.parse(&mut rest, false);
            self.pending += before - rest.len();
            self.at_boundary &= before == rest.len();
            let error = match parsed {
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
                    if self.at_boundary {
                        self.trail = self.depth.checked_sub(1).map(Skip::stanza);
                    }
                    let is_refused = self.open.as_ref().is_some_and(Open::is_refused);
                    if is_open && is_refused {
                        self.skip = Some(Skip::content());
                        self.at_boundary = false;
                    }
                    continue;
                }
                // Long text comes in several events, so that this is a tag.
                Ok(None) | Err(EndOrError::NeedMoreData) if self.pending <= 2 * self.longest => {
                    break;
                }
                Ok(None) | Err(EndOrError::NeedMoreData) => Error::RestrictedXml("a long tag"),
                Err(EndOrError::Error(error)) => error,
            };
            if self.give_up(error) {
                rest = &bytes[tag..];
            } else {
                self.failed = Some(ReadError(error.to_string()));
            }
        }
        // Where the parser has not yet said that what it holds is nonsense, the way is lost.
        self.trail.take_if(|trail| trail.scan(&bytes[tag..]) != Skipped::All);
        self.last = bytes.last().copied().unwrap_or(self.last);
    }

    /// The parser cannot go on. Where the bytes are well formed all the same, the stanza is passed
    /// over from its last tag on, and a new parser begins behind it.
    fn give_up(&mut self, error: Error) -> bool {
        let is_long = matches!(error, Error::RestrictedXml(_)) && self.pending >= self.longest;
        let (true, Some(trail)) = (is_long || is_about_names(error), self.trail.take()) else {
            return false;
        };
        match &mut self.open {
            Some(open) if is_long => open.refuse_as_too_large(),
            Some(open) => open.refuse_as_unreadable(),
            None => {}
        }
        self.parser = parser(self.longest);
        let mut header = STREAM;
        while let Ok(Some(_)) = self.parser.parse(&mut header, false) {}
        (self.pending, self.at_boundary, self.inherited) = (0, false, None);
        self.skip = Some(trail);
        true
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
                let is_stanza = skip.is_whole();
                self.skip = None;
                *rest = &rest[end..];
                if is_stanza {
                    let frame = self.open.take().map_or(Frame::Unreadable, Open::finish);
                    self.frames.push_back(frame);
                    (self.depth, self.at_boundary) = (1, true);
                    self.trail = Some(Skip::stanza(0));
                    return true;
                }
                self.trail = None;
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
