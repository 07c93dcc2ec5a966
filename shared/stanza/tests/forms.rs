//! Data forms (XEP-0004, 0068, 0122) and result sets (XEP-0059) as they come and go.

#![allow(clippy::unwrap_used)]

use annex_stanza::{
    Condition, Field, FieldKind, Form, FormKind, Refusal, Xml,
    form::{Method, Validate},
    ns,
    rsm::{Place, Request, Response},
};
use minidom::Element;
use proptest::{option, prelude::*, sample};

fn tree(xml: &str) -> Element {
    xml.parse().unwrap_or_else(|error| panic!("{error}: {xml}"))
}

fn form(kind: &str, inner: &str) -> Result<Form, Refusal> {
    Form::parse(&tree(&format!("<x xmlns='jabber:x:data' type='{kind}'>{inner}</x>")))
}

fn again(form: &Form) -> Form {
    Form::parse(&tree(&String::from_utf8(form.xml()).unwrap())).unwrap()
}

#[test]
fn every_type_of_field_is_read_and_an_unknown_one_is_a_line_of_text() {
    // XEP-0004 §3.3
    for kind in [
        "boolean",
        "fixed",
        "hidden",
        "jid-multi",
        "jid-single",
        "list-multi",
        "list-single",
        "text-multi",
        "text-private",
        "text-single",
    ] {
        let form = form("form", &format!("<field var='a' type='{kind}'/>")).unwrap();
        assert_eq!(form.fields[0].kind.as_str(), kind);
    }
    let form = form("form", "<field var='a' type='text-rainbow'/><field var='b'/>").unwrap();
    assert!(form.fields.iter().all(|field| field.kind == FieldKind::TextSingle));
}

#[test]
fn a_field_without_a_name_is_refused_unless_it_is_fixed() {
    assert!(form("submit", "<field type='fixed'><value>x</value></field>").is_ok());
    let refusal = form("submit", "<field type='boolean'/>").unwrap_err();
    assert_eq!(refusal.condition, Condition::BadRequest);
}

#[test]
fn a_form_of_an_unknown_type_is_refused_and_one_of_none_is_a_submission() {
    assert_eq!(form("what", "").unwrap_err().condition, Condition::BadRequest);
    let untyped = Form::parse(&tree("<x xmlns='jabber:x:data'/>")).unwrap();
    assert_eq!(untyped.kind, FormKind::Submit);
    assert!(Form::parse(&tree("<x xmlns='urn:other' type='submit'/>")).is_err());
}

#[test]
fn what_a_form_may_hold_besides_is_passed_over() {
    let form = form(
        "submit",
        "text<what/><y xmlns='urn:y'/><field var='a'><media xmlns='urn:m'/><value>1</value></field>",
    )
    .unwrap();
    assert_eq!((form.fields.len(), form.find("a").unwrap().text()), (1, "1"));
}

#[test]
fn the_form_type_is_not_among_the_fields() {
    // XEP-0068 §3.1
    let form = form(
        "submit",
        "<field var='a'/><field var='FORM_TYPE' type='hidden'><value>urn:x</value></field>",
    )
    .unwrap();
    assert_eq!(form.form_type.as_deref(), Some("urn:x"));
    assert!(form.find("FORM_TYPE").is_none() && form.find("a").is_some());
}

#[test]
fn a_form_type_that_is_shown_has_no_meaning_but_in_a_submission() {
    // XEP-0068 §5
    for (kind, is_special) in [("submit", true), ("form", false), ("result", false)] {
        for attribute in ["", "type='text-single'"] {
            let field = format!("<field var='FORM_TYPE' {attribute}><value>urn:x</value></field>");
            let form = form(kind, &field).unwrap();
            assert_eq!(form.form_type.is_some(), is_special, "{kind} {attribute}");
            assert_eq!(form.find("FORM_TYPE").is_some(), !is_special, "{kind} {attribute}");
        }
    }
}

