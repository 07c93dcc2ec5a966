//! Result set management (XEP-0059).

use minidom::Element;

use crate::{
    error::{Condition, Refusal},
    ns,
    xml::Xml,
};

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// At most so many; 0 asks for the count alone.
    pub max: Option<usize>,
    /// Where the page lies.
    pub place: Place,
}

/// Where a page lies (XEP-0059 §2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// From the start.
    #[default]
    First,
    /// Behind this item.
    After(String),
    /// The last ones before this item.
    Before(String),
    /// The last page.
    Last,
    /// From this position, the first being 0.
    Index(usize),
}

impl Request {
    /// Reads a `<set/>`.
    pub fn parse(element: &Element) -> Result<Self, Refusal> {
        let bad = |text| Refusal::new(Condition::BadRequest, "rsm.malformed").text(text);
        if !element.is("set", ns::RSM) {
            return Err(bad("expected <set xmlns='http://jabber.org/protocol/rsm'/>"));
        }
        let own = |name| element.get_child(name, ns::RSM).map(Element::text);
        let number = |name| match own(name) {
            None => Ok(None),
            Some(text) => {
                text.trim().parse().map(Some).map_err(|_| bad("max and index are whole numbers"))
            }
        };
        let place = match (own("after"), own("before"), number("index")?) {
            (Some(_), Some(_), _) => return Err(bad("after and before exclude each other")),
            (Some(after), None, _) if after.is_empty() => Place::First,
            (Some(after), None, _) => Place::After(after),
            (None, Some(before), _) if before.is_empty() => Place::Last,
            (None, Some(before), _) => Place::Before(before),
            (None, None, Some(index)) => Place::Index(index),
            (None, None, None) => Place::First,
        };
        Ok(Self { max: number("max")?, place })
    }

    /// The `<set/>` within a payload's element, if there is one.
    pub fn within(element: &Element) -> Result<Option<Self>, Refusal> {
        element.get_child("set", ns::RSM).map(Self::parse).transpose()
    }

    /// The part of an ordered list that is asked for, at most `limit` long. The item named must be
    /// in the list (XEP-0059 §2.4: `item-not-found`).
    pub fn select<'a, T>(
        &self,
        list: &'a [T],
        limit: usize,
        id: impl Fn(&T) -> &str,
    ) -> Result<Selection<'a, T>, Refusal> {
        let max = self.max.unwrap_or(limit).min(limit);
        let find = |name: &str| {
            list.iter()
                .position(|item| id(item) == name)
                .ok_or_else(|| Refusal::new(Condition::ItemNotFound, "rsm.item"))
        };
        let (start, end) = match &self.place {
            Place::First => (0, max.min(list.len())),
            Place::After(name) => {
                let start = find(name)? + 1;
                (start, list.len().min(start.saturating_add(max)))
            }
            Place::Before(name) => {
                let end = find(name)?;
                (end.saturating_sub(max), end)
            }
            Place::Last => (list.len().saturating_sub(max), list.len()),
            // §2.6: a page from behind the end is empty.
            Place::Index(index) => {
                let start = list.len().min(*index);
                (start, list.len().min(start.saturating_add(max)))
            }
        };
        Ok(Selection { items: &list[start..end], index: start, count: list.len() })
    }
}

/// A page of a list in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection<'a, T> {
    /// The items.
    pub items: &'a [T],
    /// Position of the first.
    pub index: usize,
    /// Length of the list.
    pub count: usize,
}

/// What a page says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// First and last item.
    pub ends: Option<(String, String)>,
    /// Position of the first, where it is known.
    pub index: Option<usize>,
    /// Length of the list, where it is known.
    pub count: Option<usize>,
}

impl Response {
    /// Writes the `<set/>`.
    pub fn write(&self, xml: &mut Xml) {
        xml.open("set").xmlns(ns::RSM);
        if let Some((first, last)) = &self.ends {
            xml.open("first").attr_opt("index", self.index.map(|index| index.to_string()));
            xml.text(first).close();
            xml.text_element("last", None, last);
        }
        if let Some(count) = self.count {
            xml.text_element("count", None, &count.to_string());
        }
        xml.close();
    }
}

impl<T> Selection<'_, T> {
    /// What this page says of itself.
    pub fn response(&self, id: impl Fn(&T) -> &str) -> Response {
        let ends = self.items.first().zip(self.items.last());
        Response {
            ends: ends.map(|(first, last)| (id(first).to_owned(), id(last).to_owned())),
            index: ends.map(|_| self.index),
            count: Some(self.count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(place: Place, max: usize) -> Result<Vec<&'static str>, Condition> {
        const LIST: [&str; 5] = ["a", "b", "c", "d", "e"];
        let request = Request { max: Some(max), place };
        let selected = request.select(&LIST, 100, |item| item);
        selected.map(|page| page.items.to_vec()).map_err(|refusal| refusal.condition)
    }

    #[test]
    fn pages_forwards_backwards_and_by_position() {
        assert_eq!(page(Place::First, 2), Ok(vec!["a", "b"]));
        assert_eq!(page(Place::After("b".into()), 2), Ok(vec!["c", "d"]));
        assert_eq!(page(Place::After("e".into()), 2), Ok(vec![]));
        assert_eq!(page(Place::Before("c".into()), 2), Ok(vec!["a", "b"]));
        assert_eq!(page(Place::Before("b".into()), 5), Ok(vec!["a"]));
        assert_eq!(page(Place::Last, 2), Ok(vec!["d", "e"]));
        assert_eq!(page(Place::Index(3), 9), Ok(vec!["d", "e"]));
        assert_eq!(page(Place::Index(5), 2), Ok(vec![]));
        assert_eq!(page(Place::Index(usize::MAX), 2), Ok(vec![]));
        assert_eq!(page(Place::First, 0), Ok(vec![]));
    }

    #[test]
    fn an_item_that_is_not_in_the_list_is_not_found() {
        assert_eq!(page(Place::After("x".into()), 2), Err(Condition::ItemNotFound));
        assert_eq!(page(Place::Before("x".into()), 2), Err(Condition::ItemNotFound));
    }
}
