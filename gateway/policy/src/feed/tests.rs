use certs_keys::Ed25519Key;
use gateway_tlog::note::{Error as NoteError, Kind, Note, Signer, Verifier};
use proptest::prelude::*;

use super::*;
use crate::person::KeyKind;

fn signer() -> Signer {
    let key = Ed25519Key::from_seed(&[5; 32]).unwrap();
    Signer::new(Kind::Ed25519, "AZ-feed", key).unwrap()
}

fn key() -> Verifier {
    signer().verifier().clone()
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second().checked_add(seconds).unwrap()).unwrap()
}

fn id(number: u64) -> Uuid {
    Uuid::from_u128(number.into())
}

fn paused(number: u64) -> Event {
    Event::Paused {
        consent: id(number),
        ends: later(3600).as_second(),
    }
}

fn revoked(number: u64) -> Event {
    Event::Revoked {
        consent: id(number),
        ends: later(3600).as_second(),
    }
}

fn client() -> ClientId {
    ClientId::from_rest("AZ/GOV/0000000261/vemtas").unwrap()
}

fn person(value: &str) -> PersonKey {
    PersonKey::from_canonical(KeyKind::Fin, value.to_owned()).unwrap()
}

fn opened(case: &str, persons: &[&str], ends: Timestamp) -> Event {
    let salt = [3; 16];
    Event::CaseOpened {
        case: hex::encode(case_digest(&client(), case)),
        salt: hex::encode(salt),
        persons: persons
            .iter()
            .map(|value| person_mark(&salt, &person(value)))
            .collect(),
        ends: ends.as_second(),
    }
}

/// The registry's side: all lines, and pages of them.
#[derive(Default)]
struct Registry {
    lines: Vec<Vec<u8>>,
    /// Behind each line.
    hashes: Vec<[u8; 32]>,
}

impl Registry {
    fn of(events: impl IntoIterator<Item = Event>) -> Self {
        let mut registry = Self::default();
        events.into_iter().for_each(|event| registry.add(event));
        registry
    }

    fn add(&mut self, event: Event) {
        let number = u64::try_from(self.lines.len()).unwrap();
        let number = number.checked_add(1).unwrap();
        let line = line(&Entry { number, event }).unwrap();
        self.hashes
            .push(chain_next(&self.hash(self.lines.len()), &line));
        self.lines.push(line);
    }

    /// Behind so many lines.
    fn hash(&self, count: usize) -> [u8; 32] {
        let last = count.checked_sub(1).map(|last| self.hashes[last]);
        last.unwrap_or(chain_start())
    }

    fn page(&self, after: usize, until: usize, signed_at: Timestamp) -> Vec<u8> {
        let number = u64::try_from(until).unwrap();
        let complete = until == self.lines.len();
        let lines = &self.lines[after..until];
        let hash = self.hash(until);
        make_page("AZ", number, &hash, complete, lines, &signer(), signed_at).unwrap()
    }

    fn all(&self) -> State {
        let mut state = State::new();
        let page = self.page(0, self.lines.len(), now());
        state.apply(&read(&page).unwrap()).unwrap();
        state
    }
}

