//! The one function that folds an address to the key that servers compare (RFC 6122: Nodeprep,
//! Nameprep, Resourceprep).
//!
//! Stringprep knows Unicode 3.2 only. Servers that let later characters pass leave them as they
//! are, also where later tables would fold them: two accounts that a server keeps apart must not
//! share a key. What the profiles prohibit never arrives, so only their mapping is done here.

use std::borrow::Cow;

use stringprep::tables::{case_fold_for_nfkc, commonly_mapped_to_nothing, unassigned_code_point};
use unicode_normalization::UnicodeNormalization;

/// Number of this folding. Stored keys depend on it: a change of any key is a new number and a
/// migration.
pub const KEY_VERSION: u8 = 1;

/// Nodeprep (RFC 6122 appendix A).
pub(super) fn local(part: &str) -> Cow<'_, str> {
    caseless(part)
}

/// Nameprep (RFC 3491): the same mapping.
pub(super) fn domain(part: &str) -> Cow<'_, str> {
    caseless(part)
}

/// Resourceprep (RFC 6122 appendix B): case matters.
pub(super) fn resource(part: &str) -> Cow<'_, str> {
    if part.is_ascii() {
        return Cow::Borrowed(part);
    }
    Cow::Owned(settled(part, |known| known.nfkc().collect()))
}

fn caseless(part: &str) -> Cow<'_, str> {
    if part.is_ascii() {
        return if part.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(part.to_ascii_lowercase())
        } else {
            Cow::Borrowed(part)
        };
    }
    // RFC 3454 table B.2.
    Cow::Owned(settled(part, |known| known.chars().flat_map(case_fold_for_nfkc).nfkc().collect()))
}

/// Maps until nothing changes: a key is its own key.
fn settled(part: &str, map: impl Fn(&str) -> String) -> String {
    let mut folded = mapped(part, &map);
    for _ in 0..4 {
        let next = mapped(&folded, &map);
        if next == folded {
            break;
        }
        folded = next;
    }
    folded
}

/// Maps what Unicode 3.2 knows, stretch by stretch, without what is mapped to nothing (RFC 3454
/// table B.1); the rest stays.
fn mapped(part: &str, map: impl Fn(&str) -> String) -> String {
    let mut folded = String::with_capacity(part.len());
    let mut known = String::new();
    for c in part.chars() {
        if unassigned_code_point(c) {
            folded.push_str(&map(&known));
            folded.push(c);
            known.clear();
        } else if !commonly_mapped_to_nothing(c) {
            known.push(c);
        }
    }
    folded.push_str(&map(&known));
    folded
}
