//! The shapes read and written here are inverse to each other.
#![allow(clippy::arithmetic_side_effects, reason = "test helpers")]

use der::{Tag, TagNumber};
use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_time(content: &str, expected: Option<&str>) {
    let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
    assert_eq!(
        parse_generalized_time(content.as_bytes()),
        expected,
        "{content}"
    );
}

#[test]
fn reads_generalized_time_with_and_without_fraction() {
    check_time("20241205073414Z", Some("2024-12-05T07:34:14Z"));
    check_time("20241205073414.5Z", Some("2024-12-05T07:34:14.5Z"));
    check_time(
        "20241205073414.123456789Z",
        Some("2024-12-05T07:34:14.123456789Z"),
    );
    check_time("19700101000000Z", Some("1970-01-01T00:00:00Z"));
}

#[test]
fn refuses_generalized_time_that_is_none() {
    for content in [
        "",
        "Z",
        "20241205073414",
        "20241205073414+0100",
        "202412050734Z",
        "20241305073414Z",
        "20240230073414Z",
        "20241205243414Z",
        "20241205073414.Z",
        "20241205073414.1234567890Z",
        "2024120507341+Z",
        "+0241205073414Z",
        "2024120507341\u{661}Z",
    ] {
        check_time(content, None);
    }
}

#[test]
fn reads_two_digit_years_from_1950_to_2049() {
    let read = |text: &str| {
        Reader::new(&encode(Tag::UtcTime, &[text.as_bytes()]))
            .unwrap()
            .time()
    };
    assert_eq!(
        read("491231235959Z").unwrap(),
        "2049-12-31T23:59:59Z".parse().unwrap()
    );
    assert_eq!(
        read("500101000000Z").unwrap(),
        "1950-01-01T00:00:00Z".parse().unwrap()
    );
    assert!(read("5001010000Z").is_err());
    assert!(read("500101000000+0000").is_err());
}

#[test]
fn writes_times_of_other_centuries_in_full() {
    let at: Timestamp = "2050-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(encode_time(at).first(), Some(&0x18));
    assert_eq!(Reader::new(&encode_time(at)).unwrap().time().unwrap(), at);
}

#[track_caller]
fn check_oid(content: &[u8], expected: Option<&str>) {
    let oid = Oid::new(content).ok().map(|oid| oid.to_string());
    assert_eq!(oid.as_deref(), expected, "{content:02x?}");
}

#[test]
fn reads_object_identifiers_of_any_length() {
    check_oid(&[0x2a], Some("1.2"));
    check_oid(&[0x2a, 0x03], Some("1.2.3"));
    check_oid(&[0x27], Some("0.39"));
    check_oid(&[0x88, 0x37, 0x01], Some("2.999.1"));
    check_oid(SHA512.as_bytes(), Some("2.16.840.1.101.3.4.2.3"));
    let uuid: Vec<u8> = [&[0x69, 0x83][..], &[0xff; 17], &[0x7f]].concat();
    check_oid(&uuid, Some("2.25.340282366920938463463374607431768211455"));
    check_oid(&[&[0x2a][..], &[0xff; 19], &[0x7f]].concat(), Some("1.2.*"));
}

#[test]
fn refuses_object_identifiers_that_do_not_end_or_begin_with_zeros() {
    for content in [
        &[][..],
        &[0x2a, 0x80, 0x01],
        &[0x2a, 0x81],
        &[0x80, 0x01],
        &[0x2a; 129],
    ] {
        check_oid(content, None);
    }
}

#[test]
fn refuses_integers_with_superfluous_sign_octets() {
    for content in [&[][..], &[0x00, 0x7f], &[0xff, 0x80]] {
        let der = encode(Tag::Integer, &[content]);
        assert!(
            Reader::new(&der).unwrap().integer().is_err(),
            "{content:02x?}"
        );
    }
    for content in [&[0x00][..], &[0x7f], &[0x00, 0x80], &[0x80], &[0xff, 0x7f]] {
        let der = encode(Tag::Integer, &[content]);
        assert_eq!(Reader::new(&der).unwrap().integer().unwrap(), content);
    }
}

#[test]
fn refuses_negative_and_huge_small_integers() {
    for content in [&[0x80][..], &[0x01, 0, 0, 0, 0, 0, 0, 0, 0]] {
        let der = encode(Tag::Integer, &[content]);
        assert!(Reader::new(&der).unwrap().small().is_err());
    }
}

#[test]
fn refuses_bit_strings_with_unused_bits() {
    assert!(
        Reader::new(&[0x03, 0x02, 0x01, 0xfe])
            .unwrap()
            .bits()
            .is_err()
    );
    assert!(Reader::new(&[0x03, 0x00]).unwrap().bits().is_err());
    assert_eq!(
        Reader::new(&encode_bits(b"ab")).unwrap().bits().unwrap(),
        b"ab"
    );
}

