//! What is printed for people must not name persons.

use bytes::Bytes;
use gateway_proto::{Limits, envelope, fault, mime, rest, soap};
use uuid::Uuid;

/// An identification number that must not be seen again.
const SECRET: &str = "7ABCDEF";

#[track_caller]
fn check(shown: impl std::fmt::Debug) {
    let shown = format!("{shown:?}");
    assert!(
        !shown.contains(SECRET) && !shown.contains("55, 65, 66"),
        "{shown}"
    );
}

#[test]
fn debug_output_shows_no_contents() {
    let limits = Limits::default();
    let headers = mime::Headers(vec![("Content-Disposition".into(), SECRET.into())]);
    check(&headers);

    let mut encoder = envelope::Encoder::new([1; 32]);
    let mut out = Vec::new();
    encoder.soap(&mut out, "text/xml", SECRET.as_bytes());
    encoder.attachment_start(&mut out, &headers);
    out.extend_from_slice(SECRET.as_bytes());
    encoder.signature(&mut out, None, SECRET.as_bytes());
    encoder.end(&mut out);
    let mut decoder = envelope::Decoder::new(&encoder.content_type(), &limits).unwrap();
    for byte in out {
        decoder.push(Bytes::copy_from_slice(&[byte]));
        check(&decoder);
        while let Some(part) = decoder.next_part().unwrap() {
            check(&part);
        }
    }

    let mut decoder = soap::multipart::Decoder::new("b", &limits).unwrap();
    let text = format!(
        "--b\r\nContent-Type: text/xml\r\n\r\n{SECRET}\r\n--b\r\nContent-Type: a/b\r\n\r\n{SECRET}\r\n--b--"
    );
    for byte in text.into_bytes() {
        decoder.push(Bytes::copy_from_slice(&[byte]));
        check(&decoder);
        while let Some(part) = decoder.next_part().unwrap() {
            check(&part);
        }
    }

    let path = format!("/r1/a/b/c/d/e/{SECRET}");
    let list: &[(&str, &[u8])] = &[
        ("x-road-client", b"a/b/c"),
        ("x-road-userid", SECRET.as_bytes()),
    ];
    let ids = (Uuid::nil(), Uuid::nil());
    let request =
        rest::Request::from_client("GET", &path, Some(SECRET), list, ids.0, ids.1, "AZ").unwrap();
    check(&request);
    let hash = certs_keys::Digest::of(certs_keys::DigestAlgorithm::Sha512, b"");
    check(rest::Response::new(200, SECRET, list, &request, &hash).unwrap());

    let xml = format!(
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><e:Fault>\
         <faultcode>x</faultcode><faultstring>{SECRET}</faultstring><detail>{SECRET}</detail>\
         </e:Fault></e:Body></e:Envelope>"
    );
    check(fault::Fault::from_xml(xml.into(), "text/xml", &limits).unwrap());
}

#[test]
fn errors_show_no_contents() {
    let limits = Limits::default();
    for text in [
        format!("<{SECRET}/>"),
        format!("<a>&{SECRET};</a>"),
        format!("<a>{SECRET}"),
    ] {
        let mut error: &dyn std::error::Error =
            &soap::parse(text.into(), "text/xml", &limits).unwrap_err();
        loop {
            check(error);
            assert!(!error.to_string().contains(SECRET));
            match error.source() {
                Some(source) => error = source,
                None => break,
            }
        }
    }
}
