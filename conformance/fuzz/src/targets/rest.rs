//! REST blocks and the requests of clients.

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_policy::ServicePath;
use gateway_proto::header;
use gateway_proto::rest::{Request, Response, is_response};
use uuid::Uuid;

/// A block is what its parts say, written anew.
pub fn rest_request(data: &[u8]) {
    let Ok(request) = Request::from_block(Bytes::copy_from_slice(data)) else {
        return;
    };
    assert_eq!(request.block(), data);
    assert!(!is_response(data));
    check_request(&request);
}

fn check_request(request: &Request) {
    let mut written = format!("{}\r\n{}", request.method(), request.path());
    if let Some(query) = request.query() {
        written.push('?');
        written.push_str(query);
    }
    written.push_str("\r\n");
    write_headers(&mut written, request.headers());
    assert_eq!(request.block(), written.as_bytes());
    assert!(request.path().ends_with(request.service_path()));
    assert!(request.path().starts_with("/r1/"));
    let _comparable = ServicePath::normalize(request.service_path());
}

fn write_headers(out: &mut String, headers: &[(String, String)]) {
    for (name, value) in headers {
        assert!(!header::is_skipped(name));
        out.push_str(&format!("{name}:{value}\r\n"));
    }
}

/// The same of a response.
pub fn rest_response(data: &[u8]) {
    let Ok(response) = Response::from_block(Bytes::copy_from_slice(data)) else {
        return;
    };
    assert_eq!(response.block(), data);
    assert!(is_response(data));
    let mut written = format!("{}\r\n{}\r\n", response.status(), response.reason());
    write_headers(&mut written, response.headers());
    assert_eq!(data, written.as_bytes());
    assert!(response.header(header::ID).is_some_and(|id| !id.is_empty()));
}

/// What is made of a client's request, a peer reads as the same; and so the answer to it.
///
/// The input is a request line without version, header lines, and the service's answer behind an
/// empty line in the same form.
pub fn rest_client_request(data: &[u8]) {
    let (asked, answered) = match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[][..]),
    };
    let (line, headers) = lines(asked);
    let Ok(line) = std::str::from_utf8(line) else {
        return;
    };
    let (method, target) = line.split_once(' ').unwrap_or((line, ""));
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let ids = (Uuid::from_u128(1), Uuid::from_u128(2));
    let Ok(request) = Request::from_client(method, path, query, &headers, ids.0, ids.1, "AZ")
    else {
        return;
    };
    assert_eq!(
        (request.method(), request.path(), request.query()),
        (method, path, query)
    );
    check_request(&request);
    let read = Request::from_block(request.block().clone()).expect("a peer reads it");
    assert_eq!(read.headers(), request.headers());
    assert_eq!(read.client(), request.client());
    assert_eq!(read.service(), request.service());
    assert_eq!(read.id(), request.id());
    assert_eq!(read.request_id(), ids.0.to_string());
    assert_eq!(read.service_path(), request.service_path());

    let (line, headers) = lines(answered);
    let line = String::from_utf8_lossy(line);
    let (status, reason) = line.split_once(' ').unwrap_or((&line, ""));
    let hash = Digest::of(DigestAlgorithm::Sha512, request.block());
    let status = status.parse().unwrap_or(200);
    let Ok(response) = Response::new(status, reason, &headers, &request, &hash) else {
        return;
    };
    // A query id may be blank at the client only if it is made here, so the answer always has one.
    let read = Response::from_block(response.block().clone()).expect("a peer reads it");
    read.check_consistency(&request, &hash)
        .expect("it answers what was asked");
    assert_eq!(read.headers(), response.headers());
    let other = Digest::of(DigestAlgorithm::Sha512, b"another request");
    assert!(read.check_consistency(&request, &other).is_err());
}

type Headers<'a> = Vec<(&'a str, &'a [u8])>;

/// The first line, and the others as headers as far as they are any.
fn lines(data: &[u8]) -> (&[u8], Headers<'_>) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let headers = lines
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = std::str::from_utf8(&line[..colon]).ok()?;
            Some((name, &line[colon + 1..]))
        })
        .collect();
    (first, headers)
}
