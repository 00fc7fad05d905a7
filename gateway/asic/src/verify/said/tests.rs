use super::*;

#[track_caller]
fn check_direction(element: &str, service: &str, expected: Direction) {
    assert_eq!(direction(element, service), expected, "{element} {service}");
}

#[test]
fn tells_requests_from_responses_by_the_element_in_the_body() {
    check_direction("lookup", "lookup", Direction::Request);
    check_direction("lookupResponse", "lookup", Direction::Response);
    // The service itself is named so.
    check_direction("lookupResponse", "lookupResponse", Direction::Request);
    check_direction(
        "lookupResponseResponse",
        "lookupResponse",
        Direction::Response,
    );
    // Nodes look at the beginning only.
    check_direction("lookupV2", "lookup", Direction::Request);
    check_direction("lookupV2Response", "lookup", Direction::Response);
}

#[track_caller]
fn check_body(body: &str, name: &str, is_empty: bool) {
    let text = format!(
        "<e:Envelope xmlns:e=\"{SOAP}\"><e:Header><Body><x/></Body></e:Header>\
         <!-- <Body/> --><e:Body>{body}</e:Body><other><deep>text</deep></other></e:Envelope>"
    );
    let child = body_child(text.as_bytes()).unwrap();
    assert_eq!(
        (child.name.as_str(), child.is_empty),
        (name, is_empty),
        "{body}"
    );
}

#[test]
fn finds_the_element_in_the_body() {
    check_body("<a/>", "a", true);
    check_body(" <p:a xmlns:p=\"urn:p\"> <!-- x --> </p:a> ", "a", true);
    check_body("<a>x</a>", "a", false);
    check_body("<a><b/></a>", "a", false);
    check_body("<a><![CDATA[x]]></a>", "a", false);
}

#[test]
fn tells_soap_from_rest_by_the_first_octets() {
    for text in ["<x/>", "\u{FEFF}<x/>", " \n<x/>"] {
        let error = read(&Bytes::copy_from_slice(text.as_bytes())).unwrap_err();
        assert!(matches!(error, Error::Soap(_)), "{text:?}");
    }
    for text in ["GET\r\n", "200\r\n", "", "\u{FEFF}GET"] {
        let error = read(&Bytes::copy_from_slice(text.as_bytes())).unwrap_err();
        assert!(matches!(error, Error::Rest(_)), "{text:?}");
    }
}
