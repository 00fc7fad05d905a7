mod places;
mod rest;
mod soap;

use super::*;

fn at(kind: KeyKind, place: &str) -> Locator {
    Locator {
        kind,
        at: place.parse().unwrap(),
        method: None,
        path: None,
        optional: false,
    }
}

fn fin(place: &str) -> Locator {
    at(KeyKind::Fin, place)
}

fn optional(locator: Locator) -> Locator {
    Locator {
        optional: true,
        ..locator
    }
}

/// The values found, or the error as it is said.
fn found(locators: &[Locator], source: Source<'_>) -> Result<Vec<String>, String> {
    match persons(locators, source, &Alphabet::default()) {
        Ok(persons) => Ok(persons.iter().map(|key| key.reveal().to_owned()).collect()),
        Err(error) => Err(error.to_string()),
    }
}

#[track_caller]
fn check(locators: &[Locator], source: Source<'_>, expected: &[&str]) {
    let found = found(locators, source);
    assert_eq!(found.as_ref().map(Vec::as_slice), Ok(&*owned(expected)));
}

#[track_caller]
fn check_missing(locators: &[Locator], source: Source<'_>, place: &str) {
    let expected = format!("the request names no person at {place}");
    assert_eq!(found(locators, source), Err(expected));
}

#[track_caller]
fn check_malformed(locators: &[Locator], source: Source<'_>, place: &str) {
    let error = found(locators, source).unwrap_err();
    assert!(
        error.starts_with(&format!("what stands at {place} is no valid ")),
        "{error}"
    );
    assert!(!error.contains("TEST"), "{error}");
}

#[track_caller]
fn check_unreadable(locators: &[Locator], source: Source<'_>, place: &str) {
    let expected = format!("the request cannot be read at {place}");
    assert_eq!(found(locators, source), Err(expected));
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A REST request of which only what the test is about is there.
#[derive(Clone, Copy)]
struct Rest<'s> {
    method: &'s str,
    path: &'s str,
    query: Option<&'s str>,
    headers: &'s [(String, String)],
    json: Option<&'s str>,
}

const GET: Rest<'_> = Rest {
    method: "GET",
    path: "/persons",
    query: None,
    headers: &[],
    json: None,
};

impl<'s> Rest<'s> {
    fn source(self) -> Source<'s> {
        Source::Rest {
            method: self.method,
            path: self.path,
            query: self.query,
            headers: self.headers,
            json: self.json.map(str::as_bytes),
        }
    }
}

fn json(body: &str) -> Source<'_> {
    Rest {
        method: "POST",
        json: Some(body),
        ..GET
    }
    .source()
}

fn path(path: &str) -> Source<'_> {
    Rest { path, ..GET }.source()
}

fn query(query: &str) -> Source<'_> {
    Rest {
        query: Some(query),
        ..GET
    }
    .source()
}
