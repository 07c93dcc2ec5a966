//! The one function that folds an address to the key that servers compare (RFC 6122: Nodeprep,
//! Nameprep, Resourceprep).
//!
//! Stringprep knows Unicode 3.2 only and refuses what came later. Prosody and ejabberd let such
//! characters pass unassigned, so what the profile refuses is mapped here by its steps alone:
//! nothing-characters dropped, case folded, NFKC.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Number of this folding. Stored keys depend on it: a change of any key is a new number and a
/// migration.
pub const KEY_VERSION: u8 = 1;

/// Nodeprep (RFC 6122 appendix A).
pub(super) fn local(part: &str) -> Cow<'_, str> {
    caseless(part, |part| stringprep::nodeprep(part).ok())
}

/// Nameprep (RFC 3491).
pub(super) fn domain(part: &str) -> Cow<'_, str> {
    caseless(part, |part| stringprep::nameprep(part).ok())
}

/// Resourceprep (RFC 6122 appendix B): case matters.
pub(super) fn resource(part: &str) -> Cow<'_, str> {
    if part.is_ascii() {
        return Cow::Borrowed(part);
    }
    Cow::Owned(settled(part, |part| match stringprep::resourceprep(part) {
        Ok(folded) => folded.into_owned(),
        Err(_) => part.chars().filter(|c| !is_nothing(*c)).nfkc().collect(),
    }))
}

fn caseless<'a>(part: &'a str, profile: fn(&str) -> Option<Cow<'_, str>>) -> Cow<'a, str> {
    if part.is_ascii() {
        return if part.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(part.to_ascii_lowercase())
        } else {
            Cow::Borrowed(part)
        };
    }
    Cow::Owned(settled(part, |part| match profile(part) {
        Some(folded) => folded.into_owned(),
        None => {
            let seen = part.chars().filter(|c| !is_nothing(*c));
            seen.flat_map(char::to_lowercase).nfkc().collect()
        }
    }))
}

/// Folds until nothing changes: a key is its own key, also for characters that newer tables map to
/// ones that the older profile folds.
fn settled(part: &str, fold: impl Fn(&str) -> String) -> String {
    let mut folded = fold(part);
    for _ in 0..4 {
        let next = fold(&folded);
        if next == folded {
            break;
        }
        folded = next;
    }
    folded
}

/// Commonly mapped to nothing (RFC 3454 table B.1).
fn is_nothing(c: char) -> bool {
    stringprep::tables::commonly_mapped_to_nothing(c)
}
