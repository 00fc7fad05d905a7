use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proptest::prelude::*;
use uuid::{Uuid, uuid};

use super::*;
use crate::id;

const REQUEST_ID: Uuid = uuid!("7d7a6c2e-9a54-4f0e-8c39-0f3f3c1b9a11");
const GENERATED: Uuid = uuid!("5b0c7a36-1f1e-4a53-9a3f-2a4c3b1d0e9f");
const PATH: &str = "/r1/DEV/GOV/2222/TESTPROV/petstore/v1/pets";
const CLIENT: (&str, &[u8]) = ("X-Road-Client", b"DEV/COM/1111/TESTCLI");

fn sha512(data: &[u8]) -> Digest {
    Digest::of(DigestAlgorithm::Sha512, data)
}

fn base64(digest: &Digest) -> String {
    STANDARD.encode(digest.as_bytes())
}

fn request(
    method: &str,
    path: &str,
    query: Option<&str>,
    headers: &[(&str, &[u8])],
) -> Result<Request, Error> {
    Request::from_client(method, path, query, headers, REQUEST_ID, GENERATED, "DEV")
}

fn with_body() -> Request {
    let headers: &[(&str, &[u8])] = &[
        ("Content-Type", b"application/json"),
        ("Accept", b"*/*"),
        CLIENT,
    ];
    request("POST", PATH, Some("lang=en"), headers).unwrap()
}

#[track_caller]
fn check_refused(path: &str, headers: &[(&str, &[u8])], expected: Error) {
    assert_eq!(request("GET", path, None, headers).unwrap_err(), expected);
}

#[track_caller]
fn check_block(block: &[u8], expected: Error) {
    assert_eq!(
        Request::from_block(Bytes::copy_from_slice(block)).unwrap_err(),
        expected
    );
}

#[track_caller]
fn check_response_block(block: &str, expected: Error) {
    let block = Bytes::copy_from_slice(block.as_bytes());
    assert_eq!(Response::from_block(block).unwrap_err(), expected);
}

#[test]
fn serialises_a_request_with_body_as_deployed_servers_do() {
    let request = with_body();
    let expected = "POST\r\n/r1/DEV/GOV/2222/TESTPROV/petstore/v1/pets?lang=en\r\n\
        Content-Type:application/json\r\nAccept:*/*\r\nX-Road-Client:DEV/COM/1111/TESTCLI\r\n\
        x-road-request-id:7d7a6c2e-9a54-4f0e-8c39-0f3f3c1b9a11\r\n\
        x-road-id:DEV-5b0c7a36-1f1e-4a53-9a3f-2a4c3b1d0e9f\r\n";
    assert_eq!(request.block(), expected);
    assert_eq!(request.block().len(), 245);
    let block = sha512(request.block());
    assert_eq!(
        base64(&block),
        "66maC58/1pP2aItYMvGfw0LRz9viEfljHa31TQgsu4F5lIJkL0NG9BS0K4hYRspyiFudQDzgFSmVJkw03/wdBA=="
    );
    let body = sha512(b"{\"name\":\"Rex\"}");
    assert_eq!(
        base64(&body),
        "ybwGMBy+7m/Hfb++aZZqpHMvJVOmD1S6zqfUVDyGUG6UaHXQbnmnZH2+PagYEea5F6Abfnevo2tvy7FamxgKkA=="
    );
    let hash = request_hash(&block, Some(&body));
    assert_eq!(
        base64(&hash),
        "Ub4C8WpGN7ocmZ0ihzBuxECAQPKgcTFwMHKDtWnvc3+9x6EGNRN+8fE6Tujtu4ohBx6z3JMPM8SPMALdGs5DxQ=="
    );
}

#[test]
fn serialises_a_request_without_body_as_deployed_servers_do() {
    let path = "/r1/DEV/GOV/2222/TESTPROV/petstore/v1/pets/7";
    let request = request("GET", path, None, &[CLIENT]).unwrap();
    assert_eq!(request.block().len(), 195);
    let hash = request_hash(&sha512(request.block()), None);
    assert_eq!(
        base64(&hash),
        "RvZvjEB6nWlnyC4cXdKMCCbuAHGG8s6UDg29KW613KQR6wA8OGYIsaUnFTZrpF/oOqq9011A2WpLaQmM9zUvLw=="
    );
}

