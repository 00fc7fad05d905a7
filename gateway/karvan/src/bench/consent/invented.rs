//! Rules, persons and consents by number. FINs here begin with `0T`: they are nobody's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs_keys::{Ed25519Key, SecretKey};
use gateway_consent::{HashKeys, Keys};
use gateway_exchange::Clock as _;
use gateway_policy::consent::{self, Artefact, Proof};
use gateway_policy::person::PersonKey;
use gateway_policy::rules::{Frequency, Rules};
use gateway_proto::id::ClientId;
use gateway_tlog::note::{Kind, Signer};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bench::Error;
use crate::bench::parts::part;
use crate::clock::SystemClock;
use crate::country::INSTANCE;

/// A country of registers in pairs, a REST and a SOAP service each. Each service may be asked by some
/// ministries by law and by some banks by consent: ten rules for each.
pub(super) struct Invented {
    pub(super) rules: Rules,
    consent: Ed25519Key,
    pub(super) now: Timestamp,
    /// How many pairs of services there are.
    pairs: u64,
}

impl Invented {
    /// With so many rules, or up to 19 fewer.
    pub(super) fn new(rules: u64) -> Result<Self, Error> {
        let now = SystemClock.now();
        let pairs = rules.div_euclid(RULES_OF_PAIR).max(1);
        let consent = consent_key()?;
        let document = document(pairs, &consent, now)?;
        let bytes = serde_json::to_vec(&document).map_err(|error| part(&error))?;
        Ok(Self {
            rules: Rules::read(&bytes, INSTANCE).map_err(|error| part(&error))?,
            consent,
            now,
            pairs,
        })
    }

    /// The pair of services that the n-th consent is for.
    pub(super) fn pair_of(&self, number: u64) -> u64 {
        number.checked_rem(self.pairs).unwrap_or(0)
    }

    /// The artefact of the n-th consent, as it travels.
    pub(super) fn signed(&self, number: u64) -> Result<String, Error> {
        let pair = self.pair_of(number);
        let second = |seconds: i64| {
            let at = self.now.as_second().saturating_add(seconds);
            Timestamp::from_second(at).map_err(|error| part(&error))
        };
        let artefact = Artefact {
            format: consent::FORMAT.to_owned(),
            instance: INSTANCE.to_owned(),
            id: consent_id(number),
            subject: person(number)?,
            consumer: client(&bank(pair))?,
            provider: client(&provider(pair))?,
            services: vec![rest_code(pair), soap_code(pair)],
            purpose: CREDIT.to_owned(),
            categories: vec!["income".to_owned()],
            data_from: None,
            data_until: None,
            issued_at: second(-3600)?,
            valid_from: second(-3600)?,
            valid_until: second(30 * 24 * 3600)?,
            frequency: Some(Frequency {
                count: 10_000,
                seconds: 24 * 3600,
            }),
            single_use: false,
            data_life_seconds: None,
            acting_for: None,
            predecessor: None,
            proof: Proof::Attestation {
                portal: client(PORTAL)?,
                level: LEVEL.to_owned(),
                at: second(-3600)?,
            },
        };
        consent::sign(&artefact, KID, &self.consent).map_err(|error| part(&error))
    }

    /// The key under which consents are believed.
    pub(super) fn public_key(&self) -> [u8; 32] {
        self.consent.public_key()
    }

    /// When a consent ends, in seconds since 1970.
    pub(super) fn ends(&self) -> i64 {
        self.now
            .checked_add(SignedDuration::from_hours(30 * 24))
            .map_or(i64::MAX, Timestamp::as_second)
    }
}

/// The keys of the desk that these rules publish.
pub(super) fn desk_keys() -> Result<Keys, Error> {
    let hash = vec![(1, SecretKey::generate())];
    Ok(Keys {
        consent: consent_key()?,
        consent_kid: KID.to_owned(),
        feed: feed_signer()?,
        hash: HashKeys::new(hash).map_err(|error| part(&error))?,
        seal: SecretKey::generate(),
    })
}

/// Signs the feed that these rules name.
pub(super) fn feed_signer() -> Result<Signer, Error> {
    let key = Ed25519Key::from_seed(&[5; 32]).map_err(|error| part(&error))?;
    Signer::new(Kind::Ed25519, "AZ-feed", key).map_err(|error| part(&error))
}

fn consent_key() -> Result<Ed25519Key, Error> {
    Ed25519Key::from_seed(&[7; 32]).map_err(|error| part(&error))
}

pub(super) fn client(text: &str) -> Result<ClientId, Error> {
    ClientId::from_rest(text).map_err(|error| part(&error))
}

pub(super) fn provider(pair: u64) -> String {
    format!("{INSTANCE}/GOV/{:010}/register", pair.div_euclid(5))
}

pub(super) fn rest_code(pair: u64) -> String {
    format!("rest{pair}")
}

pub(super) fn soap_code(pair: u64) -> String {
    format!("soap{pair}")
}

/// One that may ask by law.
pub(super) fn ministry(pair: u64) -> String {
    asking(pair, 0)
}

/// One that may ask by consent.
pub(super) fn bank(pair: u64) -> String {
    asking(pair, 1)
}

