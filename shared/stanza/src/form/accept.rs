//! Whether values may stand in a field that we asked for (XEP-0004 §3.3, XEP-0122 §3).

use super::{Field, FieldKind, Method, value::unique};
use crate::jid::Jid;

const JID: &str = "an address such as user@example.com";

impl Field {
    /// Judges values that somebody gave for this field of ours, and puts them as they are read:
    /// booleans as `1` and `0`, addresses one each and none twice, nothing empty. The error names
    /// the field and says what was expected.
    pub fn accept(&self, values: &[String]) -> Result<Vec<String>, String> {
        self.accepted(values).map_err(|expected| {
            let var = self.var.as_deref().unwrap_or_default();
            format!("{var}: expected {expected}")
        })
    }

    fn accepted(&self, values: &[String]) -> Result<Vec<String>, String> {
        // A field left empty is a field without value; an empty line of a text is one.
        let mut values: Vec<String> = match self.kind {
            FieldKind::TextMulti => values.to_vec(),
            FieldKind::JidMulti => {
                unique(values).map_err(|_| JID)?.iter().map(Jid::to_string).collect()
            }
            _ => values.iter().filter(|value| !value.is_empty()).cloned().collect(),
        };
        let many = matches!(
            self.kind,
            FieldKind::JidMulti | FieldKind::ListMulti | FieldKind::TextMulti | FieldKind::Hidden
        );
        if !many && values.len() > 1 {
            return Err("one value".into());
        }
        for value in &mut values {
            match self.kind {
                FieldKind::Boolean => match value.trim() {
                    "1" | "true" => *value = "1".into(),
                    "0" | "false" => *value = "0".into(),
                    _ => return Err("1 or 0".into()),
                },
                FieldKind::ListSingle | FieldKind::ListMulti => self.option_or_own(value)?,
                FieldKind::JidSingle => {
                    *value = Jid::parse(value.trim()).map_err(|_| JID)?.to_string();
                }
                _ => {}
            }
            self.in_range(value)?;
        }
        match self.list_range {
            // XEP-0122 §3.4: it means nothing to other fields.
            Some((min, max)) if self.kind == FieldKind::ListMulti => {
                within(values.len(), min, max)?;
            }
            _ => {}
        }
        Ok(values)
    }

    fn option_or_own(&self, value: &str) -> Result<(), String> {
        // XEP-0122 §3.2: any method but <basic/> lets values stand that are no options.
        let open = self.validate.as_ref().is_some_and(|one| one.method != Method::Basic);
        if open || self.options.iter().any(|(_, option)| option == value) {
            return Ok(());
        }
        let options: Vec<&str> = self.options.iter().map(|(_, option)| option.as_str()).collect();
        Err(format!("one of {}", options.join(", ")))
    }

    /// Whole numbers between bounds. XEP-0122 §4.1: a datatype that is not known here is a text.
    fn in_range(&self, value: &str) -> Result<(), String> {
        let Some(validate) = &self.validate else {
            return Ok(());
        };
        let Some((least, most)) = validate.datatype.as_deref().and_then(whole) else {
            return Ok(());
        };
        let number: i128 = value.trim().parse().map_err(|_| "a whole number")?;
        let (mut min, mut max) = (least, most);
        if let Method::Range { min: lower, max: upper } = &validate.method {
            let bound = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
            min = min.max(bound(lower).unwrap_or(least));
            max = max.min(bound(upper).unwrap_or(most));
        }
        if (min..=max).contains(&number) {
            return Ok(());
        }
        Err(match (min == i128::MIN, max == i128::MAX) {
            (true, _) => format!("a number up to {max}"),
            (_, true) => format!("a number from {min}"),
            _ => format!("a number from {min} to {max}"),
        })
    }
}

fn within(count: usize, min: Option<u32>, max: Option<u32>) -> Result<(), String> {
    let number = |bound: Option<u32>| bound.and_then(|bound| usize::try_from(bound).ok());
    match (number(min), number(max)) {
        (Some(min), _) if count < min => Err(format!("at least {min} values")),
        (_, Some(max)) if count > max => Err(format!("at most {max} values")),
        _ => Ok(()),
    }
}

/// Bounds of the datatypes that are whole numbers (XML Schema part 2 §3.3).
fn whole(datatype: &str) -> Option<(i128, i128)> {
    Some(match datatype {
        "xs:integer" => (i128::MIN, i128::MAX),
        "xs:nonNegativeInteger" => (0, i128::MAX),
        "xs:positiveInteger" => (1, i128::MAX),
        "xs:nonPositiveInteger" => (i128::MIN, 0),
        "xs:negativeInteger" => (i128::MIN, -1),
        "xs:long" => (i64::MIN.into(), i64::MAX.into()),
        "xs:int" => (i32::MIN.into(), i32::MAX.into()),
        "xs:short" => (i16::MIN.into(), i16::MAX.into()),
        "xs:byte" => (i8::MIN.into(), i8::MAX.into()),
        "xs:unsignedLong" => (0, u64::MAX.into()),
        "xs:unsignedInt" => (0, u32::MAX.into()),
        "xs:unsignedShort" => (0, u16::MAX.into()),
        "xs:unsignedByte" => (0, u8::MAX.into()),
        _ => return None,
    })
}
