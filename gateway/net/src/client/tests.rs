//! Tests of targets.

use http::Request;

use super::Target;
use crate::{Error, body};

#[track_caller]
fn check(uri: &str, expected: Option<(bool, &str, u16, &str, &str)>) {
    let request = Request::builder().uri(uri).body(body::empty()).unwrap();
    match (Target::of(request), expected) {
        (Ok((target, request)), Some((tls, host, port, origin, named))) => {
            assert_eq!(
                target,
                Target {
                    tls,
                    host: host.to_owned(),
                    port
                },
                "{uri}"
            );
            assert_eq!(request.uri(), origin, "{uri}");
            assert_eq!(request.headers()["host"], named, "{uri}");
        }
        (Err(Error::InvalidUri), None) => {}
        (other, expected) => panic!(
            "{uri}: {:?}, expected {expected:?}",
            other.map(|both| both.0)
        ),
    }
}

#[test]
fn reads_the_target_of_an_absolute_uri() {
    check(
        "http://Is.example/a?b",
        Some((false, "is.example", 80, "/a?b", "Is.example")),
    );
    check(
        "https://is.example",
        Some((true, "is.example", 443, "/", "is.example")),
    );
    check(
        "https://is.example:8443/",
        Some((true, "is.example", 8443, "/", "is.example:8443")),
    );
    check(
        "http://[::1]:81/x?",
        Some((false, "[::1]", 81, "/x?", "[::1]:81")),
    );
}

#[test]
fn refuses_what_is_not_absolute_http() {
    check("/path", None);
    check("ftp://is.example/", None);
    check("http://user:secret@is.example/", None);
    check("http://is.example:99999/", None);
}

#[test]
fn keeps_a_host_that_is_given() {
    let request = Request::builder()
        .uri("http://192.0.2.1/")
        .header("host", "is.example")
        .body(body::empty());
    let (_, request) = Target::of(request.unwrap()).unwrap();
    assert_eq!(request.headers()["host"], "is.example");
}
