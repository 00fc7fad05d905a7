use super::*;

#[track_caller]
fn check(kind: Kind, text: &str, expected: Result<Value, Mismatch>) {
    assert_eq!(
        kind.parse(text, &Alphabet::default()),
        expected,
        "{kind:?} {text:?}"
    );
}

fn text(value: &str) -> Result<Value, Mismatch> {
    Ok(Value::Text(value.to_owned()))
}

#[test]
fn reads_each_kind() {
    check(Kind::Fin, "0test01", text("0TEST01"));
    check(Kind::Voen, "0000000131", text("0000000131"));
    check(Kind::Voen, "1525855852", text("1525855852"));
    check(Kind::Document, "aa1234567", text("AA1234567"));
    check(
        Kind::Text,
        "Əliyeva Şəhla İsa qızı, ğöüçı",
        text("Əliyeva Şəhla İsa qızı, ğöüçı"),
    );
    check(Kind::Integer, "-42", Ok(Value::Integer(-42)));
    check(Kind::Decimal, "-12.50", text("-12.50"));
    check(Kind::Boolean, "1", Ok(Value::Boolean(true)));
    check(Kind::Date, "2024-02-29", text("2024-02-29"));
    check(
        Kind::Datetime,
        "2026-01-31T13:30:00+04:00",
        text("2026-01-31T09:30:00Z"),
    );
}

#[test]
fn refuses_what_is_not_of_the_kind() {
    check(Kind::Fin, "0TEST0", Err(Mismatch::Fin(fin::Error::Length)));
    check(Kind::Voen, "12345", Err(Mismatch::Voen));
    check(Kind::Document, "", Err(Mismatch::Document));
    check(
        Kind::Document,
        "AA1'; DROP TABLE x",
        Err(Mismatch::Document),
    );
    check(Kind::Document, "ƏA1234567", Err(Mismatch::Document));
    check(Kind::Text, "a\u{0}b", Err(Mismatch::ControlCharacter));
    check(Kind::Text, &"ə".repeat(4001), Err(Mismatch::TooLong));
    check(Kind::Integer, "9223372036854775808", Err(Mismatch::Integer));
    check(Kind::Integer, "1.0", Err(Mismatch::Integer));
    check(Kind::Decimal, "1e9", Err(Mismatch::Decimal));
    check(Kind::Decimal, ".5", Err(Mismatch::Decimal));
    check(Kind::Decimal, "-", Err(Mismatch::Decimal));
    check(Kind::Boolean, "TRUE", Err(Mismatch::Boolean));
    check(Kind::Date, "2023-02-29", Err(Mismatch::Date));
    check(Kind::Date, "20240229", Err(Mismatch::Date));
    check(Kind::Date, "2024-02-29T00:00:00", Err(Mismatch::Date));
    check(Kind::Datetime, "2026-01-31 09:30", Err(Mismatch::Datetime));
}

#[test]
fn shows_no_value_when_debugged() {
    assert_eq!(
        format!("{:?}", Value::Text("0TEST01".to_owned())),
        "Text(…)"
    );
}

#[test]
fn comes_back_from_its_json() {
    for value in [
        Value::Null,
        Value::Text("ə".to_owned()),
        Value::Integer(i64::MIN),
        Value::Boolean(false),
    ] {
        assert_eq!(Value::from_json(&value.to_json()), Some(value));
    }
}