#[test]
fn refuses_an_extension_that_stands_there_twice() {
    let extension = encode_sequence(&[&encode_oid(SHA1), &encode_octets(b"x")]);
    let once = encode_sequence(&[&extension]);
    let twice = encode_sequence(&[&extension, &extension]);
    assert_eq!(
        Extensions::read(&once).unwrap().value(SHA1).as_deref(),
        Some(&b"x"[..])
    );
    assert!(Extensions::read(&twice).is_err());
}

#[test]
fn sees_critical_extensions() {
    let critical = encode(Tag::Boolean, &[&[0xff]]);
    let extension = encode_sequence(&[&encode_oid(SHA1), &critical, &encode_octets(b"x")]);
    let extensions = Extensions::read(&encode_sequence(&[&extension])).unwrap();
    assert!(extensions.has_critical_except(&[SHA256]));
    assert!(!extensions.has_critical_except(&[SHA1]));
}

#[test]
fn sorts_and_merges_the_members_of_a_set() {
    let set = encode_set_of(Tag::Set, vec![vec![5, 0], vec![4, 0], vec![5, 0]]);
    assert_eq!(set, [0x31, 4, 4, 0, 5, 0]);
}

#[test]
fn replaces_indefinite_lengths() {
    // SEQUENCE (indefinite) { [0] (indefinite) { INTEGER 5 } }
    let ber = [0x30, 0x80, 0xa0, 0x80, 0x02, 0x01, 0x05, 0, 0, 0, 0];
    assert_eq!(
        to_der(&ber).unwrap(),
        [0x30, 0x05, 0xa0, 0x03, 0x02, 0x01, 0x05]
    );
}

#[test]
fn joins_octet_strings_in_pieces() {
    // OCTET STRING (constructed, indefinite) { "ab", (constructed) { "c", "" } }
    let ber = [
        0x24, 0x80, 4, 2, b'a', b'b', 0x24, 5, 4, 1, b'c', 4, 0, 0, 0,
    ];
    assert_eq!(to_der(&ber).unwrap(), [4, 3, b'a', b'b', b'c']);
}

#[test]
fn shortens_lengths() {
    assert_eq!(
        to_der(&[0x30, 0x83, 0, 0, 2, 5, 0]).unwrap(),
        [0x30, 2, 5, 0]
    );
}

#[test]
fn refuses_ber_that_does_not_end() {
    for ber in [
        &[][..],
        &[0x30],
        &[0x30, 0x80],
        &[0x30, 0x80, 0, 1],
        &[0x04, 0x80, 0, 0],
        &[0x30, 0x02, 5],
        &[0x30, 0x00, 0x30],
        &[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        &[0x1f, 0x81, 0x00],
        &[0x24, 0x80, 5, 0, 0, 0],
    ] {
        assert!(to_der(ber).is_err(), "{ber:02x?}");
    }
}

#[test]
fn refuses_ber_nested_without_end() {
    assert!(to_der(&[0x30, 0x80].repeat(100_000)).is_err());
}

proptest! {
    #[test]
    fn unsigned_integers_come_back(octets in proptest::collection::vec(any::<u8>(), 0..24)) {
        let der = encode_unsigned(&octets);
        let content = Reader::new(&der).unwrap().integer().unwrap().to_vec();
        let strip = |octets: &[u8]| -> Vec<u8> {
            octets.iter().copied().skip_while(|octet| *octet == 0).collect()
        };
        prop_assert_eq!(strip(&content), strip(&octets));
        prop_assert!(content[0] < 0x80);
    }

    #[test]
    fn small_integers_come_back(value in any::<u64>()) {
        let der = encode_unsigned(&value.to_be_bytes());
        prop_assert_eq!(Reader::new(&der).unwrap().small().unwrap(), value);
    }

    #[test]
    fn times_come_back_in_whole_seconds(second in 0_i64..4_102_444_800) {
        let at = Timestamp::from_second(second).unwrap();
        let der = encode_generalized_time(at);
        prop_assert_eq!(Reader::new(&der).unwrap().generalized_time().unwrap(), at);
        prop_assert_eq!(Reader::new(&encode_time(at)).unwrap().time().unwrap(), at);
    }

    #[test]
    fn elements_come_back(content in proptest::collection::vec(any::<u8>(), 0..70_000)) {
        let tag = context_primitive(TagNumber::N3);
        let der = encode(tag, &[&content]);
        let mut reader = Reader::new(&der).unwrap();
        let element = reader.element().unwrap();
        prop_assert_eq!(element.tag, tag);
        prop_assert_eq!(element.content, &content[..]);
        prop_assert_eq!(element.whole, &der[..]);
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn der_is_left_as_it_is(parts in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..200), 0..8,
    )) {
        let members: Vec<Vec<u8>> = parts.iter().map(|part| encode_octets(part)).collect();
        let members: Vec<&[u8]> = members.iter().map(Vec::as_slice).collect();
        let der = encode_sequence(&[&encode(context(TagNumber::N0), &members), NULL]);
        prop_assert_eq!(to_der(&der).unwrap(), der);
    }

    #[test]
    fn arbitrary_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(der) = to_der(&octets) {
            prop_assert_eq!(to_der(&der).unwrap(), der);
        }
    }
}
