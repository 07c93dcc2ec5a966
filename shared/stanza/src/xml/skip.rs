//! Passes over the content of an element that was refused, or over the rest of a stanza that the
//! parser cannot read.
//!
//! The parser looks up the namespace of each element through all that are open, and remembers each
//! of their names: tens of thousands of levels cost it seconds and memory without bound. What is
//! refused needs neither. This counts levels and nothing else, and trusts the server that what it
//! passes over is well formed.

/// Where in the markup the last byte was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Character data.
    Text,
    /// Behind `<`.
    Open,
    /// In a start tag; whether its last byte was `/`.
    Start { slash: bool },
    /// In the value of an attribute, until this quote.
    Value(u8),
    /// In an end tag.
    End,
    /// Behind `<!`.
    Declared,
    /// In a character data section; how many `]` came last, up to two.
    Section(u8),
}

/// Counts levels until the element ends.
#[derive(Debug)]
pub(super) struct Skip {
    at: At,
    depth: u64,
    /// What ends is the stanza.
    whole: bool,
}

/// What became of the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Skipped {
    /// All belong to it.
    All,
    /// So many do: they end with the `</` of the element itself, or with the stanza.
    Until(usize),
    /// A comment, a processing instruction or a declaration, which RFC 6120 §11.1 forbids, or the
    /// end of the stream.
    Restricted,
}

impl Skip {
    /// From behind the `>` of a start tag to the `</` of its end.
    pub(super) fn content() -> Self {
        Self { at: At::Text, depth: 0, whole: false }
    }

    /// From behind any tag to the end of the stanza, with so many elements open.
    pub(super) fn stanza(open: usize) -> Self {
        Self { at: At::Text, depth: open as u64, whole: true }
    }

    /// It ends with the stanza.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Goes on with the next bytes.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Skipped {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let byte = rest[0];
            let mut width = 1;
            self.at = match self.at {
                At::Text => match rest.iter().position(|byte| *byte == b'<') {
                    Some(before) => {
                        width = before + 1;
                        At::Open
                    }
                    None => return Skipped::All,
                },
                At::Open if byte == b'/' && self.depth == 0 => {
                    // No stanza is left that could end.
                    return if self.whole { Skipped::Restricted } else { Skipped::Until(done + 1) };
                }
                At::Open if byte == b'/' => At::End,
                At::Open if byte == b'!' => At::Declared,
                At::Open if byte == b'?' => return Skipped::Restricted,
                At::Open => At::Start { slash: false },
                At::Start { slash } => match byte {
                    b'>' if slash && self.whole && self.depth == 0 => {
                        return Skipped::Until(done + 1);
                    }
                    b'>' => {
                        self.depth += u64::from(!slash);
                        At::Text
                    }
                    b'"' | b'\'' => At::Value(byte),
                    _ => At::Start { slash: byte == b'/' },
                },
                At::Value(quote) => match rest.iter().position(|byte| *byte == quote) {
                    Some(before) => {
                        width = before + 1;
                        At::Start { slash: false }
                    }
                    None => return Skipped::All,
                },
                At::End if byte == b'>' => {
                    self.depth -= 1;
                    if self.whole && self.depth == 0 {
                        return Skipped::Until(done + 1);
                    }
                    At::Text
                }
                At::End => At::End,
                // Of what begins so, only a character data section may stand in content.
                At::Declared if byte == b'[' => At::Section(0),
                At::Declared => return Skipped::Restricted,
                At::Section(2) if byte == b'>' => At::Text,
                At::Section(closing) if byte == b']' => At::Section(2.min(closing + 1)),
                At::Section(_) => At::Section(0),
            };
            done += width;
        }
        Skipped::All
    }
}
