//! Keys of the hashes, and what is made with them.

use std::fmt;

use certs_keys::SecretKey;
use gateway_policy::basis::QuotaOf;
use gateway_policy::person::{KeyKind, PersonKey};
use gateway_proto::id::ClientId;

use crate::Error;

/// Keys of the hashes: new entries are made with the current one, look-ups try all.
#[derive(Clone)]
pub struct Keys {
    /// Number and key; the last is the current one. Never empty.
    keys: Vec<(u32, SecretKey)>,
}

/// A person under a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonMark {
    /// Which of the keys.
    pub key: u32,
    /// The first 16 octets of HMAC-SHA-256 over kind and value.
    pub mark: [u8; 16],
}

/// What a quota counts, under a keyed hash.
pub(crate) type Tail = [u8; TAIL_BYTES];

/// A use as records carry it.
///
/// ```text
/// 0       class of the time it counts: 0 for ever, n for up to 2^(n-1) seconds
/// 1       the lowest octet of the key's number
/// 2..16   the first 14 octets of HMAC-SHA-256 over what is counted
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UseMark {
    pub(crate) class: u8,
    pub(crate) key: u8,
    pub(crate) tail: Tail,
}

impl Keys {
    /// A set of keys; the last is the current one.
    ///
    /// # Errors
    /// When there is none, or a number stands twice.
    pub fn new(keys: Vec<(u32, SecretKey)>) -> Result<Self, Error> {
        let mut numbers: Vec<u32> = keys.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        match keys.is_empty() || numbers.len() != keys.len() {
            true => Err(Error::Keys),
            false => Ok(Self { keys }),
        }
    }

    /// Numbers and keys; the last is the current one.
    #[must_use]
    pub fn all(&self) -> &[(u32, SecretKey)] {
        &self.keys
    }

    fn current(&self) -> &(u32, SecretKey) {
        #[expect(clippy::expect_used, reason = "a set without keys is never made")]
        self.keys.last().expect("there is a key")
    }

    /// A person under the current key.
    pub(crate) fn mark(&self, person: &PersonKey) -> PersonMark {
        let (number, key) = self.current();
        PersonMark {
            key: *number,
            mark: first(&key.hmac_sha256(&said_of_person(person))),
        }
    }

    /// A person under every key.
    pub(crate) fn marks(&self, person: &PersonKey) -> Vec<PersonMark> {
        let said = said_of_person(person);
        let marked = self.keys.iter().map(|(number, key)| PersonMark {
            key: *number,
            mark: first(&key.hmac_sha256(&said)),
        });
        marked.collect()
    }

    /// What a quota counts, under every key; the last is under the current one.
    pub(crate) fn tails(&self, of: &QuotaOf) -> Vec<Tail> {
        let said = said_of_quota(of);
        let tails = self.keys.iter();
        tails
            .map(|(_, key)| first(&key.hmac_sha256(&said)))
            .collect()
    }

    /// The lowest octet of the current key's number.
    pub(crate) fn current_octet(&self) -> u8 {
        octet_of(self.current().0)
    }
}

impl UseMark {
    /// The class of a use that counts so many seconds.
    pub(crate) fn class_of(seconds: Option<u64>) -> u8 {
        match seconds {
            None => FOR_EVER,
            Some(seconds) => {
                let bits = u64::BITS.saturating_sub(seconds.saturating_sub(1).leading_zeros());
                u8::try_from(bits).unwrap_or(u8::MAX).saturating_add(1)
            }
        }
    }

    /// Which of two classes counts longer.
    pub(crate) fn longer(one: u8, other: u8) -> u8 {
        match one == FOR_EVER || other == FOR_EVER {
            true => FOR_EVER,
            false => one.max(other),
        }
    }

    /// How long a use counts at most. Seconds; `None`: for ever.
    pub(crate) fn seconds_max(self) -> Option<i64> {
        let bits = u32::from(self.class).checked_sub(1)?;
        1_i64.checked_shl(bits).filter(|seconds| *seconds > 0)
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let parts = [self.class, self.key].into_iter().chain(self.tail);
        bytes
            .iter_mut()
            .zip(parts)
            .for_each(|(to, from)| *to = from);
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        let [class, key, tail @ ..] = bytes;
        Self { class, key, tail }
    }
}

/// The lowest octet of a key's number.
pub(crate) fn octet_of(number: u32) -> u8 {
    let [.., octet] = number.to_be_bytes();
    octet
}

/// The first octets of a hash.
fn first<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    let mut octets = [0; N];
    octets
        .iter_mut()
        .zip(hash)
        .for_each(|(to, from)| *to = *from);
    octets
}

fn said_of_person(person: &PersonKey) -> Vec<u8> {
    let mut said = PERSON.to_vec();
    said_person(person, &mut said);
    said
}

fn said_of_quota(of: &QuotaOf) -> Vec<u8> {
    let mut said = QUOTA.to_vec();
    match of {
        QuotaOf::Consent(id) => {
            said.push(1);
            said.extend(id.as_bytes());
        }
        QuotaOf::Person {
            rule,
            client,
            person,
            case,
        } => {
            said.push(2);
            text(rule, &mut said);
            said_client(client, &mut said);
            said_person(person, &mut said);
            optional(case.as_deref(), &mut said);
        }
    }
    said
}

fn said_person(person: &PersonKey, said: &mut Vec<u8>) {
    said.push(match person.kind() {
        KeyKind::Fin => 1,
        KeyKind::Voen => 2,
        KeyKind::IdentityCard => 3,
        KeyKind::DrivingLicence => 4,
        KeyKind::BirthCertificate => 5,
        KeyKind::Diploma => 6,
        KeyKind::Protocol => 7,
        KeyKind::Document => 8,
    });
    text(person.reveal(), said);
}

fn said_client(client: &ClientId, said: &mut Vec<u8>) {
    let member = client.member();
    text(member.instance(), said);
    text(member.member_class(), said);
    text(member.member_code(), said);
    optional(client.subsystem(), said);
}

fn optional(part: Option<&str>, said: &mut Vec<u8>) {
    said.push(u8::from(part.is_some()));
    text(part.unwrap_or_default(), said);
}

/// With its length before it, so that no two lists of texts are said alike.
fn text(part: &str, said: &mut Vec<u8>) {
    said.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
    said.extend(part.as_bytes());
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.keys.iter().map(|(number, _)| number);
        f.write_str("Keys ")?;
        f.debug_list().entries(numbers).finish()
    }
}

/// What tells the hashes of this crate from other uses of a key, and from each other.
const PERSON: &[u8] = b"karvan journal 1 person\0";
const QUOTA: &[u8] = b"karvan journal 1 quota\0";
/// The class of uses that count for ever.
const FOR_EVER: u8 = 0;
const TAIL_BYTES: usize = 14;

#[cfg(test)]
mod tests;
