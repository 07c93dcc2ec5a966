//! Stanza errors (RFC 6120 §8.3).

use std::{borrow::Cow, fmt, str::FromStr};

use crate::{
    jid::Jid,
    ns,
    outgoing::Outgoing,
    stanza::{IqType, Kind, MessageType, PresenceType, Stanza},
    xml::Xml,
};

/// What the sender may do about it (RFC 6120 §8.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorType {
    /// Retry after providing credentials.
    Auth,
    /// Do not retry.
    Cancel,
    /// A warning; proceed.
    Continue,
    /// Retry after changing what was sent.
    Modify,
    /// Retry after waiting.
    Wait,
}

impl ErrorType {
    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Cancel => "cancel",
            Self::Continue => "continue",
            Self::Modify => "modify",
            Self::Wait => "wait",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Auth, Self::Cancel, Self::Continue, Self::Modify, Self::Wait]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

macro_rules! conditions {
    ($($variant:ident $name:literal $kind:ident,)*) => {
        /// The defined conditions (RFC 6120 §8.3.3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Condition {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Condition {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Name of the element.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The type that usually goes with it.
            pub fn default_type(self) -> ErrorType {
                match self { $(Self::$variant => ErrorType::$kind,)* }
            }
        }
    };
}

conditions! {
    BadRequest "bad-request" Modify,
    Conflict "conflict" Cancel,
    FeatureNotImplemented "feature-not-implemented" Cancel,
    Forbidden "forbidden" Auth,
    Gone "gone" Cancel,
    InternalServerError "internal-server-error" Cancel,
    ItemNotFound "item-not-found" Cancel,
    JidMalformed "jid-malformed" Modify,
    NotAcceptable "not-acceptable" Modify,
    NotAllowed "not-allowed" Cancel,
    NotAuthorized "not-authorized" Auth,
    PaymentRequired "payment-required" Auth,
    PolicyViolation "policy-violation" Modify,
    RecipientUnavailable "recipient-unavailable" Wait,
    Redirect "redirect" Modify,
    RegistrationRequired "registration-required" Auth,
    RemoteServerNotFound "remote-server-not-found" Cancel,
    RemoteServerTimeout "remote-server-timeout" Wait,
    ResourceConstraint "resource-constraint" Wait,
    ServiceUnavailable "service-unavailable" Cancel,
    SubscriptionRequired "subscription-required" Auth,
    UndefinedCondition "undefined-condition" Cancel,
    UnexpectedRequest "unexpected-request" Wait,
}

impl FromStr for Condition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|condition| condition.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why something is refused: what the sender is told, and under which name it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the sender may do.
    pub kind: ErrorType,
    /// The defined condition.
    pub condition: Condition,
    /// Stable name, such as `muc.banned`: log, metric and later questions share it.
    pub reason: &'static str,
    /// A sentence for people.
    pub text: Option<Cow<'static, str>>,
    details: Option<Box<Details>>,
}

/// What few refusals have: apart, so that a result with a refusal stays small.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Details {
    /// The application's own condition, rendered.
    app: Option<Vec<u8>>,
    /// What stands before `<error/>`, rendered.
    echo: Option<Vec<u8>>,
    /// Content of `<gone/>` and `<redirect/>`.
    uri: Option<String>,
    /// Who refused, where that is not the address written to.
    by: Option<Jid>,
}

impl Refusal {
    /// A refusal with the condition's usual type.
    pub fn new(condition: Condition, reason: &'static str) -> Self {
        Self { kind: condition.default_type(), condition, reason, text: None, details: None }
    }

    /// With another type.
    pub fn with_type(self, kind: ErrorType) -> Self {
        Self { kind, ..self }
    }

