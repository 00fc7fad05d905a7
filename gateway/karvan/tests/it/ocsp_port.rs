//! The OCSP port of a node (PR-MESSTRANSP 2.2).

use crate::country::{Country, Running};
use crate::wire;

/// The hashes of the certificates a node has responses for.
fn hashes(country: &Country, node: &str) -> Vec<String> {
    let entries = std::fs::read_dir(country.data(node).join("ocsp")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut hashes: Vec<String> = names
        .filter_map(|name| Some(name.strip_suffix(".ocsp")?.to_owned()))
        .collect();
    hashes.sort();
    hashes
}

#[test]
fn gives_one_response_for_each_certificate_in_the_order_asked() {
    let Some(running) = Running::shared() else {
        return;
    };
    let country = &running.country;
    let hashes = hashes(country, "din");
    assert!(
        hashes.len() >= 2,
        "an authentication and a signing certificate"
    );
    let response = |hash: &str| {
        std::fs::read(
            country
                .data("din")
                .join("ocsp")
                .join(format!("{hash}.ocsp")),
        )
        .unwrap()
    };
    let (first, second) = (&hashes[1], &hashes[0].to_uppercase());
    let path = format!("/?cert={first}&cert_hash=whatever&cert={second}");
    let answer = wire::get(country.ocsp("din"), &path, &[]);
    assert_eq!(answer.status, 200);
    let content_type = answer.header("content-type").unwrap();
    assert!(
        content_type.starts_with("multipart/related"),
        "{content_type}"
    );
    let boundary = content_type.split_once("boundary=").unwrap().1;

    let mut expected = Vec::new();
    for hash in [first, &hashes[0]] {
        expected.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        expected.extend_from_slice(b"Content-Type: application/ocsp-response\r\n\r\n");
        expected.extend_from_slice(&response(hash));
        expected.extend_from_slice(b"\r\n");
    }
    expected.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    assert_eq!(answer.body, expected);
}

#[test]
fn answers_head_and_refuses_what_it_does_not_have() {
    let Some(running) = Running::shared() else {
        return;
    };
    let ocsp = running.country.ocsp("din");
    let known = &hashes(&running.country, "din")[0];
    let unknown = "00".repeat(20);

    let head = wire::request("HEAD", ocsp, "/", &[], b"");
    let answer = wire::parse(&wire::raw(ocsp, &head).unwrap()).unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    for path in [
        format!("/?cert={unknown}"),
        format!("/?cert={known}&cert={unknown}"),
        "/?cert=".to_owned(),
        "/?cert=%zz".to_owned(),
        "/".to_owned(),
        format!("/?{}", format!("cert={known}&").repeat(17)),
    ] {
        let answer = wire::get(ocsp, &path, &[]);
        assert_eq!(answer.status, 500, "{path}");
    }
    assert_eq!(wire::post(ocsp, "/", &[], b"cert").status, 500);
    assert_eq!(wire::get(ocsp, &format!("/?cert={known}"), &[]).status, 200);
}