#[test]
fn serialises_a_response_as_deployed_servers_do() {
    let request = with_body();
    let hash = request_hash(
        &sha512(request.block()),
        Some(&sha512(b"{\"name\":\"Rex\"}")),
    );
    let headers: &[(&str, &[u8])] = &[
        ("Content-Type", b"application/json"),
        ("Date", b"Fri, 06 Feb 2026 10:00:00 GMT"),
    ];
    let response = Response::new(200, "OK", headers, &request, &hash).unwrap();
    assert_eq!(response.block().len(), 377);
    assert_eq!(
        base64(&sha512(response.block())),
        "64i4UR7EqfC9p4GfnjPqv1e5yR40WJvRQ9r03TJ8lHWdlhQJi6zbSDo3ec/jzJGoFwsnwNm0iehoiKq3cRsqbg=="
    );
    let read = Response::from_block(response.block().clone()).unwrap();
    assert_eq!((read.status(), read.reason()), (200, "OK"));
    assert_eq!(read.headers(), response.headers());
    assert_eq!(read.check_consistency(&request, &hash), Ok(()));
    assert!(is_response(response.block()) && !is_response(request.block()));
}

#[test]
fn reads_what_the_request_says() {
    let headers: &[(&str, &[u8])] = &[
        ("x-road-client", b"DEV/COM/9999"),
        ("X-ROAD-CLIENT", b"DEV/COM/1111/a%2Fb"),
        ("X-Road-Id", b"first"),
        ("X-Road-Id", b"q-1"),
        ("X-Road-UserId", b"u"),
        ("X-Road-Issue", b"i"),
        ("X-Road-Security-Server", b"DEV/GOV/2222/ss1"),
        ("X-Road-Represented-Party", b"COM/33"),
    ];
    let made = request("DELETE", "/r1/DEV/GOV/22%2022/T/s/", Some(""), headers).unwrap();
    let read = Request::from_block(made.block().clone()).unwrap();
    for request in [made, read] {
        assert_eq!(request.method(), "DELETE");
        assert_eq!(request.client().to_string(), "SUBSYSTEM:DEV/COM/1111/a/b");
        assert_eq!(request.service().to_string(), "SERVICE:DEV/GOV/22 22/T/s");
        assert_eq!((request.service_path(), request.query()), ("/", Some("")));
        assert_eq!(request.id(), "q-1");
        assert_eq!(request.request_id(), REQUEST_ID.to_string());
        assert_eq!((request.user_id(), request.issue()), (Some("u"), Some("i")));
        assert_eq!(
            request.security_server().unwrap().to_string(),
            "SERVER:DEV/GOV/2222/ss1"
        );
        let party = request.represented_party().unwrap();
        assert_eq!(
            (party.class.as_deref(), party.code.as_deref()),
            (Some("COM"), Some("33"))
        );
        assert_eq!(request.headers().len(), 9);
        assert_eq!(request.header("X-road-ISSUE"), Some("i"));
    }
}

#[test]
fn the_service_path_is_what_follows_the_service_code() {
    let of = |path: &str| {
        request("GET", path, None, &[CLIENT])
            .unwrap()
            .service_path()
            .to_owned()
    };
    assert_eq!(of("/r1/a/b/c/d/e"), "");
    assert_eq!(of("/r1/a/b/c/d/e/"), "/");
    assert_eq!(of("/r1/a/b/c/d/e//f%2Fg;h=1/../i"), "//f%2Fg;h=1/../i");
}

