//! Addresses (RFC 7622), as lenient as the servers that hand them to us.
//!
//! A component must not be stricter than its server: what arrives was accepted there already. So
//! parsing splits and bounds, and refuses only what could not be an address at all. Two addresses
//! are equal when their keys are: the key is what servers compare ([`Jid::key`]), the spelling is what
//! people see.

mod fold;
mod plain;
mod strict;

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    ops::Range,
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::{fold::KEY_VERSION, plain::Plain};
use crate::{
    template::Address,
    xml::{escape_attr, needs_escape},
};

/// Bytes in a part of an address at most (RFC 7622 §3.1).
pub const PART_BYTES: usize = 1023;

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JidError {
    /// There is no domain, or one of its labels is empty.
    #[error("the domain, or a label of it, is missing")]
    NoDomain,
    /// `@` without a local part before it.
    #[error("the part before '@' is empty")]
    EmptyLocal,
    /// `/` without a resource behind it.
    #[error("the part after '/' is empty")]
    EmptyResource,
    /// A part is longer than 1023 bytes.
    #[error("a part is longer than 1023 bytes")]
    TooLong,
    /// A character that no part may have.
    #[error("it contains a character that is not allowed")]
    Character,
}

/// An address. Cheap to clone; equality, order and hash are those of its key.
#[derive(Clone)]
pub struct Jid {
    /// The spelling, and behind it the key where that is another; or a text that it is within.
    text: Arc<str>,
    /// Where it begins in the text.
    start: u32,
    spelled: Parts,
    folded: Parts,
    /// Nothing in the spelling is escaped in XML.
    verbatim: bool,
}

/// Local part, domain, resource.
type Split<'a> = (Option<&'a str>, &'a str, Option<&'a str>);

/// Where an address and its parts are in a text, from the start of the address on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Parts {
    start: u16,
    /// The end of the local part: the start where there is none.
    local: u16,
    /// The end of what is before the `/`.
    bare: u16,
    end: u16,
}

impl Parts {
    /// Appends an address to a text.
    fn write(text: &mut String, (local, domain, resource): Split<'_>) -> Self {
        let start = offset(text.len());
        let local = local.map_or(start, |local| {
            text.push_str(local);
            text.push('@');
            offset(text.len() - 1)
        });
        text.push_str(domain);
        let bare = offset(text.len());
        if let Some(resource) = resource {
            text.push('/');
            text.push_str(resource);
        }
        Self { start, local, bare, end: offset(text.len()) }
    }

    fn whole(self) -> Range<u16> {
        self.start..self.end
    }

    fn local(self) -> Option<Range<u16>> {
        (self.local > self.start).then_some(self.start..self.local)
    }

    fn domain(self) -> Range<u16> {
        self.local + u16::from(self.local > self.start)..self.bare
    }

    fn bare(self) -> Range<u16> {
        self.start..self.bare
    }

    fn resource(self) -> Option<Range<u16>> {
        (self.bare < self.end).then(|| self.bare + 1..self.end)
    }
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && part.len() <= PART_BYTES && !part.chars().any(char::is_control)
}

fn is_local(part: &str) -> bool {
    // RFC 7622 §3.3.1, and the space.
    is_part(part) && !part.contains(['"', '&', '\'', '/', ':', '<', '>', '@', ' '])
}

fn is_domain(part: &str) -> bool {
    is_part(part)
        && !part.contains(['@', '/', ' ', '<', '>', '&', '"', '\''])
        && !part.split('.').any(str::is_empty)
}

/// Parts are bounded, so that their places fit.
fn offset(bytes: usize) -> u16 {
    u16::try_from(bytes).expect("an address and its key have 6,142 bytes at most")
}

impl Jid {
    /// Takes an address apart (RFC 7622 §3.2): the resource begins at the first `/`, the local part
    /// ends at the first `@` before it, and a dot at the end of the domain is dropped.
    pub fn parse(text: &str) -> Result<Self, JidError> {
        if let Some(plain) = Plain::find(text, 0..text.len()) {
            return Ok(Self::plain(&text.into(), plain));
        }
        let (bare, resource) = match text.split_once('/') {
            Some((bare, resource)) => (bare, Some(resource)),
            None => (text, None),
        };
        let (local, domain) = match bare.split_once('@') {
            Some((local, domain)) => (Some(local), domain),
            None => (None, bare),
        };
        Self::from_parts(local, domain, resource)
    }

