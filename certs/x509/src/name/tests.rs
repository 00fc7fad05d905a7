use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_text(der: &str, expected: &str) {
    assert_eq!(
        Name::from_der(&hex::decode(der).unwrap())
            .unwrap()
            .rfc2253(),
        expected
    );
}

fn name(attributes: &[(&str, &str)]) -> Name {
    Name::from_attributes(attributes).unwrap()
}

/// Expected texts were printed by `X500Principal.getName()` of OpenJDK.
#[test]
fn prints_as_java_does() {
    check_text("3000", "");
    check_text(
        "301a3118301606035504030c0f20612c623d632b3c3e233b225c2020",
        "CN=\\ a\\,b\\=c\\+\\<\\>\\#\\;\\\"\\\\\\ \\ ",
    );
    check_text("3010310e300c06035504030c0523610d620d", "CN=\\#a\rb\\\r");
    check_text("300e310c300a06035504030c03202020", "CN=\\ \\ \\ ");
    check_text("300d310b3009060355040513026162", "2.5.4.5=#13026162");
    check_text(
        "30123110300e06035504610c074e545245452d31",
        "2.5.4.97=#0c074e545245452d31",
    );
    check_text(
        "303b310b300906035504061302464931183009060355040313026162300b060355040a0c04536f6e613112301006092a864886f70d0109011603614062",
        "1.2.840.113549.1.9.1=#1603614062,CN=ab+O=Sona,C=FI",
    );
    check_text(
        "302a31123010060a0992268993f22c6401191602617a31143012060a0992268993f22c6401010c04c68f6c69",
        "UID=Əli,DC=az",
    );
    check_text("300f310d300b06035504031e0400410062", "CN=\\00A\\00b");
    check_text("300d310b3009060355040312023132", "CN=#12023132");
    check_text("300e310c300a06035504031403e974e9", "CN=�t�");
    check_text("300e310c300a06035504030c03610062", "CN=a\\00b");
}

#[test]
fn names_are_equal_without_regard_to_case_blanks_string_type_and_direction() {
    let one = name(&[
        (attribute::COUNTRY, "FI"),
        (attribute::COMMON_NAME, "Test  CA"),
    ]);
    let other = name(&[
        (attribute::COMMON_NAME, " test ca "),
        (attribute::COUNTRY, "fi"),
    ]);
    assert_eq!(one, other);
    assert_eq!(HashSet::from([one.clone(), other]).len(), 1);

    let three = [("2.5.4.6", "FI"), ("2.5.4.10", "A"), ("2.5.4.3", "B")];
    let swapped = [("2.5.4.6", "FI"), ("2.5.4.3", "B"), ("2.5.4.10", "A")];
    assert_ne!(name(&three), name(&swapped));
    assert_ne!(
        one,
        name(&[
            (attribute::COUNTRY, "FI"),
            (attribute::COMMON_NAME, "TestCA")
        ])
    );
    assert_ne!(one, name(&[(attribute::COUNTRY, "FI")]));
    assert_ne!(name(&[("2.5.4.3", "a")]), name(&[("2.5.4.10", "a")]));
}

#[test]
fn writes_country_and_serial_number_printable_and_the_rest_utf8() {
    let subject = name(&[("2.5.4.6", "AZ"), ("2.5.4.5", "1/2"), ("2.5.4.3", "Ə")]);
    assert_eq!(
        hex::encode(subject.der()),
        "3028310b300906035504061302415a310c300a06035504051303312f32310b300906035504030c02c68f"
    );
    assert_eq!(subject.rfc2253(), "CN=Ə,2.5.4.5=#1303312f32,C=AZ");
}

#[test]
fn the_last_of_several_values_comes_first() {
    let subject = name(&[("2.5.4.11", "one"), ("2.5.4.3", "x"), ("2.5.4.11", "two")]);
    assert_eq!(
        subject.values(attribute::ORGANIZATIONAL_UNIT),
        ["two", "one"]
    );
    assert_eq!(subject.values("2.5.4.6"), Vec::<String>::new());
    assert_eq!(subject.values("no identifier"), Vec::<String>::new());
}

#[test]
fn refuses_what_cannot_be_written() {
    for (oid, value) in [
        ("2.5.4.6", "Ə"),
        ("x", "y"),
        ("2.5.4.3", ""),
        ("0.9.2342.19200300.100.1.25", "ə"),
    ] {
        assert!(
            Name::from_attributes(&[(oid, value)]).is_err(),
            "{oid} {value}"
        );
    }
    assert!(Name::from_attributes(&[("2.5.4.3", &"x".repeat(1025))]).is_err());
}

#[test]
fn refuses_what_is_not_exactly_one_name() {
    for der in [
        "",
        "3001",
        "300000",
        "30023100",
        "300d310b300906035504061302415a00",
    ] {
        assert!(Name::from_der(&hex::decode(der).unwrap()).is_err(), "{der}");
    }
}

proptest! {
    #[test]
    fn values_come_back_as_they_were_given(values in proptest::collection::vec("[^\0]{1,20}", 1..5)) {
        let attributes: Vec<_> =
            values.iter().map(|value| (attribute::COMMON_NAME, value.as_str())).collect();
        let made = name(&attributes);
        let read = Name::from_der(made.der()).unwrap();
        let mut back = read.values(attribute::COMMON_NAME);
        back.reverse();
        prop_assert_eq!(back, values);
        prop_assert_eq!(read, made);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(noise in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Name::from_der(&noise);
    }
}