#[test]
fn leaves_out_headers_of_the_connection_and_ids_only_we_give() {
    let mut headers: Vec<(&str, &[u8])> = vec![CLIENT];
    headers.extend(
        crate::header::SKIPPED
            .iter()
            .map(|name| (*name, b"x".as_slice())),
    );
    headers.extend([
        ("X-ROAD-REQUEST-ID", b"forged".as_slice()),
        ("x-road-request-hash", b"forged"),
        ("HOST", b"x"),
        ("Cookie", b"a=b"),
        ("cookie", b"c=d"),
        ("X-Road-Id", b""),
    ]);
    let request = request("GET", PATH, None, &headers).unwrap();
    let names: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let expected = [
        "X-Road-Client",
        "Cookie",
        "cookie",
        "X-Road-Id",
        "x-road-request-id",
        "x-road-id",
    ];
    assert_eq!(names, expected);
    assert_eq!(request.id(), format!("DEV-{GENERATED}"));
}

#[test]
fn header_values_are_utf8_or_latin1() {
    let headers: &[(&str, &[u8])] = &[CLIENT, ("a", "ə".as_bytes()), ("b", b"\xE4"), ("c", b"")];
    let request = request("GET", PATH, None, headers).unwrap();
    assert_eq!(request.header("a"), Some("ə"));
    assert_eq!(request.header("b"), Some("ä"));
    assert_eq!(request.header("c"), Some(""));
    assert!(
        std::str::from_utf8(request.block())
            .unwrap()
            .contains("\r\nb:ä\r\nc:\r\n")
    );
}

#[test]
fn refuses_malformed_requests() {
    assert_eq!(
        request("get", PATH, None, &[CLIENT]).unwrap_err(),
        Error::Method
    );
    assert_eq!(
        request("CONNECT", PATH, None, &[CLIENT]).unwrap_err(),
        Error::Method
    );
    assert_eq!(
        request("GET", PATH, Some("a b"), &[CLIENT]).unwrap_err(),
        Error::Target
    );
    assert_eq!(
        request("GET", PATH, Some("a#b"), &[CLIENT]).unwrap_err(),
        Error::Target
    );
    check_refused("/r1/a/b/c/d", &[CLIENT], Error::Path);
    check_refused("/r2/a/b/c/d/e", &[CLIENT], Error::Version);
    check_refused("/rest/a/b/c/d/e", &[CLIENT], Error::Path);
    check_refused("/r1/a/b/c/d/e/f g", &[CLIENT], Error::Target);
    check_refused("/r1/a/b/c/d/e\r\nX:y", &[CLIENT], Error::Target);
    check_refused("//r1/a/b/c/d/e", &[CLIENT], Error::Target);
    check_refused("http://r1/a/b/c/d/e", &[CLIENT], Error::Target);
    let blank = id::Error::Blank {
        component: "memberClass",
    };
    check_refused(
        "/r1/a//c/d/e",
        &[CLIENT],
        Error::Identifier {
            place: "path",
            error: blank,
        },
    );
    check_refused(PATH, &[], Error::MissingClient);
    let components = |place, expected, found| Error::Identifier {
        place,
        error: id::Error::Components { expected, found },
    };
    check_refused(
        PATH,
        &[("x-road-client", b"a/b")],
        components("x-road-client", "3 or 4", 2),
    );
    let server = ("x-road-security-server", b"a/b/c".as_slice());
    check_refused(
        PATH,
        &[CLIENT, server],
        components("x-road-security-server", "4", 3),
    );
    let party = ("x-road-represented-party", b"a/b/c".as_slice());
    let error = id::Error::BadCharacter { found: b'/' };
    let place = "x-road-represented-party";
    check_refused(PATH, &[CLIENT, party], Error::Identifier { place, error });
    check_refused(PATH, &[CLIENT, ("a", b"b\r\nc: d")], Error::HeaderLine);
    check_refused(PATH, &[CLIENT, ("a:b", b"")], Error::HeaderLine);
    check_refused(PATH, &[CLIENT, ("", b"")], Error::HeaderLine);
    assert_eq!(Error::MissingClient.code(), "invalid_client_identifier");
    assert_eq!(Error::Target.code(), "internal_error");
}

