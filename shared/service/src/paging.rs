//! Pages (XEP-0059) of what stands in the store in order: from a request to a scan, and from what
//! the scan found back to a page.
//!
//! The id of an item must lead to its key, so that a page is found even where the item that it
//! begins behind is gone (§2.4).

use annex_stanza::{
    Condition, Refusal,
    rsm::{Place, Request},
};

use crate::store::{Page, Row, Scan};

/// The scan of `all` that reads the page asked for, at most `most` items of it. `key` is the key of
/// an item's id; none if it cannot be one.
pub fn scan(
    asked: &Request,
    all: Scan,
    most: usize,
    key: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Scan, Refusal> {
    let key = |uid: &str| {
        key(uid).ok_or_else(|| Refusal::new(Condition::ItemNotFound, "rsm.unknown-item"))
    };
    let all = all.limit(asked.max.map_or(most, |max| max.min(most)));
    match &asked.place {
        Place::First | Place::Index(0) => Ok(all),
        Place::After(uid) => Ok(all.after(&key(uid)?)),
        Place::Before(uid) => Ok(all.reversed().after(&key(uid)?)),
        Place::Last => Ok(all.reversed()),
        // §2.6: the position of a record is not cheap to know.
        Place::Index(_) => Err(Refusal::new(Condition::FeatureNotImplemented, "rsm.index")),
    }
}

/// What the scan found, in the order of the list.
pub fn rows(asked: &Request, page: Page) -> Vec<Row> {
    let mut rows = page.rows;
    if is_backwards(asked) {
        rows.reverse();
    }
    rows
}

/// The page ends at its place, rather than begins there: what does not fit is left out in front.
pub fn is_backwards(asked: &Request) -> bool {
    matches!(asked.place, Place::Before(_) | Place::Last)
}