    /// With a sentence.
    pub fn text(self, text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: Some(text.into()), ..self }
    }

    /// With an empty application condition.
    pub fn app(mut self, ns: &str, name: &str) -> Self {
        let mut xml = Xml::new();
        xml.leaf(name, ns);
        self.details.get_or_insert_default().app = Some(xml.finish());
        self
    }

    /// With a rendered payload before the error.
    pub fn echo(mut self, rendered: Vec<u8>) -> Self {
        self.details.get_or_insert_default().echo = Some(rendered);
        self
    }

    /// With the address that `<gone/>` or `<redirect/>` names.
    pub fn uri(mut self, uri: impl Into<String>) -> Self {
        self.details.get_or_insert_default().uri = Some(uri.into());
        self
    }

    /// With the address of who refused.
    pub fn by(mut self, by: Jid) -> Self {
        self.details.get_or_insert_default().by = Some(by);
        self
    }

    /// Echo and `<error/>`, rendered.
    pub fn xml(&self) -> Vec<u8> {
        let mut xml = Xml::new();
        let none = Details::default();
        let details = self.details.as_deref().unwrap_or(&none);
        if let Some(echo) = &details.echo {
            xml.raw(echo);
        }
        xml.open("error").attr("type", self.kind.as_str());
        xml.attr_opt("by", details.by.as_ref().map(Jid::as_str));
        xml.text_element(
            self.condition.as_str(),
            Some(ns::STANZAS),
            details.uri.as_deref().unwrap_or_default(),
        );
        if let Some(text) = &self.text {
            xml.open("text").xmlns(ns::STANZAS).attr("xml:lang", "en").text(text).close();
        }
        if let Some(app) = &details.app {
            xml.raw(app);
        }
        xml.finish()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.condition, self.reason)
    }
}

impl std::error::Error for Refusal {}

/// What an error stanza says, leniently: one without a known condition is `undefined-condition`.
pub fn read_error(stanza: &Stanza) -> Option<(ErrorType, Condition, Option<String>)> {
    match stanza.kind {
        Kind::Message(MessageType::Error)
        | Kind::Presence(PresenceType::Error)
        | Kind::Iq(IqType::Error) => {}
        _ => return None,
    }
    let unknown = (ErrorType::Cancel, Condition::UndefinedCondition, None);
    let Some(child) = stanza.payload.find(ns::CLIENT, "error") else {
        return Some(unknown);
    };
    let Ok(element) = stanza.payload.element(child) else {
        return Some(unknown);
    };
    let condition = element
        .children()
        .filter(|child| child.ns() == ns::STANZAS)
        .find_map(|child| child.name().parse().ok())
        .unwrap_or(Condition::UndefinedCondition);
    let kind = element.attr("type").and_then(ErrorType::parse).unwrap_or(condition.default_type());
    let text = element.get_child("text", ns::STANZAS).map(minidom::Element::text);
    Some((kind, condition, text))
}

/// A function for each refusal that needs nothing told: condition, reason name and text.
///
/// ```
/// annex_stanza::refusals! {
///     /// XEP-0045 §7.2.10.
///     no_room: ItemNotFound "muc.room.unknown" "There is no such room",
/// }
/// assert_eq!(no_room().reason, "muc.room.unknown");
/// ```
#[macro_export]
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $condition:ident $reason:literal $text:literal,)*) => {
        $(
            $(#[$doc])*
            pub(crate) fn $name() -> $crate::Refusal {
                $crate::Refusal::new($crate::Condition::$condition, $reason).text($text)
            }
        )*
    };
}

/// The error that answers a stanza, from the address it was written to. None for what must not be
/// answered: errors and results (RFC 6120 §8.3.1).
pub fn refuse(stanza: &Stanza, refusal: &Refusal) -> Option<Outgoing> {
    let kind = error_kind(stanza.kind)?;
    Some(Outgoing {
        kind,
        from: stanza.to.clone(),
        id: stanza.id.clone(),
        lang: None,
        payload: refusal.xml(),
    })
}

/// The kind of the error that answers this kind of stanza, if it may be answered.
pub(crate) fn error_kind(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Message(MessageType::Error)
        | Kind::Presence(PresenceType::Error)
        | Kind::Iq(IqType::Error | IqType::Result) => None,
        Kind::Message(_) => Some(Kind::Message(MessageType::Error)),
        Kind::Presence(_) => Some(Kind::Presence(PresenceType::Error)),
        Kind::Iq(_) => Some(Kind::Iq(IqType::Error)),
    }
}
