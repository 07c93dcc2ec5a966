//! Forms as XML.

use super::{Field, FieldKind, Form, FormKind, Method};
use crate::{ns, xml::Xml};

impl Form {
    /// The `<x/>` element.
    pub fn xml(&self) -> Vec<u8> {
        let mut xml = Xml::new();
        self.write(&mut xml);
        xml.finish()
    }

    /// Writes the `<x/>` element.
    pub fn write(&self, xml: &mut Xml) {
        xml.open("x").xmlns(ns::DATA_FORMS).attr("type", self.kind.as_str());
        if let Some(title) = &self.title {
            xml.text_element("title", None, title);
        }
        for line in &self.instructions {
            xml.text_element("instructions", None, line);
        }
        // XEP-0004 §3.2: a submission needs no types.
        let typed = self.kind != FormKind::Submit;
        // XEP-0068 §3.1: FORM_TYPE is hidden, and comes first by custom.
        if let Some(form_type) = &self.form_type {
            let field = Field::new(FieldKind::Hidden, "FORM_TYPE").value(form_type.as_str());
            write_field(xml, &field, typed);
        }
        for field in &self.fields {
            write_field(xml, field, typed);
        }
        if !self.reported.is_empty() {
            xml.open("reported");
            for field in &self.reported {
                write_field(xml, field, typed);
            }
            xml.close();
        }
        for item in &self.items {
            xml.open("item");
            for field in item {
                // The columns say the types of text; what strangers said besides is kept.
                write_field(xml, field, field.kind != FieldKind::TextSingle);
            }
            xml.close();
        }
        xml.close();
    }
}

fn write_field(xml: &mut Xml, field: &Field, typed: bool) {
    xml.open("field").attr_opt("var", field.var.as_deref());
    // XEP-0004 §3.2: only what is said to be fixed may have no name.
    if typed || field.var.is_none() {
        xml.attr("type", field.kind.as_str());
    }
    xml.attr_opt("label", field.label.as_deref());
    if let Some(desc) = &field.desc {
        xml.text_element("desc", None, desc);
    }
    if field.required {
        xml.open("required").close();
    }
    if field.validate.is_some() || field.list_range.is_some() {
        let datatype = field.validate.as_ref().and_then(|validate| validate.datatype.as_deref());
        xml.open("validate").xmlns(ns::VALIDATE).attr_opt("datatype", datatype);
        match field.validate.as_ref().map(|validate| &validate.method) {
            None => {}
            Some(Method::Basic) => {
                xml.open("basic").close();
            }
            Some(Method::Open) => {
                xml.open("open").close();
            }
            Some(Method::Range { min, max }) => {
                xml.open("range").attr_opt("min", min.as_deref()).attr_opt("max", max.as_deref());
                xml.close();
            }
            Some(Method::Regex(pattern)) => {
                xml.text_element("regex", None, pattern);
            }
        }
        if let Some((min, max)) = field.list_range {
            xml.open("list-range");
            xml.attr_opt("min", min.map(|n| n.to_string()));
            xml.attr_opt("max", max.map(|n| n.to_string())).close();
        }
        xml.close();
    }
    for value in &field.values {
        xml.text_element("value", None, value);
    }
    for (label, value) in &field.options {
        xml.open("option").attr_opt("label", label.as_deref());
        xml.text_element("value", None, value).close();
    }
    xml.close();
}
