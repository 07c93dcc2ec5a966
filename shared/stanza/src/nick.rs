//! Nicknames: used exactly as asked, or refused; compared by their key (RFC 8266).
//!
//! Two nicknames that look the same must not be two. So what cannot be seen (controls, zero-width
//! and directional characters, spaces at the ends or in a row, spaces other than U+0020) is refused
//! rather than silently changed, and the key folds case and compatibility forms. Joiners stay where
//! writing needs them, within emoji and words of joining scripts, and do not count in the key.

use unicode_normalization::UnicodeNormalization;

/// A nickname that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nick {
    spelled: String,
    key: String,
}

/// Why a nickname is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NickError {
    /// Nothing, or nothing that can be seen.
    #[error("a nickname needs a character that can be seen")]
    Empty,
    /// Spaces at the ends or in a row, or a space that is not U+0020.
    #[error("a nickname has single spaces, and none at its ends")]
    Spaces,
    /// A character that cannot be seen or that changes how others look.
    #[error("a nickname has no control, invisible or directional characters")]
    Invisible,
    /// More bytes than a resource may have.
    #[error("a nickname has at most 1023 bytes")]
    TooLong,
}

/// U+200D, the zero-width joiner of emoji sequences and of some scripts.
const JOINER: char = '\u{200d}';
/// U+200C, the zero-width non-joiner.
const NON_JOINER: char = '\u{200c}';

impl Nick {
    /// Judges a nickname.
    pub fn check(text: &str) -> Result<Self, NickError> {
        if text.is_empty() {
            return Err(NickError::Empty);
        }
        if text.len() > crate::jid::PART_BYTES {
            return Err(NickError::TooLong);
        }
        check_visible(text)?;
        Ok(Self { spelled: text.to_owned(), key: key(text) })
    }

    /// As it was asked for.
    pub fn as_str(&self) -> &str {
        &self.spelled
    }

    /// What must be unique within a room.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Judges a text of any length that is shown as nicknames are.
pub fn check_visible(text: &str) -> Result<(), NickError> {
    let mut before = ' ';
    for c in text.chars() {
        if c.is_whitespace() && (c != ' ' || before == ' ') {
            return Err(NickError::Spaces);
        }
        if c.is_control() || (is_invisible(c) && !joins(before, c)) {
            return Err(NickError::Invisible);
        }
        // What joins, joins pictures, or letters that look otherwise for it: beside anything
        // else it could not be seen.
        let joined = match before {
            JOINER => is_pictograph(c) || is_joining(c),
            NON_JOINER => is_joining(c),
            _ => true,
        };
        if !joined {
            return Err(NickError::Invisible);
        }
        before = c;
    }
    if before == ' ' {
        return Err(NickError::Spaces);
    }
    // A joiner with nothing behind it joins nothing.
    if matches!(before, JOINER | NON_JOINER) {
        return Err(NickError::Invisible);
    }
    Ok(())
}

/// The comparison key of RFC 8266 §2.4: NFKC of the lower-case form, until it stays.
pub fn key(text: &str) -> String {
    let mut key = text.to_owned();
    for _ in 0..4 {
        let next: String =
            key.chars().filter(|c| !is_invisible(*c)).flat_map(char::to_lowercase).nfkc().collect();
        if next == key {
            break;
        }
        key = next;
    }
    key
}

/// Default-ignorable and directional characters (Unicode's `Default_Ignorable_Code_Point` and
/// `Bidi_Control`), and what renders as blank.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// What holds an emoji sequence together is part of a character that can be seen (UTS #51).
fn joins(before: char, c: char) -> bool {
    match c {
        '\u{fe0e}' | '\u{fe0f}' => is_pictograph(before) || matches!(before, '#' | '*' | '0'..='9'),
        JOINER => is_pictograph(before) || before == '\u{fe0f}' || is_joining(before),
        NON_JOINER => is_joining(before),
        // Tags spell the flags of regions.
        '\u{e0020}'..='\u{e007f}' => {
            before == '\u{1f3f4}' || matches!(before, '\u{e0020}'..='\u{e007f}')
        }
        _ => false,
    }
}

/// Scripts in which joiners change what is seen (RFC 5892 appendix A): Arabic and those like it,
/// the scripts of India and its neighbours, Mongolian.
fn is_joining(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{8ff}' | '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{17b3}' | '\u{17b6}'..='\u{17ff}' | '\u{1820}'..='\u{18af}')
}

fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}' | '\u{a9}' | '\u{ae}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nickname_is_used_as_asked_or_refused() {
        for good in [
            "Ann",
            "ann bee",
            "Ωmega",
            "🦀",
            "👩‍👩‍👧",
            "🏳️‍🌈",
            "日本",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "1️⃣",
            "علی\u{200c}رضا",
            "क्\u{200d}ष",
        ] {
            assert_eq!(Nick::check(good).expect(good).as_str(), good);
        }
        for (bad, why) in [
            ("", NickError::Empty),
            (" ", NickError::Spaces),
            ("ann ", NickError::Spaces),
            (" ann", NickError::Spaces),
            ("a  b", NickError::Spaces),
            ("a\u{a0}b", NickError::Spaces),
            ("a\u{200b}", NickError::Invisible),
            ("a\u{202e}b", NickError::Invisible),
            ("a\u{7}", NickError::Invisible),
            ("🦀\u{200d}", NickError::Invisible),
            ("🦀\u{200d}a", NickError::Invisible),
            ("a\u{fe0f}", NickError::Invisible),
            ("a\u{200c}b", NickError::Invisible),
            ("علی\u{200c}", NickError::Invisible),
            ("علی\u{200c}🦀", NickError::Invisible),
            ("علی\u{200c}a", NickError::Invisible),
            ("علی\u{200c}\u{200c}رضا", NickError::Invisible),
        ] {
            assert_eq!(Nick::check(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn nicknames_that_look_alike_share_a_key() {
        assert_eq!(key("Ann"), key("ANN"));
        assert_eq!(key("ﬁsh"), key("FISH"));
        assert_ne!(key("Ann"), key("Anna"));
        assert_eq!(key("علی\u{200c}رضا"), key("علیرضا"));
    }
}
