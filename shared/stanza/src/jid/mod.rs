//! Addresses (RFC 7622), as lenient as the servers that hand them to us.
//!
//! A component must not be stricter than its server: what arrives was accepted there already. So
//! parsing splits and bounds, and refuses only what could not be an address at all. Two addresses
//! are equal when their keys are: the key is what servers compare ([`Jid::key`]), the spelling is what
//! people see.

mod fold;

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::fold::KEY_VERSION;
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
pub struct Jid(Arc<Inner>);

struct Inner {
    spelled: Text,
    /// None where the spelling is its own key.
    folded: Option<Text>,
}

/// A whole address and where its parts are.
struct Text {
    text: Arc<str>,
    /// Length of the local part, without the `@`.
    local: Option<u16>,
    /// Length of everything before the `/`.
    bare: u16,
}

impl Text {
    fn new(local: Option<&str>, domain: &str, resource: Option<&str>) -> Self {
        let mut text = String::with_capacity(
            local.map_or(0, |l| l.len() + 1) + domain.len() + resource.map_or(0, |r| r.len() + 1),
        );
        if let Some(local) = local {
            text.push_str(local);
            text.push('@');
        }
        text.push_str(domain);
        let bare = length(text.len());
        if let Some(resource) = resource {
            text.push('/');
            text.push_str(resource);
        }
        Self { text: text.into(), local: local.map(|local| length(local.len())), bare }
    }

    fn local(&self) -> Option<&str> {
        self.local.map(|end| &self.text[..usize::from(end)])
    }

    fn bare(&self) -> &str {
        &self.text[..usize::from(self.bare)]
    }

    fn domain(&self) -> &str {
        let start = self.local.map_or(0, |end| usize::from(end) + 1);
        &self.text[start..usize::from(self.bare)]
    }

    fn resource(&self) -> Option<&str> {
        self.text.get(usize::from(self.bare) + 1..)
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

/// Parts are bounded, so that lengths fit.
fn length(bytes: usize) -> u16 {
    u16::try_from(bytes).expect("a local part and a domain have 2,047 bytes at most")
}

impl Jid {
    /// Takes an address apart (RFC 7622 §3.2): the resource begins at the first `/`, the local part
    /// ends at the first `@` before it, and a dot at the end of the domain is dropped.
    pub fn parse(text: &str) -> Result<Self, JidError> {
        if let Some(plain) = Self::plain(text) {
            return Ok(plain);
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

    /// An address as most are, `local@domain` in what folds to itself: seen in one pass.
    fn plain(text: &str) -> Option<Self> {
        let mut local = None;
        let mut label = 0;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => label += 1,
                b'.' if local.is_none() => {}
                b'.' if label > 0 => label = 0,
                b'@' if at > 0 && local.is_none() => {
                    local = Some(at);
                    label = 0;
                }
                _ => return None,
            }
        }
        let local =
            local.filter(|local| label > 0 && local.max(&(text.len() - local)) <= &PART_BYTES)?;
        let text = Text { text: text.into(), local: Some(length(local)), bare: length(text.len()) };
        Some(Self(Arc::new(Inner { spelled: text, folded: None })))
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
        let spelled = Text::new(local, domain, resource);
        let parts = (local.map(fold::local), fold::domain(domain), resource.map(fold::resource));
        // Both the spelling and what it folds to must be an address: U+FF20 folds to an '@'.
        if ![Some(domain), Some(&*parts.1)].into_iter().flatten().all(is_domain)
            || ![local, parts.0.as_deref()].into_iter().flatten().all(is_local)
            || !parts.2.as_deref().is_none_or(is_part)
        {
            return Err(JidError::Character);
        }
        let folded = Text::new(parts.0.as_deref(), &parts.1, parts.2.as_deref());
        let folded = (folded.text != spelled.text).then_some(folded);
        Ok(Self(Arc::new(Inner { spelled, folded })))
    }

    fn folded(&self) -> &Text {
        self.0.folded.as_ref().unwrap_or(&self.0.spelled)
    }

    /// As it was spelled.
    pub fn as_str(&self) -> &str {
        &self.0.spelled.text
    }

    /// What servers compare.
    pub fn key(&self) -> &str {
        &self.folded().text
    }

    /// Local part as spelled.
    pub fn local(&self) -> Option<&str> {
        self.0.spelled.local()
    }

    /// Domain as spelled.
    pub fn domain(&self) -> &str {
        self.0.spelled.domain()
    }

    /// Resource as spelled.
    pub fn resource(&self) -> Option<&str> {
        self.0.spelled.resource()
    }

    /// Key of the local part.
    pub fn local_key(&self) -> Option<&str> {
        self.folded().local()
    }

    /// Key of the domain.
    pub fn domain_key(&self) -> &str {
        self.folded().domain()
    }

    /// Key of the resource.
    pub fn resource_key(&self) -> Option<&str> {
        self.folded().resource()
    }

    /// Key of the bare address.
    pub fn bare_key(&self) -> &str {
        self.folded().bare()
    }

    /// The address without its resource.
    pub fn bare(&self) -> Self {
        if self.is_bare() {
            return self.clone();
        }
        let bare = |text: &Text| Text::new(text.local(), text.domain(), None);
        let folded = self.0.folded.as_ref().map(bare);
        let spelled = bare(&self.0.spelled);
        let folded = folded.filter(|folded| folded.text != spelled.text);
        Self(Arc::new(Inner { spelled, folded }))
    }

    /// The address with this resource in place of its own.
    pub fn with_resource(&self, resource: &str) -> Result<Self, JidError> {
        Self::from_parts(self.local(), self.domain(), Some(resource))
    }

    /// It has no resource.
    pub fn is_bare(&self) -> bool {
        self.resource().is_none()
    }

    /// It has a resource.
    pub fn is_full(&self) -> bool {
        self.resource().is_some()
    }

    /// It is nothing but a domain.
    pub fn is_domain(&self) -> bool {
        self.local().is_none() && self.is_bare()
    }

    /// The spelling, escaped once for the attribute of many stanzas.
    pub fn escaped(&self) -> Address {
        if !needs_escape(self.as_str()) {
            return Address::from(Arc::clone(&self.0.spelled.text));
        }
        let mut bytes = Vec::with_capacity(self.as_str().len());
        escape_attr(self.as_str(), &mut bytes);
        Address::from(bytes)
    }
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
