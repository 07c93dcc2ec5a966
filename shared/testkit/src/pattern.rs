//! What an expected stanza may look like.
//!
//! A pattern is XML. Attributes, children and text must be the same, in any order of attributes and
//! in the given order of children, with these exceptions:
//!
//! * `*` in an attribute or in text stands for any run of characters;
//! * an attribute or text that is `{name}` takes the value it finds, and must find the same
//!   everywhere else where it stands, in later lines too;
//! * `<etc/>` as the last child lets any further children be there;
//! * an attribute `etc=''` lets any further attributes be there.

use std::collections::BTreeMap;

use minidom::Element;

/// Values by name: given, or found by `{name}`.
pub type Names = BTreeMap<String, String>;

/// Parses one element as it stands in a stream between client and server.
pub fn parse(xml: &str) -> Result<Element, String> {
    let wrapped = format!("<w xmlns='jabber:client'>{xml}</w>");
    let wrapper: Element = wrapped.parse().map_err(|error| format!("not XML: {error}"))?;
    let mut children = wrapper.children();
    match (children.next(), children.next()) {
        (Some(element), None) => Ok(element.clone()),
        _ => Err("not exactly one element".into()),
    }
}

/// Puts the values of known names in the place of `{name}`.
pub fn substitute(line: &str, names: &Names) -> String {
    let mut line = line.to_owned();
    for (name, value) in names {
        let hole = format!("{{{name}}}");
        if line.contains(&hole) {
            line = line.replace(&hole, &escape(value));
        }
    }
    line
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;").replace('"', "&quot;")
}

/// Compares; the error says where they differ and how. Names are taken only if all is equal.
pub fn matches(pattern: &Element, actual: &Element, names: &mut Names) -> Result<(), String> {
    let mut found = names.clone();
    compare(pattern, actual, &mut found, pattern.name())?;
    *names = found;
    Ok(())
}

fn compare(pattern: &Element, actual: &Element, names: &mut Names, at: &str) -> Result<(), String> {
    if pattern.name() != actual.name() || pattern.ns() != actual.ns() {
        return Err(format!(
            "{at}: expected <{} xmlns='{}'>, found <{} xmlns='{}'>",
            pattern.name(),
            pattern.ns(),
            actual.name(),
            actual.ns()
        ));
    }
    attributes(pattern, actual, names, at)?;
    let (expected, found) = (text(pattern), text(actual));
    value(&expected, &found, names)
        .map_err(|()| format!("{at}: expected the text “{expected}”, found “{found}”"))?;
    children(pattern, actual, names, at)
}

fn attributes(
    pattern: &Element,
    actual: &Element,
    names: &mut Names,
    at: &str,
) -> Result<(), String> {
    let (expected, found) = (all(pattern), all(actual));
    for (name, expected) in expected.iter().filter(|(name, _)| *name != "etc") {
        let Some(found) = found.get(name) else {
            return Err(format!("{at}: the attribute {name} is missing"));
        };
        value(expected, found, names)
            .map_err(|()| format!("{at}: expected {name}='{expected}', found {name}='{found}'"))?;
    }
    let further = found.iter().find(|(name, _)| !expected.contains_key(*name));
    match further {
        Some((name, value)) if !expected.contains_key("etc") => {
            Err(format!("{at}: unexpected attribute {name}='{value}'"))
        }
        _ => Ok(()),
    }
}

fn children(
    pattern: &Element,
    actual: &Element,
    names: &mut Names,
    at: &str,
) -> Result<(), String> {
    let mut found = actual.children();
    for expected in pattern.children() {
        if expected.name() == "etc" {
            return Ok(());
        }
        let Some(found) = found.next() else {
            return Err(format!("{at}: <{}/> is missing", expected.name()));
        };
        compare(expected, found, names, &format!("{at}/{}", expected.name()))?;
    }
    match found.next() {
        Some(further) => {
            let xml = String::from(further);
            Err(format!("{at}: unexpected {xml}"))
        }
        None => Ok(()),
    }
}

fn all(element: &Element) -> BTreeMap<String, String> {
    element
        .attrs()
        .iter()
        .map(|((ns, name), value)| {
            let ns = ns.as_str();
            let name = if ns.is_empty() { name.to_string() } else { format!("{{{ns}}}{name}") };
            (name, value.clone())
        })
        .collect()
}

fn text(element: &Element) -> String {
    element.texts().collect::<String>().trim().to_owned()
}

fn value(expected: &str, found: &str, names: &mut Names) -> Result<(), ()> {
    let hole = expected.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    if let Some(name) = hole {
        let known = names.entry(name.to_owned()).or_insert_with(|| found.to_owned());
        return if known == found { Ok(()) } else { Err(()) };
    }
    if glob(expected, found) { Ok(()) } else { Err(()) }
}

fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, actual: &str) -> Result<(), String> {
        let (pattern, actual) = (parse(pattern).expect("pattern"), parse(actual).expect("actual"));
        matches(&pattern, &actual, &mut Names::new())
    }

    #[test]
    fn equal_up_to_the_order_of_attributes() {
        check("<a b='1' c='2'><d/>x</a>", "<a c='2' b='1'><d/>x</a>").expect("equal");
        let error = check("<a b='1'/>", "<a b='1' c='2'/>").expect_err("more");
        assert_eq!(error, "a: unexpected attribute c='2'");
        let error = check("<a b='1' c='2'/>", "<a b='1'/>").expect_err("less");
        assert_eq!(error, "a: the attribute c is missing");
        let error = check("<a><b>x</b></a>", "<a><b>y</b></a>").expect_err("other text");
        assert_eq!(error, "a/b: expected the text “x”, found “y”");
        check("<a><b/></a>", "<a><b/><c/></a>").expect_err("more children");
        check("<a><b/><c/></a>", "<a><c/><b/></a>").expect_err("another order");
        check("<a><b xmlns='x'/></a>", "<a><b/></a>").expect_err("another namespace");
    }

    #[test]
    fn wildcards_stand_for_what_a_test_does_not_care_about() {
        check("<a id='*'>2026-*Z</a>", "<a id='77'>2026-01-02T03:04:05Z</a>").expect("globs");
        check("<a id='a*c*e'/>", "<a id='abcde'/>").expect("two stars");
        check("<a id='a*c'/>", "<a id='abcd'/>").expect_err("an end");
        check("<a id='*'/>", "<a/>").expect_err("must be there");
        check("<a><b/><etc/></a>", "<a><b/><c/></a>").expect("further children");
        check("<a etc=''/>", "<a b='1'/>").expect("further attributes");
    }

    #[test]
    fn a_name_must_find_the_same_everywhere() {
        check("<a b='{x}' c='{x}'/>", "<a b='1' c='1'/>").expect("the same");
        check("<a b='{x}' c='{x}'/>", "<a b='1' c='2'/>").expect_err("not the same");
        let mut names = Names::new();
        names.insert("who".into(), "a'b".into());
        assert_eq!(substitute("<a b='{who}{other}'/>", &names), "<a b='a&apos;b{other}'/>");
    }
}
