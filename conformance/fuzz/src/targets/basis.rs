//! What a request says of its legal basis.

use bytes::Bytes;
use gateway_proto::basis::{Basis, Error};
use gateway_proto::rest::Request;
use gateway_proto::soap::{self, Parsed};
use gateway_proto::{Limits, basis};
use uuid::Uuid;

/// Header blocks of an envelope. What is read is read the same when it is written again, in both
/// protocols; and however the block is broken, the message is one without it.
pub fn basis_block(data: &[u8]) {
    let Ok(blocks) = std::str::from_utf8(data) else {
        return;
    };
    let Some(read) = from_soap(blocks) else {
        return;
    };
    if let Ok(basis) = read {
        check_written(&basis);
    }
}

/// Header lines of a client's request: a peer reads the same from the block, and what is read is read
/// the same when it is written again.
pub fn basis_headers(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').take(64);
    let headers: Vec<(&str, &[u8])> = lines
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((
                std::str::from_utf8(&line[..colon]).ok()?,
                &line[colon + 1..],
            ))
        })
        .collect();
    if let Some(Ok(basis)) = from_rest(&headers) {
        check_written(&basis);
    }
}

fn check_written(basis: &Basis) {
    for (text, bytes_max) in [
        (&basis.purpose, basis::CODE_BYTES_MAX),
        (&basis.authentication, basis::CODE_BYTES_MAX),
        (&basis.consent, basis::CONSENT_BYTES_MAX),
        (&basis.emergency, basis::EMERGENCY_BYTES_MAX),
    ] {
        let length = text.as_ref().map_or(1, String::len);
        assert!((1..=bytes_max).contains(&length));
    }
    let block = basis.to_soap().unwrap_or_default();
    assert_eq!(from_soap(&block), Some(Ok(basis.clone())));
    let headers = basis.to_headers();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    assert_eq!(from_rest(&headers), Some(Ok(basis.clone())));
}

/// `None`: it is no message with these blocks.
fn from_soap(blocks: &str) -> Option<Result<Basis, Error>> {
    let text = [HEAD, blocks, TAIL].concat();
    match soap::parse(Bytes::from(text), "text/xml", &Limits::default()) {
        Ok(Parsed::Message(message)) => Some(message.header().basis.clone()),
        Ok(Parsed::Fault(_)) | Err(_) => None,
    }
}

fn from_rest(headers: &[(&str, &[u8])]) -> Option<Result<Basis, Error>> {
    let client: (&str, &[u8]) = ("x-road-client", b"AZ/GOV/1/c");
    let headers = [headers, &[client]].concat();
    let (id, path) = (Uuid::nil(), "/r1/AZ/GOV/2/s/code");
    let request = Request::from_client("GET", path, None, &headers, id, id, "AZ").ok()?;
    let received = Request::from_block(request.block().clone()).expect("as it was written");
    assert_eq!(received.basis(), request.basis());
    Some(request.basis())
}

const HEAD: &str = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
    xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\" \
    xmlns:k=\"urn:karvan:basis:1\"><e:Header>\
    <x:client i:objectType=\"MEMBER\"><i:xRoadInstance>AZ</i:xRoadInstance>\
    <i:memberClass>GOV</i:memberClass><i:memberCode>1</i:memberCode></x:client>\
    <x:service i:objectType=\"SERVICE\"><i:xRoadInstance>AZ</i:xRoadInstance>\
    <i:memberClass>GOV</i:memberClass><i:memberCode>2</i:memberCode>\
    <i:serviceCode>lookup</i:serviceCode></x:service>";
const TAIL: &str = "<x:id>q</x:id><x:protocolVersion>4.0</x:protocolVersion></e:Header>\
    <e:Body><lookup/></e:Body></e:Envelope>";