#[test]
fn values_are_accepted_as_the_field_that_was_asked_for_has_them() {
    use FieldKind::*;
    let accept = |field: Field, values: &[&str]| {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        field.accept(&values).map(|values| values.join("|"))
    };
    let ok = |field: Field, values: &[&str], expected: &str| {
        assert_eq!(accept(field, values).as_deref(), Ok(expected), "{values:?}");
    };
    let no = |field: Field, values: &[&str], expected: &str| {
        assert_eq!(accept(field, values), Err(format!("f: expected {expected}")), "{values:?}");
    };
    let field = |kind| Field::new(kind, "f");
    // XEP-0004 §3.3
    for kind in [Boolean, JidSingle, ListSingle, TextPrivate, TextSingle] {
        no(field(kind).option("a", "A"), &["a", "a"], "one value");
        ok(field(kind), &[""], "");
        ok(field(kind), &[], "");
    }
    ok(field(Boolean), &["true"], "1");
    ok(field(Boolean), &[" 0\n"], "0");
    no(field(Boolean), &["yes"], "1 or 0");
    ok(field(TextMulti), &["a", "", "b"], "a||b");
    ok(field(Hidden), &["a", "b"], "a|b");
    ok(field(JidSingle), &[" a@b.c/🦀 "], "a@b.c/🦀");
    no(field(JidSingle), &["a@@b"], "an address such as user@example.com");
    ok(field(JidMulti), &["a@b.c", "d@e.f\n\nA@B.C ", ""], "a@b.c|d@e.f");
    no(field(JidMulti), &["a@b.c\n@"], "an address such as user@example.com");
    let list = |kind| field(kind).option("a", "A").option("b", "B");
    ok(list(ListSingle), &["b"], "b");
    no(list(ListSingle), &["B"], "one of a, b");
    no(list(ListMulti), &["a", "c"], "one of a, b");
    // XEP-0122 §3.2: any method but <basic/> lets other values stand.
    ok(list(ListMulti).datatype("xs:string", Method::Open), &["a", "c"], "a|c");
    ok(list(ListSingle).datatype("xs:string", Method::Regex("c".into())), &["c"], "c");
    no(list(ListSingle).datatype("xs:string", Method::Basic), &["c"], "one of a, b");
    // XEP-0122 §3.4: of a list-multi only.
    let some = |kind| Field { list_range: Some((Some(1), Some(1))), ..list(kind) };
    ok(some(ListMulti), &["a"], "a");
    no(some(ListMulti), &[], "at least 1 values");
    no(some(ListMulti), &["a", "b"], "at most 1 values");
    ok(some(ListSingle), &[], "");
    // XEP-0122 §3.1, §3.3
    let number = |datatype: &str, min: Option<&str>, max: Option<&str>| {
        let [min, max] = [min, max].map(|bound| bound.map(str::to_owned));
        field(TextSingle).datatype(datatype, Method::Range { min, max })
    };
    ok(number("xs:integer", Some("-5"), Some("5")), &[" +5 "], " +5 ");
    no(number("xs:integer", Some("-5"), Some("5")), &["6"], "a number from -5 to 5");
    no(number("xs:integer", Some("5"), None), &["4"], "a number from 5");
    no(number("xs:integer", None, Some("5")), &["6"], "a number up to 5");
    no(number("xs:byte", None, Some("500")), &["128"], "a number from -128 to 127");
    no(number("xs:nonNegativeInteger", None, None), &["-1"], "a number from 0");
    no(number("xs:integer", None, None), &["1.5"], "a whole number");
    no(number("xs:integer", None, None), &[&"9".repeat(60)], "a whole number");
    ok(number("x:unheard-of", Some("1"), Some("2")), &["three"], "three");
}

#[test]
fn a_table_has_columns_and_rows() {
    // XEP-0004 §3.4
    let table = form(
        "result",
        "<reported><field var='a' type='jid-single' label='A'/></reported>\
         <item><field var='a'><value>a@b.c</value></field></item>\
         <item><field var='a'><value>d@e.f</value></field></item>",
    )
    .unwrap();
    assert_eq!(table.reported[0].kind, FieldKind::JidSingle);
    let rows: Vec<&str> = table.items.iter().map(|row| row[0].text()).collect();
    assert_eq!(rows, ["a@b.c", "d@e.f"]);
    assert_eq!(again(&table), table);
}