#[test]
fn refuses_malformed_blocks() {
    const GOOD: &str = "GET\r\n/r1/a/b/c/d/e\r\nx-road-client:a/b/c\r\n";
    let block = |more: &str| [GOOD, more].concat().into_bytes();
    assert!(Request::from_block(block("a:b:c\r\n").into()).is_ok());
    check_block(b"", Error::LineEnd);
    check_block(b"GET\r\n", Error::LineEnd);
    check_block(b"GET\n/r1/a/b/c/d/e\nx-road-client:a/b/c\n", Error::LineEnd);
    check_block(&block("a:b"), Error::LineEnd);
    check_block(&block("a:b\rc:d\r\n"), Error::LineEnd);
    check_block(&block("\r\n"), Error::HeaderLine);
    check_block(&block("ab\r\n"), Error::HeaderLine);
    check_block(&block(":b\r\n"), Error::HeaderLine);
    check_block(&block("a b:c\r\n"), Error::HeaderLine);
    check_block(&block("a:\u{1}\r\n"), Error::HeaderLine);
    check_block(&block("Host:x\r\n"), Error::SkippedHeader { name: "host" });
    check_block(&[GOOD.as_bytes(), b"a:\xFF\r\n"].concat(), Error::NotUtf8);
    check_block(
        b"BREW\r\n/r1/a/b/c/d/e\r\nx-road-client:a/b/c\r\n",
        Error::Method,
    );
    check_block(
        b"GET\r\nhttp://h/r1/a/b/c/d/e\r\nx-road-client:a/b/c\r\n",
        Error::Target,
    );
    check_block(b"GET\r\n/r1/a/b/c/d/e\r\n", Error::MissingClient);
}

#[test]
fn refuses_malformed_response_blocks() {
    let tail = "x-road-id:q\r\nx-road-request-hash:AAAA\r\n";
    let good = format!("204\r\n\r\n{tail}");
    assert!(Response::from_block(good.into()).is_ok());
    for status in ["", "0200", "099", "2x0", "-20", "20", "20000", "+20"] {
        check_response_block(&format!("{status}\r\nOK\r\n{tail}"), Error::Status);
    }
    let missing = |name| Error::MissingHeader { name };
    check_response_block("200\r\n\r\nx-road-id:q\r\n", missing("x-road-request-hash"));
    check_response_block(
        "200\r\n\r\nx-road-request-hash:AAAA\r\n",
        missing("x-road-id"),
    );
    check_response_block(
        "200\r\n\r\nx-road-id:\r\nx-road-request-hash:AAAA\r\n",
        missing("x-road-id"),
    );
    let bad = Error::BadHeader {
        name: "x-road-request-hash",
    };
    check_response_block("200\r\n\r\nx-road-id:q\r\nx-road-request-hash:!\r\n", bad);
    let error = id::Error::Components {
        expected: "5",
        found: 4,
    };
    let place = "x-road-service";
    check_response_block(
        &format!("200\r\n\r\nx-road-service:a/b/c/d\r\n{tail}"),
        Error::Identifier { place, error },
    );
}

#[test]
fn a_service_cannot_speak_for_the_node() {
    let request = with_body();
    let hash = sha512(b"x");
    let headers: &[(&str, &[u8])] = &[
        ("X-Road-Id", b"forged"),
        ("X-Road-Client", b"forged"),
        ("X-Road-Service", b"forged"),
        ("X-Road-Request-Id", b"forged"),
        ("X-Road-Request-Hash", b"forged"),
        ("X-Road-Error", b"forged"),
        ("Content-Length", b"3"),
        ("X-Road-Issue", b"kept"),
    ];
    let response = Response::new(200, "", headers, &request, &hash).unwrap();
    assert!(
        !std::str::from_utf8(response.block())
            .unwrap()
            .contains("forged")
    );
    assert_eq!(response.headers().len(), 6);
    assert_eq!(response.header("x-road-issue"), Some("kept"));
}

