//! The registry's rules, consents and the feed; keys of persons in requests; strict JSON.

use certs_keys::{Digest, DigestAlgorithm};
use gateway_policy::consent;
use gateway_policy::feed::{self, Page, State};
use gateway_policy::json;
use gateway_policy::locate::{self, Locator, PERSONS_MAX, Place, Source};
use gateway_policy::person::{Alphabet, KeyKind, PersonKey};
use gateway_policy::rules::{Rules, Severity, check};
use gateway_policy::{jws, locate::JSON_BYTES_MAX};
use serde_json::Value;

use crate::input::first_line;
use crate::made::{self, INSTANCE, registry};

/// Rules that are read contradict nothing, and are the same when they are written again.
pub fn rules_part(data: &[u8]) {
    let Ok(rules) = Rules::read(data, INSTANCE) else {
        return;
    };
    assert_eq!(*rules.digest(), Digest::of(DigestAlgorithm::Sha256, data));
    assert_eq!(rules.part().instance, INSTANCE);
    let findings = check(rules.part());
    assert!(findings.iter().all(|one| one.severity != Severity::Error));
    let written = serde_json::to_vec(rules.part()).expect("it was read");
    let again = Rules::read(&written, INSTANCE).expect("as it was written");
    assert_eq!(again.part(), rules.part());
    for service in &rules.part().services {
        let id = made::service_id(&service.provider, &service.code);
        let about = rules.about(&id).count();
        assert!(about <= rules.part().rules.len());
    }
}

/// A consent that is believed was signed so, to the last octet. As the payload of one the input is
/// read only in the one form it has.
pub fn consent_artefact(data: &[u8]) {
    let registry = registry();
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(verified) = consent::verify(text, &registry.rules)
    {
        assert!(
            registry.consents.iter().any(|known| known == text),
            "this was never signed"
        );
        assert_eq!(
            *verified.digest(),
            Digest::of(DigestAlgorithm::Sha256, data)
        );
    }
    let signed = jws::sign(data, made::KID, consent::MEDIA_TYPE, &registry.consent_key);
    if let Ok(verified) = consent::verify(&signed, &registry.rules) {
        let again = consent::sign(verified.artefact(), made::KID, &registry.consent_key);
        assert_eq!(again.ok().as_ref(), Some(&signed));
    }
}

/// A page that is believed was signed so, and follows only what it was made for.
pub fn feed_page(data: &[u8]) {
    let registry = registry();
    let key = registry.feed.verifier();
    let Ok(page) = Page::verify(data, key, INSTANCE, made::now()) else {
        return;
    };
    // Lines are not covered by the signature, but by the chain hash that is.
    let mut follows = 0;
    for (state, lines) in registry.states.iter().zip(0_usize..) {
        let mut next = state.clone();
        if next.apply(&page).is_err() {
            assert_eq!(next.hash(), state.hash());
            continue;
        }
        follows += 1;
        let held = usize::try_from(next.number()).expect("a few");
        assert_eq!(held, lines + page.entries().len());
        assert_eq!(next.hash(), registry.states[held].hash());
        for ((_, line), known) in page.entries().iter().zip(&registry.lines[lines..]) {
            assert_eq!(line, known, "this was never published");
        }
    }
    assert!(follows <= 1);
}

/// A line that a node takes up again is one that a page may have, and leads to the same.
pub fn feed_line(data: &[u8]) {
    let mut replayed = State::new();
    let replays = replayed.replay_unchecked(data).is_ok();
    let hash = feed::chain_next(&feed::chain_start(), data);
    let signer = &registry().feed;
    let lines = [data.to_vec()];
    let page = feed::make_page(INSTANCE, 1, &hash, true, &lines, signer, made::now());
    assert_eq!(page.is_ok(), replays && !data.contains(&b'\n'));
    let Ok(page) = page else { return };
    let page = Page::verify(&page, signer.verifier(), INSTANCE, made::now());
    let page = page.expect("it was made so");
    let mut state = State::new();
    state.apply(&page).expect("it is the first");
    assert_eq!(state.hash(), replayed.hash());
    assert_eq!(state.held(), replayed.held());
    let (entry, line) = &page.entries()[0];
    assert_eq!(feed::line(entry).ok().as_ref(), Some(line));
}

/// A place in the first line, and what stands at it behind: as an envelope, as JSON, and as the other
/// parts of a REST request.
pub fn person_locator(data: &[u8]) {
    let Some((place, request)) = first_line(data) else {
        return;
    };
    let Ok(at) = Place::try_from(place.to_owned()) else {
        return;
    };
    let again = Place::try_from(String::from(at.clone()));
    assert_eq!(again.as_ref(), Ok(&at));
    let text = std::str::from_utf8(request).unwrap_or_default();
    let headers = [("X-Person".to_owned(), text.to_owned())];
    let sources = [
        Source::Soap { envelope: request },
        Source::Rest {
            method: "GET",
            path: text,
            query: Some(text),
            headers: &headers,
            json: Some(request),
        },
    ];
    let alphabet = Alphabet::default();
    for kind in [KeyKind::Fin, KeyKind::Voen, KeyKind::Document] {
        let locator = Locator {
            kind,
            at: at.clone(),
            method: None,
            path: None,
            optional: false,
        };
        let locators = [locator];
        for source in sources {
            let Ok(persons) = locate::persons(&locators, source, &alphabet) else {
                continue;
            };
            assert!(persons.len() <= PERSONS_MAX);
            assert!(persons.is_sorted_by(|first, second| first < second));
            for person in persons {
                let again = PersonKey::parse(kind, person.reveal(), &alphabet);
                assert_eq!(again.as_ref(), Ok(&person));
            }
        }
    }
}

/// Strict JSON is JSON, and has one canonical form.
pub fn strict_json(data: &[u8]) {
    let Ok(value) = json::parse(data, JSON_BYTES_MAX) else {
        return;
    };
    let lax: Value = serde_json::from_slice(data).expect("strict is lax");
    assert_eq!(lax, value);
    let canonical = json::canonical(&value).expect("its numbers are integers");
    let again = json::parse(&canonical, JSON_BYTES_MAX).expect("canonical is strict");
    assert_eq!(again, value);
    assert_eq!(json::canonical(&again).ok(), Some(canonical));
}
