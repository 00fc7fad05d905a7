//! The document as such: form, sizes, settings, the consent service.

use std::collections::{BTreeMap, HashSet};

use gateway_tlog::note::{Kind, Verifier};

use super::Findings;
use crate::consent::public_key;
use crate::jws;
use crate::person::Alphabet;
use crate::rules::part::{ConsentService, FORMAT, Part, Rule, Settings};

pub(super) fn check(part: &Part, findings: &mut Findings) {
    if part.format != FORMAT {
        findings.error("part", format!("the format is not {FORMAT}"));
    }
    if part.instance.trim().is_empty() {
        findings.error("part", "the instance is empty");
    }
    if part.version == 0 {
        findings.error("part", "the version is 0; the first is 1");
    }
    if !part.previous.as_deref().is_none_or(is_digest) {
        findings.error("part", "previous is no SHA-256 in lower-case hex");
    }
    check_sizes(part, findings);
    check_settings(part, &part.settings, findings);
    if let Some(consent) = &part.consent {
        check_consent_service(consent, findings);
    }
}

/// No list is longer than allowed, so that what grows with their product may be looked at.
pub(super) fn is_bounded(part: &Part) -> bool {
    sizes(part).iter().all(|(_, found, max)| found <= max)
        && part.rules.iter().all(|rule| longest(rule) <= LIST_MAX)
        && combinations(part) <= COMBINATIONS_MAX
}

fn check_sizes(part: &Part, findings: &mut Findings) {
    for (what, found, max) in sizes(part) {
        if found > max {
            findings.error(
                "part",
                format!("it has {found} {what}; at most {max} may be"),
            );
        }
    }
    if combinations(part) > COMBINATIONS_MAX {
        findings.error(
            "part",
            format!(
                "the rules name more than {COMBINATIONS_MAX} combinations of consumer, service and \
                 purpose; name groups, classes or providers instead"
            ),
        );
    }
}

