//! What is inside a stanza, kept as bytes.
//!
//! Each child declares its own namespace, and none is declared for the stream's: so the same bytes
//! serve live, in an archive, and inside `<forwarded/>`. An index of the children (namespace, name,
//! range) is enough to test, drop and splice; a tree is built only of a child that is asked for.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use minidom::Element;

use crate::{
    error::{Condition, Refusal},
    ns,
    xml::Reader,
};

/// One child of a stanza.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its namespace; [`ns::CLIENT`] stands for the stream's own, whatever that is.
    pub ns: Arc<str>,
    /// Its name.
    pub name: Box<str>,
    /// Where it is in the payload's bytes.
    pub range: Range<usize>,
}

impl Child {
    /// It is the element `name` of `ns`.
    pub fn is(&self, ns: &str, name: &str) -> bool {
        &*self.ns == ns && &*self.name == name
    }
}

/// The children of a stanza. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Payload {
    bytes: Bytes,
    children: Arc<[Child]>,
}

impl Payload {
    /// Nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    pub(crate) fn new(bytes: Vec<u8>, children: Vec<Child>) -> Self {
        Self { bytes: bytes.into(), children: children.into() }
    }

    /// Reads kept bytes again, or such as the writer writes. None if they are not the children of a
    /// stanza.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Reader::whole(&[b"<message from='x'>", bytes, b"</message>"]).map(|stanza| stanza.payload)
    }

    /// All of it.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The children in order.
    pub fn children(&self) -> &[Child] {
        &self.children
    }

    /// The first child with this namespace and name.
    pub fn find(&self, ns: &str, name: &str) -> Option<&Child> {
        self.children.iter().find(|child| child.is(ns, name))
    }

    /// There is such a child.
    pub fn has(&self, ns: &str, name: &str) -> bool {
        self.find(ns, name).is_some()
    }

    /// The bytes of a child.
    pub fn slice(&self, child: &Child) -> &[u8] {
        &self.bytes[child.range.clone()]
    }

    /// The bytes of those children that `drop` does not name, in order.
    pub fn without(&self, mut drop: impl FnMut(&Child, &[u8]) -> bool) -> Vec<u8> {
        let mut kept = Vec::with_capacity(self.bytes.len());
        for child in &*self.children {
            let bytes = self.slice(child);
            if !drop(child, bytes) {
                kept.extend_from_slice(bytes);
            }
        }
        kept
    }

    /// A child as a tree, the stream's own namespace as [`ns::CLIENT`]. The gate has bounded its
    /// depth.
    pub fn element(&self, child: &Child) -> Result<Element, Refusal> {
        Element::from_reader_with_prefixes(self.slice(child), String::from(ns::CLIENT))
            .map_err(|_| Refusal::new(Condition::BadRequest, "payload.malformed"))
    }

    /// Text of the first child with this namespace and name, without that of its children.
    pub fn text(&self, ns: &str, name: &str) -> Option<String> {
        let element = self.element(self.find(ns, name)?).ok()?;
        Some(element.text())
    }
}