#[test]
fn names_what_does_not_answer_the_request() {
    let request = with_body();
    let hash = sha512(b"x");
    let good = Response::new(200, "OK", &[], &request, &hash).unwrap();
    let check = |from: &str, to: &str, name: &'static str| {
        let text = std::str::from_utf8(good.block()).unwrap().replace(from, to);
        let response = Response::from_block(text.into()).unwrap();
        assert_eq!(response.check_consistency(&request, &hash), Err(name));
    };
    check("/TESTCLI", "", "x-road-client");
    check("x-road-client:", "x-other:", "x-road-client");
    check("/petstore", "/bookstore", "x-road-service");
    check("x-road-service:", "x-other:", "x-road-service");
    check("x-road-id:DEV", "x-road-id:dev", "x-road-id");
    check(
        "x-road-request-id:7",
        "x-road-request-id:8",
        "x-road-request-id",
    );
    assert_eq!(
        good.check_consistency(&request, &sha512(b"y")),
        Err("x-road-request-hash")
    );
}

proptest! {
    #[test]
    fn what_was_made_reads_back(
        path in "(/[a-z0-9._~;=%20]{0,6}){0,4}",
        query in proptest::option::of("[a-z=&?/]{0,10}"),
        headers in proptest::collection::vec(("[a-zA-Z-]{1,12}", "[ -~ä]{0,20}"), 0..6),
    ) {
        let path = format!("/r1/a/b/c/d/e{path}").replace('%', "%20");
        let mut list: Vec<(&str, &[u8])> = vec![CLIENT];
        list.extend(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let made = request("PUT", &path, query.as_deref(), &list).unwrap();
        let read = Request::from_block(made.block().clone()).unwrap();
        prop_assert_eq!(read.headers(), made.headers());
        prop_assert_eq!(read.service_path(), made.service_path());
        prop_assert_eq!(read.query(), made.query());
        prop_assert_eq!(read.id(), made.id());
        let hash = sha512(b"");
        let response = Response::new(404, "", &list, &made, &hash).unwrap();
        let read = Response::from_block(response.block().clone()).unwrap();
        prop_assert_eq!(read.headers(), response.headers());
        prop_assert_eq!(read.check_consistency(&made, &hash), Ok(()));
    }

    #[test]
    fn no_bytes_stop_the_reader(block in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _any = Request::from_block(block.clone().into());
        let _any = Response::from_block(block.into());
    }
}

#[test]
fn a_reduced_request_has_no_path_query_or_header_of_the_service() {
    let request = with_body();
    let reduced = Request::from_block(request.reduced()).unwrap();
    assert_eq!(reduced.path(), "/r1/DEV/GOV/2222/TESTPROV/petstore");
    assert_eq!((reduced.query(), reduced.method()), (None, "POST"));
    assert_eq!(
        (
            reduced.client(),
            reduced.service(),
            reduced.id(),
            reduced.request_id()
        ),
        (
            request.client(),
            request.service(),
            request.id(),
            request.request_id()
        )
    );
    let names: Vec<_> = reduced.headers().iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["X-Road-Client", "x-road-request-id", "x-road-id"]);
    // Nothing was there to cut.
    let bare = request_of("/r1/DEV/GOV/2222/TESTPROV/petstore");
    assert_eq!(bare.reduced(), bare.block());
}

fn request_of(path: &str) -> Request {
    request("GET", path, None, &[CLIENT]).unwrap()
}

#[test]
fn a_reduced_response_keeps_status_and_what_binds_it() {
    let request = with_body();
    let hash = sha512(request.block());
    let headers: &[(&str, &[u8])] = &[
        ("Content-Type", b"application/json"),
        ("x-roadside", b"no"),
        ("x-road", b"no"),
        ("X-ROAD-Note", b"yes"),
    ];
    let response = Response::new(404, "Not here", headers, &request, &hash).unwrap();
    let reduced = Response::from_block(response.reduced()).unwrap();
    assert_eq!((reduced.status(), reduced.reason()), (404, "Not here"));
    assert_eq!(reduced.check_consistency(&request, &hash), Ok(()));
    assert_eq!(reduced.header("x-road-note"), Some("yes"));
    for gone in ["content-type", "x-roadside", "x-road"] {
        assert_eq!(reduced.header(gone), None);
    }
}
