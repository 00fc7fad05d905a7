//! SOAP envelopes and faults, identifiers, media types.

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_proto::fault::Fault;
use gateway_proto::id::{ClientId, GlobalGroupId, MemberId, ServerId, ServiceId};
use gateway_proto::mime::MediaType;
use gateway_proto::soap::{self, Message, Parsed, entity::Entity};
use gateway_proto::{Limits, soap::validate_soap_action};
use gateway_xml::Document;

/// The bytes are kept, the body lies in them, and a request hash changes nothing else.
pub fn soap_envelope(data: &[u8]) {
    for content_type in ["text/xml; charset=utf-8", "application/xop+xml"] {
        match soap::parse(Bytes::copy_from_slice(data), content_type, &limits()) {
            Ok(Parsed::Message(message)) => check_message(data, &message),
            Ok(Parsed::Fault(fault)) => assert_eq!(fault.original.as_deref(), Some(data)),
            Err(_) => {}
        }
    }
}

fn check_message(data: &[u8], message: &Message) {
    assert!(data.len() <= limits().soap_bytes_max);
    assert_eq!(message.bytes(), data);
    let body = &data[message.body_range()];
    assert_eq!(message.body(), body);
    assert!(!message.header().id.is_empty());
    soap::check_echo(message.header(), message.header()).expect("it is its own echo");

    let digest = Digest::of(DigestAlgorithm::Sha512, data);
    let answered = message.with_request_hash(&digest);
    assert_eq!(answered.body(), body);
    let read = soap::parse(
        answered.bytes().clone(),
        message.content_type(),
        &Limits::default(),
    );
    let Ok(Parsed::Message(read)) = read else {
        panic!("with a request hash it is no message any more: {read:?}");
    };
    assert!(read.header() == answered.header(), "{:?}", read.header());
    assert_eq!(read.body_range(), answered.body_range());
    soap::check_echo(message.header(), read.header()).expect("nothing else has changed");
    let again = read.with_request_hash(&digest);
    assert!(
        again.header() == read.header(),
        "a second time changes nothing but white space"
    );
    assert_eq!(again.body(), body);
}

/// What we make of a fault says the same.
pub fn soap_fault(data: &[u8]) {
    let xml = Bytes::copy_from_slice(data);
    let Ok(fault) = Fault::from_xml(xml, "text/xml", &limits()) else {
        return;
    };
    assert_eq!(
        fault.to_xml(),
        data,
        "a received fault is relayed unchanged"
    );
    let ours = Fault {
        original: None,
        ..fault.clone()
    };
    let read = Fault::from_xml(ours.to_xml(), "text/xml", &Limits::default()).expect("a fault");
    assert_eq!(read.code, ours.code);
    assert_eq!(
        read.string.unwrap_or_default(),
        ours.string.clone().unwrap_or_default()
    );
    assert_eq!(read.detail, ours.detail);

    let (_, json) = ours.to_rest_error(&["application/json"]);
    let json: serde_json::Value = serde_json::from_slice(&json).expect("it is JSON");
    assert_eq!(json["type"], ours.code.as_str());
    let (_, xml) = ours.to_rest_error(&["text/xml"]);
    Document::parse(&xml, gateway_xml::Limits::default()).expect("it is XML");
    assert!(matches!(ours.rest_status(), 400 | 500));
    assert_eq!(
        fault
            .code
            .clone()
            .with_prefix("server")
            .with_prefix("server"),
        fault.code.clone().with_prefix("server")
    );
    assert_eq!(
        fault.code.canonical(),
        gateway_proto::fault::Code::new(fault.code.canonical()).canonical()
    );
}

/// An accepted action is empty, or a quoted reference without what could end the header.
pub fn soap_action(data: &[u8]) {
    if validate_soap_action(data) {
        assert!(
            data.is_empty() || data.len() >= 2 && data.starts_with(b"\"") && data.ends_with(b"\"")
        );
        assert!(data.iter().all(|byte| !byte.is_ascii_control()));
    }
}

/// Written and read again, an identifier is the same; so it is through JSON.
pub fn identifier(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(id) = MemberId::from_rest(text) {
        assert_eq!(MemberId::from_rest(&id.to_rest()).as_ref(), Ok(&id));
        check_json(&id);
    }
    if let Ok(id) = ClientId::from_rest(text) {
        assert_eq!(ClientId::from_rest(&id.to_rest()).as_ref(), Ok(&id));
        check_json(&id);
    }
    if let Ok(id) = ServiceId::from_rest(text) {
        assert_eq!(ServiceId::from_rest(&id.to_rest()).as_ref(), Ok(&id));
        check_json(&id);
    }
    if let Ok(id) = text.parse::<ServiceId>() {
        check_json(&id);
    }
    if let Ok(id) = ServerId::from_rest(text) {
        assert_eq!(ServerId::from_rest(&id.to_rest()).as_ref(), Ok(&id));
        check_json(&id);
    }
    if let Ok(id) = GlobalGroupId::from_rest(text) {
        assert_eq!(GlobalGroupId::from_rest(&id.to_rest()).as_ref(), Ok(&id));
        check_json(&id);
    }
}

fn check_json<T>(id: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let text = serde_json::to_string(id).expect("an identifier is a string");
    assert!(text.is_ascii(), "percent-encoded");
    assert_eq!(
        &serde_json::from_str::<T>(&text).expect("it reads what it wrote"),
        id
    );
}

/// With every value quoted, it is the same media type.
pub fn media_type(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _entity = Entity::of(Some(text));
    let Some(media_type) = MediaType::parse(text) else {
        return;
    };
    let mut written = media_type.base.clone();
    for (name, value) in &media_type.parameters {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        written.push_str(&format!("; {name}=\"{value}\""));
    }
    assert_eq!(MediaType::parse(&written).as_ref(), Some(&media_type));
}

/// Narrow enough for small inputs to reach them.
fn limits() -> Limits {
    Limits {
        soap_bytes_max: 40_000,
        xml_depth_max: 20,
        ..Limits::default()
    }
}