#[test]
fn a_form_is_written_as_the_specification_has_it() {
    let form = Form::new(FormKind::Form, Some("urn:x"))
        .title("Title")
        .instruction("First")
        .instruction("Second")
        .field(Field::fixed("Part one"))
        .field(
            Field::new(FieldKind::ListSingle, "n")
                .label("N")
                .desc("How many")
                .required()
                .value("1")
                .option("1", "One")
                .option("2", "Two")
                .datatype("xs:integer", Method::Open),
        )
        .field(Field::new(FieldKind::Boolean, "b").flag(true));
    let xml = String::from_utf8(form.xml()).unwrap().replace("><", ">\n<");
    insta::assert_snapshot!(xml);
    assert_eq!(again(&form), form);
}

#[test]
fn a_submission_has_no_types() {
    let form =
        Form::new(FormKind::Submit, None).field(Field::new(FieldKind::Boolean, "b").flag(false));
    insta::assert_snapshot!(
        String::from_utf8(form.xml()).unwrap(),
        @"<x xmlns='jabber:x:data' type='submit'><field var='b'><value>0</value></field></x>"
    );
}

#[test]
fn fields_of_strangers_are_written_so_that_they_can_be_read() {
    let read =
        form("submit", "<field type='fixed'/><field var='a'><value>1</value></field>").unwrap();
    assert_eq!(again(&read), read);
    let row = "<item><field type='fixed'/><field var='a' type='boolean'/></item>";
    let read = form("result", row).unwrap();
    assert_eq!(again(&read), read);
}

#[test]
fn values_are_read_or_refused_with_the_name_of_their_field() {
    let field = |value: &str| Field::new(FieldKind::TextSingle, "the-field").value(value);
    for (text, value) in [("1", true), ("true", true), ("0", false), (" false\n", false)] {
        assert_eq!(field(text).boolean().unwrap(), value);
    }
    assert_eq!(field(" 7 ").number(1, 7).unwrap(), 7);
    assert_eq!(field("b").word(&["a", "b"]).unwrap(), "b");
    assert_eq!(field("a@b.c/🦀").jid().unwrap().resource(), Some("🦀"));
    let many =
        Field::new(FieldKind::JidMulti, "f").value("a@b.c\n\n d@e.f ").value("g.h").value("A@B.c");
    let many: Vec<String> = many.jids().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(many, ["a@b.c", "d@e.f", "g.h"]);
    assert!(Field::new(FieldKind::JidMulti, "f").jids().unwrap().is_empty());
    let refusals = [
        field("yes").boolean().unwrap_err(),
        field("").boolean().unwrap_err(),
        field("8").number(1, 7).unwrap_err(),
        field("-1").number(0, 7).unwrap_err(),
        field("99999999999999999999999").number(0, 7).unwrap_err(),
        field("c").word(&["a", "b"]).unwrap_err(),
        field("a@@b").jid().unwrap_err(),
        field("a@b.c\n@").jids().unwrap_err(),
    ];
    for refusal in refusals {
        assert_eq!(refusal.condition, Condition::NotAcceptable);
        let text = refusal.text.unwrap();
        assert!(text.contains("the-field"), "{text}");
    }
}

fn words() -> impl Strategy<Value = String> {
    "[ -~\\t\\n\\r🦀é]{0,12}"
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::Basic),
        Just(Method::Open),
        (option::of(words()), option::of(words()))
            .prop_map(|(min, max)| Method::Range { min, max }),
        words().prop_map(Method::Regex),
    ]
}

