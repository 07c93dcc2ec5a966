//! Forms from XML, as strangers send them.

use minidom::Element;

use super::{Field, FieldKind, Form, FormKind, Method, Validate};
use crate::{
    error::{Condition, Refusal},
    ns,
};

fn bad(text: String) -> Refusal {
    Refusal::new(Condition::BadRequest, "form.malformed").text(text)
}

impl Form {
    /// Reads an `<x xmlns='jabber:x:data'/>`. Unknown elements are passed over.
    pub fn parse(element: &Element) -> Result<Self, Refusal> {
        if !element.is("x", ns::DATA_FORMS) {
            return Err(bad("expected <x xmlns='jabber:x:data'/>".into()));
        }
        let kind = match element.attr("type") {
            // Clients in use leave it out of a submission.
            None | Some("submit") => FormKind::Submit,
            Some("form") => FormKind::Form,
            Some("cancel") => FormKind::Cancel,
            Some("result") => FormKind::Result,
            Some(_) => {
                return Err(bad("the form's type is not form, submit, cancel or result".into()));
            }
        };
        let mut form = Self::new(kind, None);
        for child in element.children().filter(|child| child.has_ns(ns::DATA_FORMS)) {
            match child.name() {
                "title" => form.title = Some(child.text()),
                "instructions" => form.instructions.push(child.text()),
                "field" => {
                    let field = parse_field(child)?;
                    // XEP-0068 §5: it is hidden, which a submission need not say. The first one
                    // counts (§3.1 allows one).
                    let hidden = field.kind == FieldKind::Hidden || kind == FormKind::Submit;
                    if hidden && field.var.as_deref() == Some("FORM_TYPE") {
                        if form.form_type.is_none() {
                            form.form_type = field.values.into_iter().next();
                        }
                    } else {
                        form.fields.push(field);
                    }
                }
                "reported" => form.reported = parse_fields(child)?,
                "item" => form.items.push(parse_fields(child)?),
                _ => {}
            }
        }
        Ok(form)
    }
}

fn parse_fields(element: &Element) -> Result<Vec<Field>, Refusal> {
    element.children().filter(|child| child.is("field", ns::DATA_FORMS)).map(parse_field).collect()
}

fn parse_field(element: &Element) -> Result<Field, Refusal> {
    let kind = element.attr("type").map_or(FieldKind::TextSingle, FieldKind::parse);
    let var = element.attr("var").map(str::to_owned);
    if var.is_none() && kind != FieldKind::Fixed {
        return Err(bad("a field has no var".into()));
    }
    let mut field = Field { var, ..Field::new(kind, "") };
    field.label = element.attr("label").map(str::to_owned);
    for child in element.children() {
        if child.is("validate", ns::VALIDATE) {
            parse_validate(child, &mut field);
            continue;
        }
        if !child.has_ns(ns::DATA_FORMS) {
            continue;
        }
        match child.name() {
            "value" => field.values.push(child.text()),
            "desc" => field.desc = Some(child.text()),
            "required" => field.required = true,
            "option" => {
                let value = child.get_child("value", ns::DATA_FORMS).map(Element::text);
                let label = child.attr("label").map(str::to_owned);
                field.options.push((label, value.unwrap_or_default()));
            }
            _ => {}
        }
    }
    Ok(field)
}

fn parse_validate(element: &Element, field: &mut Field) {
    let own = |name: &str| element.get_child(name, ns::VALIDATE);
    let method = if own("open").is_some() {
        Method::Open
    } else if let Some(range) = own("range") {
        Method::Range {
            min: range.attr("min").map(str::to_owned),
            max: range.attr("max").map(str::to_owned),
        }
    } else if let Some(regex) = own("regex") {
        Method::Regex(regex.text())
    } else {
        Method::Basic
    };
    field.validate =
        Some(Validate { datatype: element.attr("datatype").map(str::to_owned), method });
    field.list_range = own("list-range").map(|range| {
        let number = |name| range.attr(name).and_then(|text| text.parse().ok());
        (number("min"), number("max"))
    });
}
