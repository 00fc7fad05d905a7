mod page;
mod state;

use certs_keys::Ed25519Key;
use gateway_tlog::note::{Kind, Signer, Verifier};

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
    assert_eq!(case_digest(&client(), " 7\n"), case_digest(&client(), "7"));
}