fn sizes(part: &Part) -> [(&'static str, usize, usize); 9] {
    let consent = part.consent.as_ref();
    [
        ("purposes", part.purposes.len(), PURPOSES_MAX),
        ("categories", part.categories.len(), CATEGORIES_MAX),
        ("systems", part.systems.len(), SYSTEMS_MAX),
        ("services", part.services.len(), SERVICES_MAX),
        ("rules", part.rules.len(), RULES_MAX),
        ("portals", part.settings.portals.len(), LIST_MAX),
        (
            "keys of consents",
            consent.map_or(0, |consent| consent.keys.len()),
            KEYS_MAX,
        ),
        (
            "addresses of the feed",
            consent.map_or(0, |consent| consent.feed_urls.len()),
            KEYS_MAX,
        ),
        (
            "certificates of the feed",
            consent.map_or(0, |consent| consent.feed_certificates.len()),
            KEYS_MAX,
        ),
    ]
}

/// The length of the longest list in a rule.
pub(super) fn longest(rule: &Rule) -> usize {
    rule.consumers
        .len()
        .max(rule.services.len())
        .max(rule.purposes.len())
        .max(rule.categories.len())
}

fn combinations(part: &Part) -> usize {
    part.rules
        .iter()
        .map(|rule| {
            rule.consumers
                .len()
                .saturating_mul(rule.services.len())
                .saturating_mul(rule.purposes.len())
        })
        .fold(0, usize::saturating_add)
}

fn check_settings(part: &Part, settings: &Settings, findings: &mut Findings) {
    let place = "settings";
    if Alphabet::new(&settings.fin_alphabet).is_err() {
        findings.error(
            place,
            "fin_alphabet has to be digits and capital letters of ASCII, each once",
        );
    }
    if settings.feed_age_seconds_max == 0 {
        findings.error(place, "feed_age_seconds_max is 0: no feed is that young");
    }
    if settings.feed_age_seconds_max > FEED_AGE_SECONDS_LONG {
        findings.warning(
            place,
            format!(
                "feed_age_seconds_max is over {FEED_AGE_SECONDS_LONG}: so long a revoked consent may \
                 be used at a node that is cut off"
            ),
        );
    }
    if !(-OFFSET_MINUTES_MAX..=OFFSET_MINUTES_MAX).contains(&settings.utc_offset_minutes) {
        findings.error(
            place,
            format!("utc_offset_minutes is beyond {OFFSET_MINUTES_MAX} in one direction"),
        );
    }
    let mut seen = HashSet::new();
    for portal in &settings.portals {
        if !seen.insert(portal) {
            findings.error(place, format!("the portal {portal} stands twice"));
        }
    }
    let mut seen = HashSet::new();
    for level in &settings.authentication_levels {
        if !is_code(level) {
            findings.error(
                place,
                format!("the authentication level {level:?} {NO_CODE}"),
            );
        } else if !seen.insert(level) {
            findings.error(
                place,
                format!("the authentication level {level} stands twice"),
            );
        }
    }
    if let Some(supervisor) = &settings.supervisor
        && supervisor.provider().instance() != part.instance
    {
        findings.error(place, "the supervisor is of another instance");
    }
}

fn check_consent_service(consent: &ConsentService, findings: &mut Findings) {
    let place = "consent";
    if consent.keys.is_empty() {
        findings.error(place, "it has no key: no consent could be believed");
    }
    let mut seen = HashSet::new();
    for key in &consent.keys {
        let place = format!("consent key {}", key.kid);
        if !is_code(&key.kid) {
            findings.error(&place, format!("its name {NO_CODE}"));
        }
        if !seen.insert(&key.kid) {
            findings.error(&place, "it stands twice");
        }
        if key.algorithm != jws::ALGORITHM {
            let text = format!(
                "the algorithm {:?} is not known; {} is",
                key.algorithm,
                jws::ALGORITHM
            );
            findings.error(&place, text);
        } else if public_key(key).is_none() {
            findings.error(
                &place,
                "its public key is not 32 octets in base64url without padding",
            );
        }
    }
    match Verifier::from_vkey(&consent.feed_key) {
        Ok(key) if key.kind() == Kind::Ed25519 => {}
        Ok(_) => findings.error(place, "feed_key is a key for cosignatures"),
        Err(error) => findings.error(place, format!("feed_key cannot be read: {error}")),
    }
    if consent.feed_urls.is_empty() {
        findings.error(
            place,
            "it has no address of the feed: no consent could be relied on",
        );
    }
    for url in &consent.feed_urls {
        if !is_url(url) {
            findings.error(
                place,
                format!("the address of the feed {url:?} is not of https"),
            );
        }
    }
    if consent.feed_certificates.is_empty() {
        findings.error(
            place,
            "it has no certificate of the feed: anybody could pass for it",
        );
    }
    if !consent.feed_certificates.iter().all(|one| is_digest(one)) {
        findings.error(
            place,
            "a certificate of the feed is no SHA-256 in lower-case hex",
        );
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// An absolute address with a host. The node that asks looks closer.
fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://");
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty() && !host.starts_with(':') && !host.contains('@'))
        && text.len() <= TEXT_CHARS_MAX
        && text.chars().all(|c| c.is_ascii_graphic())
}

/// A name that messages and other parts of the document use.
pub(super) fn is_code(text: &str) -> bool {
    (1..=CODE_CHARS_MAX).contains(&text.chars().count())
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// A text for people, which may be empty.
pub(super) fn is_text(text: &str) -> bool {
    text.chars().count() <= TEXT_CHARS_MAX && !text.chars().any(char::is_control)
}

/// Titles by language.
pub(super) fn are_titles(titles: &BTreeMap<String, String>) -> bool {
    titles.len() <= LANGUAGES_MAX
        && titles
            .iter()
            .all(|(language, title)| is_code(language) && is_text(title))
}

/// What to say of a text that is not [`is_code`].
pub(super) const NO_CODE: &str = "is empty, too long, or has white space in it";

/// Purposes that an instance may declare.
const PURPOSES_MAX: usize = 10_000;
/// Categories of data that an instance may declare.
const CATEGORIES_MAX: usize = 10_000;
/// Information systems of an instance. The state registers of 2015 hold 237.
const SYSTEMS_MAX: usize = 10_000;
/// Services of an instance.
const SERVICES_MAX: usize = 100_000;
/// Rules of an instance.
const RULES_MAX: usize = 100_000;
/// Keys of consents, addresses of the feed: the present ones and those before.
const KEYS_MAX: usize = 64;
/// Entries of a list inside a rule, a service or the settings: more are a group, a class, a provider.
pub(super) const LIST_MAX: usize = 1_000;
/// Consumers times scopes times purposes, summed over the rules: what is compared pair by pair.
const COMBINATIONS_MAX: usize = 1_000_000;
/// Languages in which a title is given.
const LANGUAGES_MAX: usize = 64;
/// The longest code. Characters; X-Road's identifiers have the same bound.
const CODE_CHARS_MAX: usize = 255;
/// The longest text for people. Characters.
const TEXT_CHARS_MAX: usize = 2_000;
/// What is called long for the age of a feed. Seconds.
const FEED_AGE_SECONDS_LONG: u64 = 3_600;
/// Clocks are at most so far from UTC. Minutes.
const OFFSET_MINUTES_MAX: i16 = 14 * 60;