    /// Puts an address together from its parts.
    pub fn from_parts(
        local: Option<&str>,
        domain: &str,
        resource: Option<&str>,
    ) -> Result<Self, JidError> {
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        if domain.split('.').any(str::is_empty) {
            return Err(JidError::NoDomain);
        }
        if local == Some("") {
            return Err(JidError::EmptyLocal);
        }
        if resource == Some("") {
            return Err(JidError::EmptyResource);
        }
        for part in [local, Some(domain), resource].into_iter().flatten() {
            if part.len() > PART_BYTES {
                return Err(JidError::TooLong);
            }
            if part.chars().any(char::is_control) {
                return Err(JidError::Character);
            }
        }
        let mapped = (local.map(fold::local), fold::domain(domain), resource.map(fold::resource));
        let spelled = (local, domain, resource);
        let folded = (mapped.0.as_deref(), &*mapped.1, mapped.2.as_deref());
        // Both the spelling and what it folds to must be an address: U+FF20 folds to an '@'.
        let is_it = |(local, domain, resource): Split<'_>| {
            local.is_none_or(is_local) && is_domain(domain) && resource.is_none_or(is_part)
        };
        if !is_it(spelled) || !is_it(folded) {
            return Err(JidError::Character);
        }
        Ok(Self::new(spelled, folded))
    }

    fn new(spelled: Split<'_>, folded: Split<'_>) -> Self {
        // Most are shorter.
        let mut text = String::with_capacity(128);
        let place = Parts::write(&mut text, spelled);
        let key = if folded == spelled { place } else { Parts::write(&mut text, folded) };
        let verbatim = !needs_escape(&text[..usize::from(place.end)]);
        Self { text: text.into(), start: 0, spelled: place, folded: key, verbatim }
    }

    fn part(&self, Range { start, end }: Range<u16>) -> &str {
        let at = |offset| self.start as usize + usize::from(offset);
        &self.text[at(start)..at(end)]
    }

    /// As it was spelled.
    pub fn as_str(&self) -> &str {
        self.part(self.spelled.whole())
    }

    /// What servers compare.
    pub fn key(&self) -> &str {
        self.part(self.folded.whole())
    }

    /// Local part as spelled.
    pub fn local(&self) -> Option<&str> {
        self.spelled.local().map(|part| self.part(part))
    }

    /// Domain as spelled.
    pub fn domain(&self) -> &str {
        self.part(self.spelled.domain())
    }

    /// Resource as spelled.
    pub fn resource(&self) -> Option<&str> {
        self.spelled.resource().map(|part| self.part(part))
    }

    /// Key of the local part.
    pub fn local_key(&self) -> Option<&str> {
        self.folded.local().map(|part| self.part(part))
    }

    /// Key of the domain.
    pub fn domain_key(&self) -> &str {
        self.part(self.folded.domain())
    }

    /// Key of the resource.
    pub fn resource_key(&self) -> Option<&str> {
        self.folded.resource().map(|part| self.part(part))
    }

    /// Key of the bare address.
    pub fn bare_key(&self) -> &str {
        self.part(self.folded.bare())
    }

    /// The address without its resource.
    pub fn bare(&self) -> Self {
        if self.is_bare() {
            return self.clone();
        }
        let folded = (self.local_key(), self.domain_key(), None);
        Self::new((self.local(), self.domain(), None), folded)
    }

    /// The address with this resource in place of its own.
    pub fn with_resource(&self, resource: &str) -> Result<Self, JidError> {
        Self::from_parts(self.local(), self.domain(), Some(resource))
    }

    /// It has no resource.
    pub fn is_bare(&self) -> bool {
        self.spelled.resource().is_none()
    }

    /// It has a resource.
    pub fn is_full(&self) -> bool {
        self.spelled.resource().is_some()
    }

    /// It is nothing but a domain.
    pub fn is_domain(&self) -> bool {
        self.spelled.local().is_none() && self.is_bare()
    }

    /// The spelling, escaped once for the attribute of many stanzas.
    pub fn escaped(&self) -> Address {
        self.clone().into_escaped()
    }

    /// The same of an address that is needed no more.
    #[inline]
    pub fn into_escaped(self) -> Address {
        let [start, end] = [self.spelled.start, self.spelled.end].map(u32::from);
        let place = self.start + start..self.start + end;
        // One way to make it, whatever it is of: so it is made where it stays.
        let (text, place) = match self.verbatim {
            true => (self.text.into(), place),
            false => escape(self.as_str()),
        };
        Address::within(text, place)
    }
}

#[cold]
fn escape(address: &str) -> (Arc<[u8]>, Range<u32>) {
    let mut bytes = Vec::with_capacity(address.len());
    escape_attr(address, &mut bytes);
    let end = u32::try_from(bytes.len()).expect("an address has 18,426 bytes at most");
    (bytes.into(), 0..end)
}

impl FromStr for Jid {
    type Err = JidError;

    fn from_str(text: &str) -> Result<Self, JidError> {
        Self::parse(text)
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for Jid {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Jid {}

impl PartialOrd for Jid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Jid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(other.key())
    }
}

impl Hash for Jid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Serialize for Jid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Jid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
