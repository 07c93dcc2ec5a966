//! Result set management (XEP-0059): what page is asked for, and what page it is.
//!
//! Lenient in what it reads: white space around numbers, and a `max` larger than anything.

use annex_stanza::{Condition, Refusal, Xml, ns};
use minidom::Element;

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// The first one.
    #[default]
    First,
    /// Behind this item (§2.2).
    After(String),
    /// Before this item (§2.3).
    Before(String),
    /// The last one (§2.5).
    Last,
    /// From this position on (§2.6).
    Index(u64),
}

impl Place {
    /// The page ends at its place, rather than begins there: what does not fit is left out in front.
    pub fn is_backwards(&self) -> bool {
        matches!(self, Self::Before(_) | Self::Last)
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// At most so many items; 0 asks for the count alone (§2.7).
    pub max: Option<usize>,
    /// Which page.
    pub place: Place,
}

impl Query {
    /// Reads the `<set/>` among the children of `parent`; nothing if there is none.
    pub fn within(parent: &Element) -> Result<Option<Self>, Refusal> {
        parent
            .get_child("set", ns::RSM)
            .map(Self::parse)
            .transpose()
    }

    /// Reads a `<set/>`.
    pub fn parse(set: &Element) -> Result<Self, Refusal> {
        let child = |name: &str| set.get_child(name, ns::RSM).map(Element::text);
        let number = |name: &'static str| match child(name) {
            Some(text) => whole(&text).map(Some).ok_or_else(|| malformed(name)),
            None => Ok(None),
        };
        let max = number("max")?.map(|max| usize::try_from(max).unwrap_or(usize::MAX));
        let place = match (child("after"), child("before"), number("index")?) {
            (None, None, None) => Place::First,
            // An empty <after/> is what comes after nothing.
            (Some(uid), None, None) if uid.is_empty() => Place::First,
            (Some(uid), None, None) => Place::After(uid),
            (None, Some(uid), None) if uid.is_empty() => Place::Last,
            (None, Some(uid), None) => Place::Before(uid),
            (None, None, Some(index)) => Place::Index(index),
            _ => return Err(malformed("after, before and index")),
        };
        Ok(Self { max, place })
    }

    /// Number of items to give, where more than `most` are never given.
    pub fn limit(&self, most: usize) -> usize {
        self.max.map_or(most, |max| max.min(most))
    }
}

/// A number of any length; one that does not fit is the largest that does.
fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

fn malformed(what: &'static str) -> Refusal {
    Refusal::new(Condition::BadRequest, "rsm.malformed")
        .text(format!("The page asked for makes no sense: {what}"))
}

/// The item that a page should begin behind, or end before, is not there (§2.4).
pub fn not_found() -> Refusal {
    Refusal::new(Condition::ItemNotFound, "rsm.unknown-item")
}

/// Pages by position are not offered here (§2.6).
pub fn no_index() -> Refusal {
    Refusal::new(Condition::FeatureNotImplemented, "rsm.index")
}

/// What page it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page<'a> {
    /// Ids of its first and its last item; none if it is empty.
    pub ends: Option<(&'a str, &'a str)>,
    /// Position of the first item, where it is cheap to know.
    pub index: Option<u64>,
    /// Number of items on all pages, where it is cheap to know.
    pub count: Option<u64>,
}

impl Page<'_> {
    /// Writes the `<set/>`.
    pub fn write(&self, xml: &mut Xml) {
        xml.element("set", ns::RSM, |xml| {
            if let Some((first, last)) = self.ends {
                xml.open("first");
                xml.attr_opt("index", self.index.map(|index| index.to_string()));
                xml.text(first).close();
                xml.text_element("last", None, last);
            }
            if let Some(count) = self.count {
                xml.text_element("count", None, &count.to_string());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(inner: &str) -> Result<Query, Refusal> {
        let xml = format!("<set xmlns='{}'>{inner}</set>", ns::RSM);
        Query::parse(&xml.parse().expect("XML"))
    }

    #[test]
    fn every_place_is_understood() {
        let place = |inner| parse(inner).expect("makes sense").place;
        assert_eq!(place("<max>5</max>"), Place::First);
        assert_eq!(place("<after>a</after>"), Place::After("a".into()));
        assert_eq!(place("<after/>"), Place::First);
        assert_eq!(place("<before>a</before>"), Place::Before("a".into()));
        assert_eq!(place("<before/>"), Place::Last);
        assert_eq!(place("<index> 3 </index>"), Place::Index(3));
    }

    #[test]
    fn max_is_any_whole_number() {
        let max = |inner| parse(inner).map(|query| query.max);
        assert_eq!(max("<max>\n 10 </max>").expect("a number"), Some(10));
        assert_eq!(
            max("<max>99999999999999999999</max>").expect("a number"),
            Some(usize::MAX)
        );
        for nonsense in ["<max/>", "<max>-1</max>", "<max>x</max>", "<max>+1</max>"] {
            assert_eq!(
                max(nonsense).expect_err(nonsense).condition,
                Condition::BadRequest
            );
        }
        parse("<after>a</after><before>b</before>").expect_err("two places");
    }
}
