use certs_keys::KeyKind;
use proptest::prelude::*;

use super::*;
use crate::testing;
use crate::{Anchor, Source};

fn version(number: u8) -> Version {
    Version::new(number).unwrap()
}

/// Shared parameters without certificates: `top` stands before the members, `server` in the one
/// server, `rest` after the settings.
fn document(top: &str, server: &str, rest: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><c:conf xmlns:c="http://x-road.eu/xsd/xroad.xsd" xmlns:i="http://x-road.eu/xsd/identifiers">
        <instanceIdentifier>DEV</instanceIdentifier>{top}
        <member id="m1"><memberClass><code>GOV</code><description>d</description></memberClass>
          <memberCode>1</memberCode><name>n</name>
          <subsystem id="s1"><subsystemCode>sub</subsystemCode></subsystem></member>
        <securityServer><owner> m1 </owner><serverCode>node</serverCode>{server}</securityServer>
        <globalSettings><memberClass><code>GOV</code><description>d</description></memberClass>
          <ocspFreshnessSeconds> 42 </ocspFreshnessSeconds></globalSettings>{rest}</c:conf>"#
    )
}

const SOURCE: &str = "<source><address>cs</address></source>";

#[track_caller]
fn check(top: &str, server: &str, rest: &str, number: u8, expected: Option<&str>) {
    let xml = document(top, server, rest);
    let found = SharedParams::from_xml(xml.as_bytes(), version(number), "DEV");
    assert_eq!(
        found.err().map(|error| error.to_string()).as_deref(),
        expected
    );
}

#[test]
fn reads_a_minimal_document_of_every_version() {
    check("", "", "", 2, None);
    for number in 3..=6 {
        check(SOURCE, "", "", number, None);
    }
}

