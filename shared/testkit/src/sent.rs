//! A stanza that came out.

use std::fmt;

use annex_service::effect::Lane;
use minidom::Element;

use crate::pattern::{Names, matches, parse};

/// One rendered stanza.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its lane: order is promised within one.
    pub lane: Lane,
    /// Its `to`.
    pub to: String,
    /// The whole of it.
    pub xml: String,
}

impl Sent {
    /// Whether it is what `pattern` describes (see [`crate::pattern`]); otherwise where it differs.
    pub fn matches(&self, pattern: &str) -> Result<(), String> {
        matches(&parse(pattern)?, &self.element(), &mut Names::new())
    }

    /// Panics where it is not what `pattern` describes.
    #[track_caller]
    pub fn expect(&self, pattern: &str) {
        if let Err(difference) = self.matches(pattern) {
            panic!("{difference}\n  expected {pattern}\n  found    {}", self.xml);
        }
    }

    /// As a tree.
    #[track_caller]
    pub fn element(&self) -> Element {
        match parse(&self.xml) {
            Ok(element) => element,
            Err(error) => panic!("what was sent is {error}: {}", self.xml),
        }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.xml)
    }
}