fn read(bytes: &[u8]) -> Result<Page, Error> {
    Page::verify(bytes, &key(), "AZ", now())
}

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
fn hashes_are_those_the_module_says() {
    let sha256 = |bytes: &[u8]| digest_bytes(&Digest::of(DigestAlgorithm::Sha256, bytes));
    assert_eq!(
        hex::encode(chain_start()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    let expected = sha256(&[&[1][..], &chain_start(), b"line"].concat());
    assert_eq!(chain_next(&chain_start(), b"line"), expected);
    let name = b"AZ/GOV/0000000261/vemtas";
    let expected = sha256(
        &[
            &[0, 0, 0, 0, 0, 0, 0, 24][..],
            name,
            &[0, 0, 0, 0, 0, 0, 0, 1],
            b"7",
        ]
        .concat(),
    );
    assert_eq!(case_digest(&client(), "7"), expected);
    let mac = hmac_sha256(b"salt", b"\0\0\0\0\0\0\0\x03fin0TEST01");
    let expected = u16::from_be_bytes([mac[0], mac[1]]);
    assert_eq!(person_mark(b"salt", &person("0TEST01")), expected);
}

#[test]
fn a_case_of_another_client_or_number_has_another_name() {
    let other = ClientId::from_rest("AZ/GOV/0000000261").unwrap();
    assert_ne!(case_digest(&client(), "7"), case_digest(&other, "7"));
    assert_ne!(case_digest(&client(), "7"), case_digest(&client(), "71"));
    assert_ne!(case_digest(&client(), "7"), case_digest(&client(), ""));
}

#[test]
fn what_is_published_is_held() {
    let registry = Registry::of([
        revoked(1),
        paused(2),
        paused(3),
        Event::Resumed { consent: id(3) },
    ]);
    let state = registry.all();
    assert_eq!(state.number(), 4);
    assert_eq!(state.hash(), &registry.hash(4));
    assert_eq!(state.as_of(), Some(now()));
    assert_eq!(state.consent(id(1)), Standing::Revoked);
    assert_eq!(state.consent(id(2)), Standing::Paused);
    assert_eq!(state.consent(id(3)), Standing::Holds);
    assert_eq!(state.consent(id(4)), Standing::Holds);
    assert_eq!(state.held(), (2, 0));
}

#[test]
fn what_was_revoked_stays_revoked() {
    let resumed = Event::Resumed { consent: id(1) };
    let state = Registry::of([revoked(1), paused(1), resumed.clone(), resumed]).all();
    assert_eq!(state.consent(id(1)), Standing::Revoked);
    let state = Registry::of([paused(1), revoked(1)]).all();
    assert_eq!(state.consent(id(1)), Standing::Revoked);
}

#[test]
fn the_time_counts_only_once_all_is_known() {
    let registry = Registry::of([revoked(1), revoked(2), revoked(3)]);
    let mut state = State::new();
    let first = read(&registry.page(0, 2, now())).unwrap();
    assert!(!first.is_complete());
    state.apply(&first).unwrap();
    assert_eq!(state.as_of(), None);
    assert_eq!(state.consent(id(2)), Standing::Revoked);
    let second = read(&registry.page(2, 3, now())).unwrap();
    assert!(second.is_complete());
    state.apply(&second).unwrap();
    assert_eq!(state.as_of(), Some(now()));
}

#[test]
fn an_empty_page_says_that_nothing_is_new_and_when() {
    let registry = Registry::of([revoked(1)]);
    let mut state = registry.all();
    let page = Page::verify(&registry.page(1, 1, later(25)), &key(), "AZ", later(25)).unwrap();
    state.apply(&page).unwrap();
    assert_eq!(state.as_of(), Some(later(25)));
    // An older one given again takes nothing back.
    state
        .apply(&read(&registry.page(1, 1, now())).unwrap())
        .unwrap();
    assert_eq!(state.as_of(), Some(later(25)));
    // Of an empty feed too.
    let empty = Registry::default();
    assert_eq!(empty.all().as_of(), Some(now()));
}

#[test]
fn refuses_a_page_that_does_not_follow_and_changes_nothing() {
    let registry = Registry::of((1..=5).map(revoked));
    let state = {
        let mut state = State::new();
        state
            .apply(&read(&registry.page(0, 3, now())).unwrap())
            .unwrap();
        state
    };
    let mut other = Registry::of([revoked(1), revoked(2), paused(3), revoked(4)]);
    let check = |page: &[u8]| {
        let page = read(page).unwrap();
        let mut after = state.clone();
        assert!(matches!(after.check(&page), Err(Error::Chain)));
        assert!(matches!(after.apply(&page), Err(Error::Chain)));
        assert_eq!(after.number(), 3);
        assert_eq!(after.hash(), state.hash());
        assert_eq!(after.as_of(), None);
        assert_eq!(after.held(), state.held());
    };
    // A gap, what is held already, an earlier end.
    check(&registry.page(4, 5, now()));
    check(&registry.page(5, 5, now()));
    check(&registry.page(0, 5, now()));
    check(&registry.page(2, 3, now()));
    check(&registry.page(2, 2, now()));
    check(&Registry::default().page(0, 0, now()));
    // Another history, though the numbers fit.
    check(&other.page(3, 4, now()));
    check(&other.page(3, 3, now()));
    other.add(revoked(5));
    check(&other.page(3, 5, now()));
    // The right lines under a wrong hash: the registry's key signed it, and it still does not follow.
    let lines = &registry.lines[3..5];
    check(&make_page("AZ", 5, &[0; 32], true, lines, &signer(), now()).unwrap());
    check(&make_page("AZ", 3, &[0; 32], true, &[], &signer(), now()).unwrap());
    assert!(
        state
            .check(&read(&registry.page(3, 5, now())).unwrap())
            .is_ok()
    );
}

#[test]
fn lines_kept_are_taken_again_without_a_page() {
    let registry = Registry::of([revoked(1), paused(2), opened("7", &["0TEST01"], later(60))]);
    let mut state = State::new();
    for line in &registry.lines {
        state.replay_unchecked(line).unwrap();
    }
    let direct = registry.all();
    assert_eq!(
        (state.number(), state.hash()),
        (direct.number(), direct.hash())
    );
    assert_eq!(state.held(), direct.held());
    assert_eq!(state.as_of(), None);
    let replayed = state.replay_unchecked(&registry.lines[2]);
    assert!(matches!(replayed, Err(Error::Chain)));
    assert!(matches!(state.replay_unchecked(b"{}"), Err(Error::Form)));
    assert_eq!(state.number(), 3);
    state
        .apply(&read(&registry.page(3, 3, now())).unwrap())
        .unwrap();
    assert_eq!(state.as_of(), Some(now()));
}

#[test]
fn a_case_is_open_for_its_client_and_its_persons_until_it_ends() {
    let registry = Registry::of([opened("7", &["0TEST01", "0TEST02"], later(60))]);
    let state = registry.all();
    let check = |case: &str, persons: &[&str], now: Timestamp, expected: CaseStanding| {
        let persons: Vec<_> = persons.iter().map(|value| person(value)).collect();
        assert_eq!(state.case(&client(), case, &persons, now), expected);
    };
    check("7", &["0TEST01"], now(), CaseStanding::Open);
    check("7", &["0TEST01", "0TEST02"], now(), CaseStanding::Open);
    check("7", &[], now(), CaseStanding::Open);
    check("7", &["0TEST03"], now(), CaseStanding::OtherPersons);
    check(
        "7",
        &["0TEST01", "0TEST03"],
        now(),
        CaseStanding::OtherPersons,
    );
    check("8", &["0TEST01"], now(), CaseStanding::NotOpen);
    check("7", &["0TEST01"], later(59), CaseStanding::Open);
    check("7", &["0TEST01"], later(60), CaseStanding::NotOpen);
    let other = ClientId::from_rest("AZ/GOV/0000000391/muavinet").unwrap();
    let found = state.case(&other, "7", &[person("0TEST01")], now());
    assert_eq!(found, CaseStanding::NotOpen);
    // The same value of another kind is another key.
    let voen = PersonKey::from_canonical(KeyKind::Document, "0TEST01".to_owned()).unwrap();
    let found = state.case(&client(), "7", &[voen], now());
    assert_eq!(found, CaseStanding::OtherPersons);
}

#[test]
fn a_case_opened_again_is_as_it_is_now_and_closed_it_is_not_open() {
    let mut registry = Registry::of([
        opened("7", &["0TEST01"], later(60)),
        opened("7", &["0TEST02"], later(60)),
    ]);
    let standing = |state: &State, value| state.case(&client(), "7", &[person(value)], now());
    let state = registry.all();
    assert_eq!(standing(&state, "0TEST01"), CaseStanding::OtherPersons);
    assert_eq!(standing(&state, "0TEST02"), CaseStanding::Open);
    let case = hex::encode(case_digest(&client(), "7"));
    registry.add(Event::CaseClosed { case });
    assert_eq!(standing(&registry.all(), "0TEST02"), CaseStanding::NotOpen);
}

#[test]
fn what_has_ended_is_forgotten_after_a_while() {
    let short = Event::Revoked {
        consent: id(1),
        ends: later(10).as_second(),
    };
    let case = opened("7", &["0TEST01"], later(10));
    let mut state = Registry::of([short, revoked(2), case]).all();
    state.forget_ended(later(10));
    assert_eq!(state.held(), (2, 1));
    state.forget_ended(later(3610));
    assert_eq!(state.held(), (1, 0));
    assert_eq!(state.consent(id(2)), Standing::Revoked);
    state.forget_ended(later(7200));
    assert_eq!(state.held(), (0, 0));
    assert_eq!(state.number(), 3);
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

#[test]
fn a_hundred_thousand_revocations_are_held_in_ten_pages() {
    let registry = Registry::of((1..=100_000).map(revoked));
    let mut state = State::new();
    for after in (0..100_000).step_by(PAGE_ENTRIES_MAX) {
        let until = after + PAGE_ENTRIES_MAX;
        let page = registry.page(after, until, now());
        state.apply(&read(&page).unwrap()).unwrap();
    }
    assert_eq!(state.number(), 100_000);
    assert_eq!(state.held(), (100_000, 0));
    assert_eq!(state.consent(id(99_999)), Standing::Revoked);
    assert_eq!(state.as_of(), Some(now()));
    assert!(format!("{state:?}").len() < 200);
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