#[test]
fn knows_from_which_version_on_an_element_may_stand() {
    let unexpected = |parent: &str, found: &str| {
        format!("element {found:?} is not allowed at its place in {parent:?}")
    };
    check(SOURCE, "", "", 2, Some(&unexpected("conf", "source")));
    check("", "", "", 3, Some(r#""conf" lacks "source""#));
    let maintenance = "<inMaintenanceMode/>";
    let refused = unexpected("securityServer", "inMaintenanceMode");
    check(SOURCE, maintenance, "", 4, Some(&refused));
    check(SOURCE, maintenance, "", 5, None);
    let other = r#"<new xmlns="urn:x">1</new>"#;
    check("", "", other, 2, Some(&unexpected("conf", "new")));
    check(SOURCE, "", other, 3, None);
    check(
        SOURCE,
        "",
        "<member/>",
        6,
        Some(&unexpected("conf", "member")),
    );
}

#[test]
fn refuses_elements_out_of_order_missing_or_repeated() {
    let refused = |found: &str| {
        format!("element {found:?} is not allowed at its place in \"securityServer\"")
    };
    check(
        SOURCE,
        "<client>s1</client><address>a</address>",
        "",
        6,
        Some(&refused("address")),
    );
    check(
        SOURCE,
        "<address>a</address><address>a</address>",
        "",
        6,
        Some(&refused("address")),
    );
    check(SOURCE, "<unknown/>", "", 6, Some(&refused("unknown")));
    check(
        SOURCE,
        "text",
        "",
        6,
        Some(r#""securityServer" holds text between its elements"#),
    );
    check("<source/>", "", "", 6, Some(r#""source" lacks "address""#));
}

#[test]
fn refuses_values_that_are_not_of_their_type() {
    check(
        SOURCE,
        "<authCertHash>!</authCertHash>",
        "",
        6,
        Some(r#""authCertHash" is not base64"#),
    );
    check(
        "<source><address><b/></address></source>",
        "",
        "",
        6,
        Some(r#"element "b" is not allowed at its place in "address""#),
    );
}

#[test]
fn refuses_references_to_nobody_and_identifiers_given_twice() {
    check(
        SOURCE,
        "<client>x</client>",
        "",
        6,
        Some(r#""client" refers to "x", which it cannot"#),
    );
    let xml = document(SOURCE, "", "").replace("id=\"s1\"", "id=\"m1\"");
    let error = SharedParams::from_xml(xml.as_bytes(), version(6), "DEV").unwrap_err();
    assert!(matches!(error, Error::DuplicateId { id } if id == "m1"));
    let xml = document(SOURCE, "", "").replace("<owner> m1 </owner>", "<owner>s1</owner>");
    let error = SharedParams::from_xml(xml.as_bytes(), version(6), "DEV").unwrap_err();
    assert!(matches!(
        error,
        Error::Reference {
            element: "owner",
            ..
        }
    ));
}

#[test]
fn refuses_a_document_of_another_instance_or_kind() {
    let xml = document(SOURCE, "", "");
    let error = SharedParams::from_xml(xml.as_bytes(), version(6), "PROD").unwrap_err();
    assert!(matches!(error, Error::Instance { .. }));
    let error = PrivateParams::from_xml(xml.as_bytes(), version(6), "DEV").unwrap_err();
    assert!(matches!(
        error,
        Error::Missing {
            element: "managementService",
            ..
        } | Error::Unexpected { .. }
    ));
    let xml = xml.replace("x-road.eu/xsd/xroad.xsd", "example.org");
    let error = SharedParams::from_xml(xml.as_bytes(), version(6), "DEV").unwrap_err();
    assert!(matches!(error, Error::Root { .. }));
}

#[test]
fn leaves_out_a_certificate_that_cannot_be_read_and_says_so() {
    let authority = "<approvedCA><name>A</name><topCA><cert>YmFyCg==</cert></topCA>\
                     <certificateProfileInfo>p</certificateProfileInfo></approvedCA>";
    let xml = document(&format!("{SOURCE}{authority}"), "", "");
    let shared = SharedParams::from_xml(xml.as_bytes(), version(6), "DEV").unwrap();
    assert_eq!(shared.authorities[0].top, None);
    assert_eq!(shared.left_out.len(), 1);
    assert_eq!(shared.left_out[0].place, "approvedCA \"A\"");
}

#[test]
fn reads_group_members_by_their_components() {
    let group = |kind: &str, subsystem: &str| {
        format!(
            "<globalGroup><groupCode>g</groupCode><description/><groupMember i:objectType=\"{kind}\">\
             <i:xRoadInstance>DEV</i:xRoadInstance><i:memberClass>GOV</i:memberClass>\
             <i:memberCode>1</i:memberCode>{subsystem}</groupMember></globalGroup>"
        )
    };
    let read = |kind: &str, subsystem: &str| {
        let group = group(kind, subsystem);
        let xml = document(SOURCE, "", "")
            .replace("</securityServer>", &format!("</securityServer>{group}"));
        let shared = SharedParams::from_xml(xml.as_bytes(), version(6), "DEV")?;
        Ok::<_, Error>((shared.groups[0].members.clone(), shared.left_out.len()))
    };
    let subsystem = "<i:subsystemCode>sub</i:subsystemCode>";
    let member = testing::member("DEV", "1");
    assert_eq!(read("MEMBER", "").unwrap(), (vec![member.into()], 0));
    let expected = (vec![testing::client("DEV", "1", "sub")], 0);
    assert_eq!(read("SUBSYSTEM", subsystem).unwrap(), expected);
    assert_eq!(read("MEMBER", subsystem).unwrap(), expected);
    assert_eq!(read("SUBSYSTEM", "").unwrap(), (vec![], 1));
    assert!(read("SERVICE", "").is_err());
}

#[test]
fn reads_the_optional_parts_and_writes_them_back() {
    let interval = FetchInterval { seconds: 900 };
    assert_eq!(
        FetchInterval::from_xml(&interval.to_xml()).unwrap(),
        interval
    );
    let next_update = NextUpdate { verify: false };
    assert_eq!(
        NextUpdate::from_xml(&next_update.to_xml()).unwrap(),
        next_update
    );
    assert!(FetchInterval::from_xml(&next_update.to_xml()).is_err());
    let monitoring = "<x:conf xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\"><monitoringClient>\
        <monitoringClientId xmlns:i=\"http://x-road.eu/xsd/identifiers\" i:objectType=\"MEMBER\">\
        <i:xRoadInstance>DEV</i:xRoadInstance><i:memberClass>GOV</i:memberClass>\
        <i:memberCode>1</i:memberCode></monitoringClientId></monitoringClient></x:conf>";
    let read = Monitoring::from_xml(monitoring.as_bytes()).unwrap();
    assert_eq!(read.client, Some(testing::member("DEV", "1").into()));
}

#[test]
fn reads_back_what_it_wrote_in_both_versions() {
    let (_, certificate) = testing::signer("ca", KeyKind::P256);
    let written = testing::shared("DEV", &certificate);
    for number in [5, 6] {
        let xml = written.to_xml(version(number)).unwrap();
        let read = SharedParams::from_xml(&xml, version(number), "DEV").unwrap();
        let mut expected = written.clone();
        if number == 5 {
            expected.timestampers[0].cost = None;
            expected.authorities[0].default_csr_format = None;
            let top = expected.authorities[0].top.as_mut().unwrap();
            top.responders[0].cost = None;
        }
        assert_eq!(format!("{read:?}"), format!("{expected:?}"));
    }
    assert!(written.to_xml(version(4)).is_err());
}

#[test]
fn refuses_to_write_a_server_of_nobody() {
    let (_, certificate) = testing::signer("ca", KeyKind::P256);
    let mut shared = testing::shared("DEV", &certificate);
    shared.servers[0]
        .clients
        .push(testing::client("DEV", "7", "gone"));
    assert!(matches!(
        shared.to_xml(version(6)),
        Err(Error::Reference {
            element: "client",
            ..
        })
    ));
}

fn anchor() -> Anchor {
    let (_, certificate) = testing::signer("internalSigningKey", KeyKind::P256);
    let source = |scheme: &str| Source {
        download_url: format!("{scheme}://registry.example/internalconf"),
        verification_certificates: vec![certificate.clone(), certificate.clone()],
    };
    Anchor {
        instance: "DEV".to_owned(),
        generated_at: Some(testing::time("2030-01-02T03:04:05.678Z")),
        sources: vec![source("http"), source("https")],
    }
}

#[test]
fn reads_back_private_parameters_with_trusted_anchors() {
    let mut written = testing::private("DEV");
    written.trusted_anchors = vec![Anchor {
        instance: "PARTNER".to_owned(),
        ..anchor()
    }];
    let read = PrivateParams::from_xml(&written.to_xml(), version(6), "DEV").unwrap();
    assert_eq!(format!("{read:?}"), format!("{written:?}"));
}

#[test]
fn reads_back_an_anchor_and_refuses_one_with_an_unreadable_certificate() {
    let written = anchor();
    let xml = String::from_utf8(written.to_xml()).unwrap();
    assert!(xml.contains("<generatedAt>2030-01-02T03:04:05.678Z</generatedAt>"));
    assert_eq!(Anchor::from_xml(xml.as_bytes()).unwrap(), written);
    let certificate = "<verificationCert>YmFyCg==</verificationCert></source>";
    let unreadable = xml.replacen("</source>", certificate, 1);
    assert!(Anchor::from_xml(unreadable.as_bytes()).is_err());
    assert!(Anchor::from_xml(xml.replace("downloadURL", "downloadURI").as_bytes()).is_err());
}

#[test]
fn reads_versions_two_to_six_only() {
    assert_eq!(Version::parse(" 6 ").unwrap(), Version::CURRENT);
    for text in ["1", "7", "", "6.0", "-2", "99999999999999999999"] {
        assert!(Version::parse(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn never_panics_on_documents_cut_or_changed(at in 0_usize..1100, byte in any::<u8>()) {
        let mut xml = document(SOURCE, "<client>s1</client>", "").into_bytes();
        let at = at.min(xml.len());
        if let Some(changed) = xml.get_mut(at) {
            *changed = byte;
        }
        let _ = SharedParams::from_xml(&xml, version(6), "DEV");
        xml.truncate(at);
        let _ = SharedParams::from_xml(&xml, version(6), "DEV");
        let _ = PrivateParams::from_xml(&xml, version(6), "DEV");
        let _ = Anchor::from_xml(&xml);
    }

    #[test]
    fn reads_back_any_base64(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let spread: String = text.chars().flat_map(|c| [c, '\n']).collect();
        prop_assert_eq!(value::decode_base64(&spread), Some(bytes.clone()));
        let unpadded = text.trim_end_matches('=');
        prop_assert_eq!(value::decode_base64(unpadded), Some(bytes));
    }
}