prop_compose! {
    fn field()(
        kind in sample::select(vec![
            FieldKind::Boolean, FieldKind::Fixed, FieldKind::Hidden, FieldKind::JidMulti,
            FieldKind::JidSingle, FieldKind::ListMulti, FieldKind::ListSingle,
            FieldKind::TextMulti, FieldKind::TextPrivate, FieldKind::TextSingle,
        ]),
        var in words().prop_filter("has a meaning of its own", |var| var != "FORM_TYPE"),
        is_named in any::<bool>(),
        label in option::of(words()),
        desc in option::of(words()),
        required in any::<bool>(),
        values in proptest::collection::vec(words(), 0..3),
        options in proptest::collection::vec((option::of(words()), words()), 0..3),
        validate in option::of((option::of(words()), method())),
        bounds in option::of((option::of(any::<u32>()), option::of(any::<u32>()))),
    ) -> Field {
        let validate = validate.map(|(datatype, method)| Validate { datatype, method });
        // Bounds stand within a validation.
        let list_range = bounds.filter(|_| validate.is_some());
        let var = (is_named || kind != FieldKind::Fixed).then_some(var);
        Field { var, kind, label, desc, required, values, options, validate, list_range }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_form_that_is_written_is_read(
        kind in sample::select(vec![FormKind::Form, FormKind::Result, FormKind::Cancel]),
        title in option::of(words()),
        instructions in proptest::collection::vec(words(), 0..3),
        form_type in option::of(words()),
        fields in proptest::collection::vec(field(), 0..5),
        reported in proptest::collection::vec(field(), 0..3),
        rows in proptest::collection::vec(words(), 0..3),
    ) {
        // Rows have no types: their columns say them.
        let items = rows.into_iter().map(|value| vec![Field::new(FieldKind::TextSingle, "a").value(value)]);
        let form = Form { kind, title, instructions, form_type, fields, reported, items: items.collect() };
        prop_assert_eq!(again(&form), form);
    }
}

fn request(inner: &str) -> Result<Request, Refusal> {
    Request::parse(&tree(&format!("<set xmlns='{}'>{inner}</set>", ns::RSM)))
}

#[test]
fn requests_for_pages_are_read() {
    let read = |inner: &str| {
        let request = request(inner).unwrap();
        (request.max, request.place)
    };
    assert_eq!(read(""), (None, Place::First));
    assert_eq!(read("<max> 10 </max>"), (Some(10), Place::First));
    assert_eq!(read("<max>10</max><after>x</after>"), (Some(10), Place::After("x".into())));
    assert_eq!(read("<before/><max>10</max>"), (Some(10), Place::Last));
    assert_eq!(read("<before>x</before>"), (None, Place::Before("x".into())));
    assert_eq!(read("<index>371</index>"), (None, Place::Index(371)));
    assert_eq!(read("<max>0</max>"), (Some(0), Place::First));
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    for bad in [
        "<max>x</max>",
        "<max>-1</max>",
        "<max/>",
        "<index>1.5</index>",
        "<after>a</after><before>b</before>",
    ] {
        assert_eq!(request(bad).unwrap_err().condition, Condition::BadRequest, "{bad}");
    }
    assert!(Request::parse(&tree("<set xmlns='urn:other'/>")).is_err());
}

#[test]
fn a_page_says_where_it_lies() {
    let write = |response: Response| {
        let mut xml = Xml::new();
        response.write(&mut xml);
        String::from_utf8(xml.finish()).unwrap()
    };
    let list = ["a", "b", "c"];
    let page = |request: Request| {
        write(request.select(&list, 10, |item| item).unwrap().response(|item| item))
    };
    insta::assert_snapshot!(
        page(Request { max: Some(2), place: Place::After("a".into()) }),
        @"<set xmlns='http://jabber.org/protocol/rsm'><first index='1'>b</first><last>c</last><count>3</count></set>"
    );
    // XEP-0059 §2.7: the count alone.
    insta::assert_snapshot!(
        page(Request { max: Some(0), place: Place::First }),
        @"<set xmlns='http://jabber.org/protocol/rsm'><count>3</count></set>"
    );
}
