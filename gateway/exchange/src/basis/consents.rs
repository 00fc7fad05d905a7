//! Consents that were verified, so that a signature is computed once for each.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use certs_keys::{Digest, DigestAlgorithm};
use gateway_policy::consent::{self, Verified};
use gateway_policy::rules::Rules;
use lru::LruCache;

/// Verified consents, the most recently used ones. A verdict is remembered under the digests of the
/// text and of the rules that name the keys, so other rules mean another look. What the consent
/// demands, and whether it still holds, is judged each time.
pub struct Consents {
    /// Held for a look-up or an insertion, never while a signature is computed.
    verified: Mutex<LruCache<Key, Arc<Verified>>>,
}

/// Of the text, of the rules.
type Key = (Digest, Digest);

impl Consents {
    /// The consent in this text, if the rules' keys vouch for it. What is not believed is not
    /// remembered.
    pub(super) fn verify(
        &self,
        text: &str,
        rules: &Rules,
    ) -> Result<Arc<Verified>, consent::Error> {
        let of_text = Digest::of(DigestAlgorithm::Sha256, text.as_bytes());
        let key = (of_text, *rules.digest());
        let known = self.lock().get(&key).cloned();
        if let Some(verified) = known {
            return Ok(verified);
        }
        let verified = Arc::new(consent::verify(text, rules)?);
        self.lock().put(key, Arc::clone(&verified));
        Ok(verified)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<Key, Arc<Verified>>> {
        // Nothing that panics runs under it.
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Consents {
    fn default() -> Self {
        Self {
            verified: Mutex::new(LruCache::new(REMEMBERED_MAX)),
        }
    }
}

/// Consents are about persons.
impl fmt::Debug for Consents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consents")
            .field("remembered", &self.lock().len())
            .finish_non_exhaustive()
    }
}

/// So many are remembered, of a few KB each.
const REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(4096).expect("4096 is not zero");

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    use certs_keys::Ed25519Key;
    use gateway_policy::consent::Artefact;
    use gateway_tlog::note::{Kind, Signer};
    use serde_json::json;

    use super::*;

    /// Rules of this version under which this key's consents are believed.
    fn rules(version: u64, key: &Ed25519Key) -> Rules {
        let feed = Signer::new(Kind::Ed25519, "AZ-feed", Ed25519Key::generate().unwrap()).unwrap();
        let part = json!({
            "format": "karvan-rules/1",
            "instance": "AZ",
            "version": version,
            "published": "2026-11-22T12:00:00Z",
            "settings": {},
            "consent": {
                "keys": [{
                    "kid": "k1",
                    "algorithm": "EdDSA",
                    "public": BASE64_URL_SAFE_NO_PAD.encode(key.public_key()),
                }],
                "feed_key": feed.verifier().to_vkey(),
                "feed_urls": ["https://127.0.0.1/feed"],
                "feed_certificates": ["00".repeat(32)],
            },
        });
        Rules::read(part.to_string().as_bytes(), "AZ").unwrap()
    }

    fn sealed(key: &Ed25519Key) -> String {
        let artefact = json!({
            "format": "karvan-consent/1",
            "instance": "AZ",
            "id": "6f9619ff-8b86-4011-b42d-00c04fc964ff",
            "subject": {"kind": "fin", "value": "5ABCD12"},
            "consumer": "AZ/COM/1/bank",
            "provider": "AZ/GOV/1/tax",
            "services": ["income"],
            "purpose": "credit",
            "categories": [],
            "issued_at": "2026-11-22T12:00:00Z",
            "valid_from": "2026-11-22T12:00:00Z",
            "valid_until": "2026-12-22T12:00:00Z",
            "proof": {"kind": "signed-document", "sha256": "00".repeat(32), "media_type": "a/b"},
        });
        let artefact: Artefact = serde_json::from_value(artefact).unwrap();
        consent::sign(&artefact, "k1", key).unwrap()
    }

    #[test]
    fn remembers_what_was_believed_under_the_same_rules_and_nothing_else() {
        let consents = Consents::default();
        let key = Ed25519Key::generate().unwrap();
        let text = sealed(&key);
        let first = rules(1, &key);
        let verified = consents.verify(&text, &first).unwrap();
        assert!(Arc::ptr_eq(
            &verified,
            &consents.verify(&text, &first).unwrap()
        ));
        let second = consents.verify(&text, &rules(2, &key)).unwrap();
        assert!(!Arc::ptr_eq(&verified, &second));
        let other = rules(3, &Ed25519Key::generate().unwrap());
        for _ in 0..2 {
            assert!(consents.verify(&text, &other).is_err());
        }
        assert!(format!("{consents:?}").contains("remembered: 2"));
    }
}
