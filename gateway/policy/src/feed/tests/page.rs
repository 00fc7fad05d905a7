//! Pages: what is made is read, and nothing else.

use gateway_tlog::note::{Error as NoteError, Note};
use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_form(bytes: &[u8]) {
    let error = read(bytes).unwrap_err();
    assert!(matches!(error, Error::Form), "{error:?}");
}

/// A page of which only the signature is as it should be.
fn signed(text: &str, behind: &str) -> Vec<u8> {
    let mut page = Note::sign(text, &[&signer()]).unwrap().to_bytes();
    page.extend_from_slice(behind.as_bytes());
    page
}

#[test]
fn a_page_is_the_note_and_the_lines_behind_it() {
    let registry = Registry::of([revoked(1)]);
    let page = String::from_utf8(registry.page(0, 1, now())).unwrap();
    let lines: Vec<&str> = page.lines().collect();
    assert_eq!(lines[..3], ["karvan-feed/1", "AZ", "1"]);
    assert_eq!(lines[4..7], ["2026-11-22T12:00:00Z", "complete", ""]);
    assert!(lines[7].starts_with("— AZ-feed "));
    let expected = "{\"event\":{\"consent\":\"00000000-0000-0000-0000-000000000001\",\
                    \"ends\":1795352400,\"kind\":\"revoked\"},\"number\":1}";
    assert_eq!(lines[8..], [expected]);
    assert!(page.ends_with("}\n"));
}

#[test]
fn refuses_a_head_that_another_key_signed_or_nobody() {
    let page = Registry::of([revoked(1)]).page(0, 1, now());
    let stranger = Ed25519Key::from_seed(&[6; 32]).unwrap().public_key();
    let other = Verifier::new(Kind::Ed25519, "AZ-feed", stranger).unwrap();
    let error = Page::verify(&page, &other, "AZ", now()).unwrap_err();
    assert!(matches!(error, Error::Note(NoteError::Unsigned)));
    let renamed = Verifier::new(Kind::Ed25519, "EE-feed", key().public_key()).unwrap();
    let error = Page::verify(&page, &renamed, "AZ", now()).unwrap_err();
    assert!(matches!(error, Error::Note(NoteError::Unsigned)));
    let witness = Verifier::new(Kind::Cosignature, "AZ-feed", key().public_key()).unwrap();
    let error = Page::verify(&page, &witness, "AZ", now()).unwrap_err();
    assert!(matches!(error, Error::Note(NoteError::WrongKind { .. })));
}

#[test]
fn refuses_every_changed_octet_of_the_head_and_takes_no_changed_line() {
    let registry = Registry::of([revoked(1), paused(2)]);
    let page = registry.page(0, 2, now());
    for at in 0..page.len() {
        let mut changed = page.clone();
        changed[at] ^= 1;
        let taken = read(&changed).and_then(|page| State::new().apply(&page));
        assert!(taken.is_err(), "{at}");
    }
    for end in 0..page.len() {
        let taken = read(&page[..end]).and_then(|page| State::new().apply(&page));
        assert!(taken.is_err(), "{end}");
    }
}

#[test]
fn refuses_two_signatures_and_lines_among_the_signatures() {
    let registry = Registry::of([revoked(1)]);
    let page = String::from_utf8(registry.page(0, 1, now())).unwrap();
    let (head, line) = page.split_at(page.find('{').unwrap());
    let signature = head.lines().next_back().unwrap();
    check_form(format!("{head}{signature}\n{line}").as_bytes());
    check_form(format!("{head}\n{line}").as_bytes());
    let other = Ed25519Key::from_seed(&[6; 32]).unwrap();
    let other = Signer::new(Kind::Ed25519, "other", other).unwrap();
    let (text, _) = head.split_once("\n\n").unwrap();
    let both = Note::sign(&format!("{text}\n"), &[&signer(), &other]).unwrap();
    let both = String::from_utf8(both.to_bytes()).unwrap();
    check_form(format!("{both}{line}").as_bytes());
}

#[test]
fn refuses_another_instance() {
    let page = Registry::of([revoked(1)]).page(0, 1, now());
    let error = Page::verify(&page, &key(), "EE", now()).unwrap_err();
    assert!(matches!(error, Error::Instance));
}

#[test]
fn refuses_a_page_from_the_future_but_not_a_clock_a_little_ahead() {
    let registry = Registry::of([revoked(1)]);
    assert!(read(&registry.page(0, 1, later(60))).is_ok());
    let error = read(&registry.page(0, 1, later(61))).unwrap_err();
    assert!(matches!(error, Error::Future { signed_at } if signed_at == later(61)));
    // However old: how old it may be is decided where it is used.
    assert!(read(&registry.page(0, 1, later(-1_000_000))).is_ok());
}

