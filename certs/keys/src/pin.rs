//! The PIN that seals a software token, and the keys it makes.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ring::pbkdf2;
use zeroize::Zeroizing;

use crate::random_bytes;

/// A token PIN: wiped from memory when dropped, never printed.
///
/// What it makes of a salt is slow on purpose, so it is kept until the PIN and all its clones are
/// dropped. Keys sealed with one PIN get one salt: to seal or to open all of them takes as long as one.
#[derive(Clone)]
pub struct Pin {
    text: Zeroizing<String>,
    made: Arc<Mutex<Made>>,
}

/// What was derived from the PIN.
#[derive(Default)]
struct Made {
    /// Of the keys that are sealed with it.
    salt: Option<[u8; SALT_BYTES]>,
    /// Room for all is made at once: growing, or moving them up, would leave copies that nobody wipes.
    keys: Vec<Derived>,
    /// Which one the next replaces, once there is no room.
    oldest: usize,
}

struct Derived {
    salt: Vec<u8>,
    iterations: NonZeroU32,
    key: Zeroizing<[u8; 32]>,
}

impl Made {
    fn keep(&mut self, derived: Derived) {
        if self.keys.is_empty() {
            self.keys.reserve_exact(KEYS_MAX);
        }
        if self.keys.len() < KEYS_MAX {
            return self.keys.push(derived);
        }
        if let Some(oldest) = self.keys.get_mut(self.oldest) {
            // What stood there is wiped where it stands.
            *oldest = derived;
        }
        self.oldest = self.oldest.saturating_add(1) % KEYS_MAX;
    }
}

impl Pin {
    /// Takes over the text of a PIN.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self {
            text: Zeroizing::new(text),
            made: Arc::default(),
        }
    }

    /// The PIN as other key derivations take it.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The salt of keys that are sealed with this PIN.
    pub(crate) fn salt(&self) -> [u8; SALT_BYTES] {
        *self.made().salt.get_or_insert_with(random_bytes)
    }

    /// What PBKDF2-HMAC-SHA-256 (RFC 8018) makes of the PIN and a salt.
    pub(crate) fn key(&self, salt: &[u8], iterations: NonZeroU32) -> Zeroizing<[u8; 32]> {
        // Held meanwhile: who wants the same key waits for it, and does not derive it again.
        let mut made = self.made();
        let held = made
            .keys
            .iter()
            .find(|one| one.salt == salt && one.iterations == iterations);
        if let Some(held) = held {
            return held.key.clone();
        }
        let mut key = Zeroizing::new([0; 32]);
        let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
        pbkdf2::derive(algorithm, iterations, salt, self.as_bytes(), &mut *key);
        made.keep(Derived {
            salt: salt.to_owned(),
            iterations,
            key: key.clone(),
        });
        key
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin")
    }
}

const SALT_BYTES: usize = 16;
/// Keys that others sealed have a salt each.
const KEYS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ed25519Key, KeyKind, SoftKey};

    #[test]
    fn all_keys_under_a_pin_are_sealed_and_opened_with_one_derivation() {
        let pin = Pin::new("1234".to_owned());
        let soft = SoftKey::generate(KeyKind::P256).unwrap();
        let other = Ed25519Key::generate().unwrap();
        let sealed = [
            soft.to_encrypted_pem(&pin).unwrap(),
            other.to_encrypted_pem(&pin.clone()).unwrap(),
        ];
        assert_eq!(pin.made().keys.len(), 1);
        // Whoever reads the PIN again derives anew, and once.
        let again = Pin::new("1234".to_owned());
        SoftKey::from_encrypted_pem(&sealed[0], &again).unwrap();
        Ed25519Key::from_encrypted_pem(&sealed[1], &again).unwrap();
        assert_eq!(again.made().keys.len(), 1);
        // A salt that came with a file is not taken for keys of one's own.
        assert_ne!(again.salt(), pin.salt());
    }

    #[test]
    fn keeps_what_it_derived_apart_and_not_without_bound() {
        let pin = Pin::new("1234".to_owned());
        let (once, twice) = (NonZeroU32::MIN, NonZeroU32::MIN.saturating_add(1));
        let first = pin.key(b"salt", once);
        assert_eq!(*pin.key(b"salt", once), *first);
        assert_ne!(*pin.key(b"salt", twice), *first);
        assert_ne!(*pin.key(b"tlas", once), *first);
        assert_ne!(*Pin::new("4321".to_owned()).key(b"salt", once), *first);
        let place = pin.made().keys.as_ptr();
        for number in 0..100_u8 {
            pin.key(&[number], once);
            // Never copied to another place, and each stays where it was put.
            let made = pin.made();
            assert_eq!(made.keys.as_ptr(), place);
            let at = usize::from(number).saturating_add(3) % KEYS_MAX;
            assert_eq!(made.keys.get(at).unwrap().salt, [number]);
        }
        assert_eq!(pin.made().keys.len(), KEYS_MAX);
        assert_eq!(*pin.key(b"salt", once), *first);
    }
}
