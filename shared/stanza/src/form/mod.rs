//! Data forms (XEP-0004, 0068, 0122, 0128).

mod accept;
mod parse;
mod render;
mod value;

/// What a form is for (XEP-0004 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormKind {
    /// To be filled in.
    Form,
    /// Filled in.
    Submit,
    /// Given up.
    Cancel,
    /// Data, not to be answered.
    Result,
}

impl FormKind {
    /// Value of the `type` attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Submit => "submit",
            Self::Cancel => "cancel",
            Self::Result => "result",
        }
    }
}

/// Types of fields (XEP-0004 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Yes or no.
    Boolean,
    /// Text for people.
    Fixed,
    /// Not shown.
    Hidden,
    /// Addresses.
    JidMulti,
    /// One address.
    JidSingle,
    /// Any of the options.
    ListMulti,
    /// One of the options.
    ListSingle,
    /// Lines of text.
    TextMulti,
    /// A line that is not shown while it is typed.
    TextPrivate,
    /// A line.
    TextSingle,
}

impl FieldKind {
    const ALL: [Self; 10] = [
        Self::Boolean,
        Self::Fixed,
        Self::Hidden,
        Self::JidMulti,
        Self::JidSingle,
        Self::ListMulti,
        Self::ListSingle,
        Self::TextMulti,
        Self::TextPrivate,
        Self::TextSingle,
    ];

    /// Value of the `type` attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Fixed => "fixed",
            Self::Hidden => "hidden",
            Self::JidMulti => "jid-multi",
            Self::JidSingle => "jid-single",
            Self::ListMulti => "list-multi",
            Self::ListSingle => "list-single",
            Self::TextMulti => "text-multi",
            Self::TextPrivate => "text-private",
            Self::TextSingle => "text-single",
        }
    }

    /// Reads the `type` attribute; an unknown type is `text-single` (XEP-0004 §3.3).
    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).unwrap_or(Self::TextSingle)
    }
}

/// How a value must look (XEP-0122).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validate {
    /// Datatype, such as `xs:integer`.
    pub datatype: Option<String>,
    /// What else is required.
    pub method: Method,
}

/// Methods of validation (XEP-0122 §3.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Method {
    /// The datatype alone.
    #[default]
    Basic,
    /// One of the options, or something else of the datatype.
    Open,
    /// Between these.
    Range {
        /// Lower bound.
        min: Option<String>,
        /// Upper bound.
        max: Option<String>,
    },
    /// Matches this regular expression.
    Regex(String),
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name; only `fixed` fields may have none.
    pub var: Option<String>,
    /// Its type.
    pub kind: FieldKind,
    /// Its label.
    pub label: Option<String>,
    /// Help for it.
    pub desc: Option<String>,
    /// It must be filled in.
    pub required: bool,
    /// Its values.
    pub values: Vec<String>,
    /// What may be chosen: label and value.
    pub options: Vec<(Option<String>, String)>,
    /// How values must look.
    pub validate: Option<Validate>,
    /// At least and at most so many choices (XEP-0122 §3.4).
    pub list_range: Option<(Option<u32>, Option<u32>)>,
}

impl Field {
    /// An empty field.
    pub fn new(kind: FieldKind, var: impl Into<String>) -> Self {
        Self {
            var: Some(var.into()),
            kind,
            label: None,
            desc: None,
            required: false,
            values: Vec::new(),
            options: Vec::new(),
            validate: None,
            list_range: None,
        }
    }

    /// Text for people between the fields.
    pub fn fixed(text: impl Into<String>) -> Self {
        Self { var: None, values: vec![text.into()], ..Self::new(FieldKind::Fixed, "") }
    }

    /// With this label.
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// With this help.
    pub fn desc(self, desc: impl Into<String>) -> Self {
        Self { desc: Some(desc.into()), ..self }
    }

    /// It must be filled in.
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// With one more value.
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.values.push(value.into());
        self
    }

    /// With `1` or `0`.
    pub fn flag(self, value: bool) -> Self {
        self.value(if value { "1" } else { "0" })
    }

    /// With these values.
    pub fn values<T: Into<String>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.values.extend(values.into_iter().map(Into::into));
        self
    }

    /// With one more option.
    pub fn option(mut self, value: impl Into<String>, label: impl Into<String>) -> Self {
        self.options.push((Some(label.into()), value.into()));
        self
    }

    /// With values of this datatype.
    pub fn datatype(self, datatype: impl Into<String>, method: Method) -> Self {
        Self { validate: Some(Validate { datatype: Some(datatype.into()), method }), ..self }
    }
}

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What it is for.
    pub kind: FormKind,
    /// Its title.
    pub title: Option<String>,
    /// Its instructions, line by line.
    pub instructions: Vec<String>,
    /// Its `FORM_TYPE` (XEP-0068), which is not among the fields.
    pub form_type: Option<String>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Columns of the items (XEP-0004 §3.4).
    pub reported: Vec<Field>,
    /// Rows: each a list of fields.
    pub items: Vec<Vec<Field>>,
}

impl Form {
    /// An empty form.
    pub fn new(kind: FormKind, form_type: Option<&str>) -> Self {
        Self {
            kind,
            title: None,
            instructions: Vec::new(),
            form_type: form_type.map(str::to_owned),
            fields: Vec::new(),
            reported: Vec::new(),
            items: Vec::new(),
        }
    }

    /// With this title.
    pub fn title(self, title: impl Into<String>) -> Self {
        Self { title: Some(title.into()), ..self }
    }

    /// With one more line of instructions.
    pub fn instruction(mut self, line: impl Into<String>) -> Self {
        self.instructions.push(line.into());
        self
    }

    /// With one more field.
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// The field of this name.
    pub fn find(&self, var: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.var.as_deref() == Some(var))
    }
}