#[test]
fn refuses_a_head_that_is_written_otherwise() {
    let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let good = format!("karvan-feed/1\nAZ\n0\n{hash}\n2026-11-22T12:00:00Z\ncomplete\n");
    assert!(read(&signed(&good, "")).is_ok());
    for (from, to) in [
        ("karvan-feed/1", "karvan-feed/2"),
        ("\n0\n", "\n00\n"),
        ("\n0\n", "\n+0\n"),
        ("\n0\n", "\n-1\n"),
        ("\n0\n", "\n18446744073709551616\n"),
        ("\n0\n", "\n\n"),
        (hash, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV="),
        (hash, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF=="),
        (hash, hash.trim_end_matches('=')),
        ("12:00:00Z", "12:00:00.5Z"),
        ("12:00:00Z", "12:00:00z"),
        ("12:00:00Z", "12:00:00+00:00"),
        ("T12", " 12"),
        ("complete\n", "Complete\n"),
        ("complete\n", "complete\nmore\n"),
        ("complete\n", "\n"),
        ("\nAZ\n", "\nAZ\nAZ\n"),
        ("\nAZ\n", "\n"),
        ("complete\n", "complete\n\n"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        // With more or fewer lines it is no note where one is looked for.
        let error = read(&signed(&bad, "")).unwrap_err();
        assert!(
            matches!(error, Error::Form | Error::Note(NoteError::Unseparated)),
            "{bad} {error:?}"
        );
    }
}

#[test]
fn refuses_lines_that_are_written_otherwise() {
    let registry = Registry::of([revoked(1)]);
    let hash = STANDARD_HASH;
    let head = format!("karvan-feed/1\nAZ\n1\n{hash}\n2026-11-22T12:00:00Z\ncomplete\n");
    let good = String::from_utf8(registry.lines[0].clone()).unwrap();
    assert!(read(&signed(&head, &format!("{good}\n"))).is_ok());
    let uuid = id(1).to_string();
    for bad in [
        good.clone(),
        format!("{good}\r\n"),
        format!("{good}\n\n"),
        format!("\n{good}\n"),
        format!(" {good}\n"),
        format!("{good} \n"),
        format!("{good}\n{good}\n"),
        good.replace("\"number\":1", "\"number\":2") + "\n",
        good.replace("\"number\":1", "\"number\":1.0") + "\n",
        good.replace("\"number\":1", "\"number\":1,\"number\":1") + "\n",
        good.replace("\"number\":1", "\"number\":1,\"x\":1") + "\n",
        good.replace("\"kind\"", "\"more\":1,\"kind\"") + "\n",
        good.replace("revoked", "forgotten") + "\n",
        good.replace("revoked", "r\\u0065voked") + "\n",
        good.replace(&uuid, &uuid.replace('-', "")) + "\n",
        good.replace(&uuid, &format!("{{{uuid}}}")) + "\n",
        "{}\n".to_owned(),
        "null\n".to_owned(),
        "\u{feff}\n".to_owned(),
        format!("[{}]\n", "[".repeat(4000)),
    ] {
        assert_ne!(bad, format!("{good}\n"));
        check_form(&signed(&head, &bad));
    }
    check_form(&signed(
        &head.replace("\n1\n", "\n2\n"),
        &format!("{good}\n"),
    ));
    // An entry with the number 0 has none before it.
    let zero = line(&Entry {
        number: 0,
        event: revoked(1),
    })
    .unwrap();
    let zero = String::from_utf8(zero).unwrap();
    check_form(&signed(
        &head.replace("\n1\n", "\n0\n"),
        &format!("{zero}\n"),
    ));
}

#[test]
fn entries_of_cases_are_bounded() {
    let case = |case: &str, salt: &str, persons: usize| {
        let event = Event::CaseOpened {
            case: case.to_owned(),
            salt: salt.to_owned(),
            persons: vec![u16::MAX; persons],
            ends: i64::MAX >> 11,
        };
        line(&Entry { number: 1, event })
    };
    let (digest, salt) = ("ab".repeat(32), "cd".repeat(16));
    assert!(case(&digest, &salt, CASE_PERSONS_MAX).unwrap().len() <= LINE_BYTES_MAX);
    assert!(case(&digest, &"cd".repeat(32), 0).is_ok());
    for (digest, salt, persons) in [
        (&*digest, &*salt, CASE_PERSONS_MAX + 1),
        (&"ab".repeat(31), &salt, 1),
        (&"AB".repeat(32), &salt, 1),
        (&"zz".repeat(32), &salt, 1),
        (&digest, &"cd".repeat(15), 1),
        (&digest, &"cd".repeat(33), 1),
        (&digest, &"CD".repeat(16), 1),
        (&digest, "", 1),
    ] {
        assert!(matches!(case(digest, salt, persons), Err(Error::Form)));
    }
    let closed = Event::CaseClosed {
        case: "ab".to_owned(),
    };
    assert!(
        line(&Entry {
            number: 1,
            event: closed
        })
        .is_err()
    );
    let far = Event::Paused {
        consent: id(1),
        ends: i64::MAX,
    };
    assert!(
        line(&Entry {
            number: 1,
            event: far
        })
        .is_err()
    );
}

#[test]
fn makes_no_page_that_would_not_be_read() {
    let registry = Registry::of([revoked(1)]);
    let make = |instance: &str, number: u64, lines: &[Vec<u8>]| {
        make_page(instance, number, &[0; 32], true, lines, &signer(), now())
    };
    assert!(make("AZ", 1, &registry.lines).is_ok());
    assert!(matches!(
        make("AZ\n1", 1, &registry.lines),
        Err(Error::Form)
    ));
    assert!(matches!(make("", 1, &registry.lines), Err(Error::Form)));
    assert!(matches!(make("AZ", 2, &registry.lines), Err(Error::Form)));
    assert!(matches!(make("AZ", 0, &registry.lines), Err(Error::Form)));
    assert!(matches!(make("AZ", 1, &[b"{}".to_vec()]), Err(Error::Form)));
    assert!(matches!(make("AZ", 1, &[Vec::new()]), Err(Error::Form)));
    let two = [registry.lines[0].clone(), b"\n".to_vec()].concat();
    assert!(matches!(make("AZ", 1, &[two]), Err(Error::Form)));
}

#[test]
fn pages_are_bounded() {
    let count = PAGE_ENTRIES_MAX + 1;
    let registry = Registry::of((1..=u64::try_from(count).unwrap()).map(revoked));
    assert_eq!(lines_that_fit(&registry.lines), PAGE_ENTRIES_MAX);
    let number = u64::try_from(count).unwrap();
    let hash = registry.hash(count);
    let made = make_page("AZ", number, &hash, true, &registry.lines, &signer(), now());
    assert!(matches!(made, Err(Error::Form)));
    let full = registry.page(0, PAGE_ENTRIES_MAX, now());
    assert_eq!(read(&full).unwrap().entries().len(), PAGE_ENTRIES_MAX);
    let head =
        format!("karvan-feed/1\nAZ\n{number}\n{STANDARD_HASH}\n2026-11-22T12:00:00Z\ncomplete\n");
    let lines = registry
        .lines
        .iter()
        .map(|line| std::str::from_utf8(line).unwrap());
    let all: String = lines.map(|line| format!("{line}\n")).collect();
    check_form(&signed(&head, &all));
    check_form(&vec![b'x'; PAGE_BYTES_MAX + 1]);
    let long = vec![vec![b'x'; PAGE_BYTES_MAX / 2]; 3];
    assert_eq!(lines_that_fit(&long), 1);
}

fn any_event() -> impl Strategy<Value = Event> {
    let ends = || 0_i64..1 << 52;
    let consent = || any::<u128>().prop_map(Uuid::from_u128);
    let digest = || any::<[u8; 32]>().prop_map(hex::encode);
    prop_oneof![
        (consent(), ends()).prop_map(|(consent, ends)| Event::Paused { consent, ends }),
        consent().prop_map(|consent| Event::Resumed { consent }),
        (consent(), ends()).prop_map(|(consent, ends)| Event::Revoked { consent, ends }),
        digest().prop_map(|case| Event::CaseClosed { case }),
        (
            digest(),
            any::<[u8; 16]>().prop_map(hex::encode),
            proptest::collection::vec(any::<u16>(), 0..8),
            ends()
        )
            .prop_map(|(case, salt, persons, ends)| Event::CaseOpened {
                case,
                salt,
                persons,
                ends
            }),
    ]
}

proptest! {
    #[test]
    fn what_is_made_is_read(
        events in proptest::collection::vec(any_event(), 0..12), cut in any::<prop::sample::Index>(),
    ) {
        let registry = Registry::of(events.clone());
        let cut = cut.index(events.len().saturating_add(1));
        let mut state = State::new();
        let mut read_back = Vec::new();
        for (after, until) in [(0, cut), (cut, events.len())] {
            let page = read(&registry.page(after, until, now())).unwrap();
            prop_assert_eq!(page.signed_at(), now());
            prop_assert_eq!(page.is_complete(), until == events.len());
            let lines: Vec<_> = page.entries().iter().map(|(_, line)| line.clone()).collect();
            prop_assert_eq!(&lines[..], &registry.lines[after..until]);
            read_back.extend(page.entries().iter().map(|(entry, _)| entry.event.clone()));
            state.apply(&page).unwrap();
        }
        prop_assert_eq!(read_back, events);
        prop_assert_eq!(state.hash(), &registry.hash(registry.lines.len()));
    }

    #[test]
    fn reading_anything_ends(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes).is_err());
    }
}

const STANDARD_HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
