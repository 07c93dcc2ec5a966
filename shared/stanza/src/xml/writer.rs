//! The one XML writer.

use std::fmt::Display;

/// Writes elements one after another into a buffer. Element and attribute names are the caller's;
/// values and text are escaped, and what XML 1.0 cannot carry becomes U+FFFD.
///
/// ```
/// use annex_stanza::Xml;
///
/// let mut xml = Xml::new();
/// xml.open("query").xmlns("jabber:iq:version");
/// xml.text_element("name", None, "Annex & friends");
/// xml.close();
/// assert_eq!(
///     xml.finish(),
///     b"<query xmlns='jabber:iq:version'><name>Annex &amp; friends</name></query>",
/// );
/// ```
#[derive(Debug, Default)]
pub struct Xml {
    out: Vec<u8>,
    /// Where the names of the open elements stand in `out`.
    names: Vec<(usize, usize)>,
    /// The innermost start tag still lacks its `>`.
    in_tag: bool,
}

impl Xml {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins an element; attributes may follow.
    pub fn open(&mut self, name: &str) -> &mut Self {
        debug_assert!(is_name(name), "{name:?} is no name");
        self.end_tag();
        self.out.push(b'<');
        let start = self.out.len();
        self.out.extend_from_slice(name.as_bytes());
        self.names.push((start, self.out.len()));
        self.in_tag = true;
        self
    }

    /// Declares the namespace of the element just begun.
    pub fn xmlns(&mut self, ns: &str) -> &mut Self {
        self.attr("xmlns", ns)
    }

    /// An attribute of the element just begun.
    pub fn attr(&mut self, name: &str, value: impl AsRef<str>) -> &mut Self {
        debug_assert!(is_name(name), "{name:?} is no name");
        debug_assert!(self.in_tag, "attributes come before content");
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"='");
        escape_attr(value.as_ref(), &mut self.out);
        self.out.push(b'\'');
        self
    }

    /// An attribute that is written only if there is a value.
    pub fn attr_opt(&mut self, name: &str, value: Option<impl AsRef<str>>) -> &mut Self {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    /// An attribute whose value is shown.
    pub fn attr_display(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.attr(name, value.to_string())
    }

    /// Character data of the innermost element.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.end_tag();
        escape_text(text, &mut self.out);
        self
    }

    /// Content that is rendered already: by this writer, or kept from a frame.
    pub fn raw(&mut self, rendered: &[u8]) -> &mut Self {
        if !rendered.is_empty() {
            self.end_tag();
            self.out.extend_from_slice(rendered);
        }
        self
    }

    /// Begins an element whose start tag was kept from a frame, up to and without its `>` or `/>`:
    /// attributes may follow.
    pub fn open_raw(&mut self, tag: &[u8]) -> &mut Self {
        debug_assert!(
            tag.first() == Some(&b'<') && !matches!(tag.last(), Some(b'>' | b'/')),
            "{:?} is no open start tag",
            String::from_utf8_lossy(tag)
        );
        self.end_tag();
        let start = self.out.len() + 1;
        self.out.extend_from_slice(tag);
        let name = tag.iter().position(|byte| *byte == b' ').unwrap_or(tag.len());
        self.names.push((start, start + name.max(1) - 1));
        self.in_tag = true;
        self
    }

    /// An attribute whose value is a [`Slot`](crate::Slot) of a template: gives its place. What
    /// fills it was escaped with [`escape_attr`].
    pub fn attr_slot(&mut self, name: &str) -> usize {
        self.attr(name, "");
        self.out.len() - 1
    }

    /// The place behind what was written so far, where a [`Slot`](crate::Slot) of a template for
    /// whole elements may stand, or what is written next begins.
    pub fn place(&mut self) -> usize {
        self.end_tag();
        self.out.len()
    }

    /// Ends the innermost element.
    pub fn close(&mut self) -> &mut Self {
        let Some((start, end)) = self.names.pop() else {
            return self;
        };
        if self.in_tag {
            self.out.extend_from_slice(b"/>");
            self.in_tag = false;
        } else {
            self.out.extend_from_slice(b"</");
            self.out.extend_from_within(start..end);
            self.out.push(b'>');
        }
        self
    }

    /// An empty element with nothing but its namespace.
    pub fn leaf(&mut self, name: &str, ns: &str) -> &mut Self {
        self.open(name).xmlns(ns).close()
    }

    /// An element of a namespace with what `content` writes: attributes first.
    pub fn element(&mut self, name: &str, ns: &str, content: impl FnOnce(&mut Self)) -> &mut Self {
        self.open(name).xmlns(ns);
        content(self);
        self.close()
    }

    /// An element with nothing but text.
    pub fn text_element(&mut self, name: &str, ns: Option<&str>, text: &str) -> &mut Self {
        self.open(name).attr_opt("xmlns", ns);
        if !text.is_empty() {
            self.text(text);
        }
        self.close()
    }

    /// Bytes so far, to see what still fits.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Nothing was written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Closes what is open and gives the bytes.
    pub fn finish(mut self) -> Vec<u8> {
        while !self.names.is_empty() {
            self.close();
        }
        self.out
    }

    /// The bytes with the innermost start tag still open, for a template to go on.
    pub(crate) fn into_open_tag(self) -> Vec<u8> {
        self.out
    }

    fn end_tag(&mut self) {
        if self.in_tag {
            self.out.push(b'>');
            self.in_tag = false;
        }
    }
}

/// Names are constants of the caller, and one prefix is enough.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.bytes().all(is_plain)
}

/// Whether text may look different as the value of an attribute.
pub(crate) fn needs_escape(text: &str) -> bool {
    // Without a way out in between, which lets it look at many bytes at once.
    text.bytes().fold(false, |found, byte| {
        let special = matches!(byte, b'&' | b'<' | b'>' | b'\'' | b'"');
        found | special | (byte < b' ') | (byte == 0xef)
    })
}

/// Appends text as the value of an attribute in single quotes.
pub fn escape_attr(text: &str, out: &mut Vec<u8>) {
    escape(text, out, |byte| match byte {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'>' => Some(b"&gt;"),
        b'\'' => Some(b"&apos;"),
        b'"' => Some(b"&quot;"),
        // Attribute normalisation would turn these into spaces (XML 1.0 §3.3.3).
        b'\t' => Some(b"&#x9;"),
        b'\n' => Some(b"&#xA;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    });
}

/// Appends text as character data.
pub fn escape_text(text: &str, out: &mut Vec<u8>) {
    escape(text, out, |byte| match byte {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'>' => Some(b"&gt;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    });
}

fn escape(text: &str, out: &mut Vec<u8>, replace: fn(u8) -> Option<&'static [u8]>) {
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let (replacement, width): (&[u8], usize) = match replace(*byte) {
            Some(replacement) => (replacement, 1),
            // Characters that XML 1.0 §2.2 does not have: C0 controls, U+FFFE and U+FFFF.
            None if *byte < 0x20 && !matches!(byte, b'\t' | b'\n') => ("\u{fffd}".as_bytes(), 1),
            None if *byte == 0xef
                && matches!(bytes.get(at + 1..at + 3), Some([0xbf, 0xbe | 0xbf])) =>
            {
                ("\u{fffd}".as_bytes(), 3)
            }
            None => continue,
        };
        out.extend_from_slice(&bytes[done..at]);
        out.extend_from_slice(replacement);
        done = at + width;
    }
    out.extend_from_slice(&bytes[done..]);
}