fn asking(pair: u64, which: u64) -> String {
    format!("{INSTANCE}/COM/{pair:010}/asks{which}")
}

/// The FIN of the n-th person.
pub(super) fn fin(number: u64) -> String {
    const CHARACTERS: &[u8; 34] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let mut rest = number;
    let mut digits: Vec<char> = Vec::with_capacity(5);
    for _ in 0..5 {
        let place = usize::try_from(rest.checked_rem(34).unwrap_or(0)).unwrap_or(0);
        digits.push(
            CHARACTERS
                .get(place)
                .map_or('0', |octet| char::from(*octet)),
        );
        rest = rest.div_euclid(34);
    }
    let digits: String = digits.iter().rev().collect();
    format!("0T{digits}")
}

/// The n-th person.
pub(super) fn person(number: u64) -> Result<PersonKey, Error> {
    let kind = gateway_policy::person::KeyKind::Fin;
    let alphabet = gateway_policy::person::Alphabet::default();
    PersonKey::parse(kind, &fin(number), &alphabet).map_err(|error| part(&error))
}

/// The id of the n-th consent: later ones are higher.
pub(super) fn consent_id(number: u64) -> Uuid {
    let high = u128::from(number.saturating_add(1)) << 64;
    let low = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Uuid::from_u128(high | u128::from(low))
}

fn document(pairs: u64, consent: &Ed25519Key, now: Timestamp) -> Result<Value, Error> {
    let mut services = Vec::new();
    let mut rules = Vec::new();
    for pair in 0..pairs {
        for (code, place) in [
            (rest_code(pair), "query:fin".to_owned()),
            (soap_code(pair), format!("soap:/{}/fin", soap_code(pair))),
        ] {
            services.push(json!({
                "provider": provider(pair), "code": code,
                "system": format!("system{}", pair.div_euclid(5)), "personal": true,
                "categories": ["income"], "purposes": [AID, CREDIT],
                "subjects": [{"kind": "fin", "at": place}],
            }));
            for which in 0..RULES_OF_PAIR.div_euclid(2) {
                let (purpose, basis) = match which.checked_rem(2) {
                    Some(0) => (
                        AID,
                        json!({"kind": "law", "act": "Act 1", "article": "3.3"}),
                    ),
                    _ => (CREDIT, json!({"kind": "consent"})),
                };
                rules.push(json!({
                    "id": format!("rule-{code}-{which}"), "version": 1,
                    "consumers": [format!("client:{}", asking(pair, which))],
                    "services": [{"provider": provider(pair), "code": code}],
                    "purposes": [purpose], "basis": basis,
                    "limits": {"frequency": {"count": 10_000, "seconds": 3600}},
                }));
            }
        }
    }
    let systems: Vec<Value> = (0..pairs.div_ceil(5))
        .map(|number| {
            json!({
                "code": format!("system{number}"), "owner": format!("{INSTANCE}/GOV/{number:010}"),
                "name": "System", "register": "personal-data", "entry": "1",
                "status": "registered", "purposes": [AID, CREDIT],
            })
        })
        .collect();
    Ok(json!({
        "format": "karvan-rules/1", "instance": INSTANCE, "version": 1,
        "published": now,
        "settings": {
            "feed_age_seconds_max": 24 * 3600, "portals": [PORTAL], "authentication_levels": [LEVEL],
        },
        "purposes": [{"code": AID}, {"code": CREDIT}], "categories": [{"code": "income"}],
        "systems": systems, "services": services, "rules": rules,
        "consent": {
            "keys": [{"kid": KID, "algorithm": "EdDSA",
                      "public": URL_SAFE_NO_PAD.encode(consent.public_key())}],
            "feed_key": feed_signer()?.verifier().to_vkey(),
            "feed_urls": ["https://registry.example/karvan/v1/feed"],
            "feed_certificates": ["00".repeat(32)],
        },
    }))
}

pub(super) const AID: &str = "aid";
pub(super) const CREDIT: &str = "credit";
pub(super) const PORTAL: &str = "AZ/GOV/0000001181/portal";
pub(super) const LEVEL: &str = "asan-imza";
const KID: &str = "k1";
const RULES_OF_PAIR: u64 = 20;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use gateway_policy::rules::{Severity, check};

    use super::{Invented, consent_id, fin, person};

    #[test]
    fn persons_and_consents_differ() {
        let fins: BTreeSet<String> = (0..2000).map(|number| fin(number * 19_999)).collect();
        assert_eq!(fins.len(), 2000);
        assert_eq!(fin(0), "0T00000");
        assert_eq!(fin(34), "0T00010");
        assert_eq!(person(33).unwrap().reveal(), "0T0000Z");
        let ids: Vec<_> = (0..100).map(consent_id).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn the_rules_are_as_many_and_the_consents_believed() {
        let invented = Invented::new(40).unwrap();
        assert_eq!(invented.rules.part().rules.len(), 40);
        let findings = check(invented.rules.part());
        assert!(
            findings
                .iter()
                .all(|finding| finding.severity != Severity::Error)
        );
        let text = invented.signed(3).unwrap();
        let verified = gateway_policy::consent::verify(&text, &invented.rules).unwrap();
        assert_eq!(verified.artefact().id, consent_id(3));
    }
}
