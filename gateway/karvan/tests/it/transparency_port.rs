//! The port of the transparency log before strangers: what they may ask, and how much of the node they
//! may take.

use std::cell::RefCell;
use std::io::Write as _;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certs_keys::Ed25519Key;
use gateway_tlog::checkpoint::Checkpoint as Unsigned;
use gateway_tlog::note::{Kind, Signer};
use sha2::{Digest as _, Sha256};

use crate::country::{Country, Running, eventually};
use crate::transparency::DIN;
use crate::wire::{self, Answer};

/// Requests that begin and do not go on fill so much memory and no more; everything else is served
/// meanwhile, and all again when they have gone.
pub(crate) fn slow_strangers_take_no_more_than_their_seats(country: &Country) {
    let din = country.transparency("din");
    let add = || send(din, "POST", "/add-checkpoint", b"nothing").status;
    assert_eq!(add(), 400);
    let head = "POST /add-checkpoint HTTP/1.1\r\nHost: din\r\nContent-Length: 1000\r\n\
                Connection: close\r\n\r\nold";
    let slow = || {
        let mut stream = wire::connect(din).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let strangers = RefCell::new((0..32).map(|_| slow()).collect::<Vec<_>>());
    eventually("all seats are taken", || {
        // A neighbour, or the request before, may have had one when these came.
        strangers.borrow_mut().push(slow());
        add() == 503
    });
    assert_eq!(send(din, "GET", "/checkpoint", b"").status, 200);
    assert_eq!(send(din, "GET", "/tile/0/000", b"").status, 200);
    // Who does not go on is sent away.
    let statuses: Vec<_> = strangers
        .into_inner()
        .into_iter()
        .map(|mut stream| {
            wire::parse(&wire::read(&mut stream).unwrap())
                .unwrap()
                .status
        })
        .collect();
    assert!(
        statuses.iter().all(|status| [408, 503].contains(status)),
        "{statuses:?}"
    );
    assert!(
        statuses.iter().filter(|status| **status == 408).count() >= 32,
        "{statuses:?}"
    );
    eventually("there are seats again", || add() == 400);
}

fn send(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> Answer {
    let request = wire::request(method, address, path, &[], body);
    wire::parse(&wire::raw(address, &request).unwrap()).unwrap()
}

#[test]
fn bad_requests_get_exact_statuses_and_nothing_else() {
    let Some(running) = Running::shared() else {
        return;
    };
    let din = running.country.transparency("din");
    let status = |method: &str, path: &str, body: &[u8]| send(din, method, path, body).status;
    for path in [
        "/",
        "/tile",
        "/tile/",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/000.p/01",
        "/tile/0/0",
        "/tile/0/999",
        "/tile/0/x999/x999/x999/999",
        "/tile/64/000",
        "/tile/-1/000",
        "/tile/entries/999",
        "/tile/entries/../../keys",
        "/tile/0/../../checkpoint",
        "/tile/0/%2e%2e/%2e%2e/synced",
        "/tile/0/000%2ep/1",
        "//checkpoint",
        "/checkpoint/",
        "/../log/segments/0000000001.seg",
        "/synced",
        "/cosigned",
        "/tree/keys",
        "/witness/",
        "/witness/checkpoint",
        "/witness/../../witness.redb",
        &format!("/witness/{}/checkpoint", "0".repeat(64)),
        &format!("/{}", "x".repeat(10_000)),
    ] {
        assert_eq!(status("GET", path, b""), 404, "{path}");
    }
    for (method, path, allowed) in [
        ("GET", "/add-checkpoint", "POST"),
        ("PUT", "/add-checkpoint", "POST"),
        ("POST", "/checkpoint", "GET, HEAD"),
        ("DELETE", "/tile/0/000", "GET, HEAD"),
        ("OPTIONS", "/keys", "GET, HEAD"),
    ] {
        let answer = send(din, method, path, b"");
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
    }
    let head = wire::request("HEAD", din, "/checkpoint", &[], b"");
    let head = String::from_utf8(wire::raw(din, &head).unwrap()).unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"),
        "{head}"
    );

    let add = |body: &[u8]| send(din, "POST", "/add-checkpoint", body);
    let note = |key: u8, origin: &str, size: u64| {
        let key = Ed25519Key::from_seed(&[key; 32]).unwrap();
        let signer = Signer::new(Kind::Ed25519, origin, key).unwrap();
        let checkpoint = Unsigned::new(origin, size, [7; 32]).unwrap();
        String::from_utf8(checkpoint.sign(&signer).unwrap().to_bytes()).unwrap()
    };
    let known = "AZ/GOV/0000001181/iria";
    let hash = BASE64.encode([1; 32]);
    for (what, body, expected) in [
        ("nothing", String::new(), 400),
        ("no note", "old 0\n\n".to_owned(), 400),
        ("no checkpoint", format!("old 0\n\n{known}\n\n— a b\n"), 400),
        ("no old size", format!("\n{}", note(1, known, 5)), 400),
        (
            "an old size below zero",
            format!("old -1\n\n{}", note(1, known, 5)),
            400,
        ),
        (
            "an old size with a zero before",
            format!("old 01\n\n{}", note(1, known, 5)),
            400,
        ),
        ("no hash", format!("old 0\nx\n\n{}", note(1, known, 5)), 400),
        (
            "too many hashes",
            format!(
                "old 0\n{}\n{}",
                format!("{hash}\n").repeat(64),
                note(1, known, 5)
            ),
            400,
        ),
        (
            "an unknown log",
            format!("old 0\n\n{}", note(1, "AZ/GOV/1/none", 5)),
            404,
        ),
        (
            "a known log, another key",
            format!("old 0\n\n{}", note(1, known, 5)),
            403,
        ),
        ("itself", format!("old 0\n\n{}", note(1, DIN, 5)), 404),
    ] {
        let answer = add(body.as_bytes());
        assert_eq!(answer.status, expected, "{what}: {}", answer.text());
    }
    assert_eq!(add(b"old 0\n\n\xff\xfe\n5\n").status, 400);
    assert_eq!(add(&vec![b'x'; 131_072]).status, 400);
    assert_eq!(add(&vec![b'x'; 131_073]).status, 413);

    // What the neighbour really signed is answered by the protocol.
    let iria = running.country.transparency("iria");
    let signed = wire::get(iria, "/checkpoint", &[]).text();
    let path = format!("/witness/{}/checkpoint", hex::encode(Sha256::digest(known)));
    eventually("the neighbour was cosigned", || {
        let size = |note: &str| note.lines().nth(1).unwrap().parse::<u64>().unwrap();
        let answer = wire::get(din, &path, &[]);
        answer.status == 200 && size(&answer.text()) >= size(&signed)
    });
    let latest = wire::get(din, &path, &[]).text();
    let size = latest.lines().nth(1).unwrap().to_owned();
    let behind = add(format!("old 0\n\n{latest}").as_bytes());
    assert_eq!(behind.status, 409);
    assert_eq!(behind.header("content-type"), Some("text/x.tlog.size"));
    assert!(behind.text().trim_end().parse::<u64>().unwrap() >= size.parse().unwrap());
    let beyond = add(format!("old 99999999\n\n{latest}").as_bytes());
    assert_eq!(beyond.status, 400, "{}", beyond.text());
    running.serves();
}
