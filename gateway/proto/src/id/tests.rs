use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_client(text: &str, expected: Result<&str, Error>) {
    let read = ClientId::from_rest(text).map(|id| id.to_string());
    assert_eq!(read.as_deref(), expected.as_ref().map(|text| *text));
}

#[track_caller]
fn check_service(text: &str, subsystem: Option<&str>, code: &str, version: Option<&str>) {
    let id: ServiceId = text.parse().unwrap();
    assert_eq!(id.provider().subsystem(), subsystem);
    assert_eq!(id.code(), code);
    assert_eq!(id.version(), version);
    assert_eq!(serde_json::to_value(&id).unwrap(), text);
}

#[test]
fn reads_members_and_subsystems_by_the_strict_percent_rule() {
    check_client("AZ/GOV/1234", Ok("MEMBER:AZ/GOV/1234"));
    check_client("AZ/GOV/1234/demo", Ok("SUBSYSTEM:AZ/GOV/1234/demo"));
    check_client("AZ/GOV/a+b/d%2Fe%2f", Ok("SUBSYSTEM:AZ/GOV/a+b/d/e/"));
    check_client("AZ/GOV/%C6%8F", Ok("MEMBER:AZ/GOV/Ə"));
    check_client("AZ/GOV/%FF", Ok("MEMBER:AZ/GOV/\u{FFFD}"));
}

#[test]
fn refuses_texts_that_are_no_client_identifier() {
    let components = |found| {
        Err(Error::Components {
            expected: "3 or 4",
            found,
        })
    };
    check_client("", components(1));
    check_client("AZ/GOV", components(2));
    check_client("AZ/GOV/1/2/3", components(5));
    check_client(
        "AZ//1",
        Err(Error::Blank {
            component: "memberClass",
        }),
    );
    check_client(
        "AZ/GOV/1/",
        Err(Error::Blank {
            component: "subsystemCode",
        }),
    );
    check_client(
        "AZ/GOV/%20",
        Err(Error::Blank {
            component: "memberCode",
        }),
    );
    check_client("AZ/GOV/a b", Err(Error::BadCharacter { found: b' ' }));
    check_client("AZ/GOV/Ə", Err(Error::BadCharacter { found: 0xC6 }));
    check_client("AZ/GOV/a?b", Err(Error::BadCharacter { found: b'?' }));
    check_client("AZ/GOV/a%2", Err(Error::BadEscape));
    check_client("AZ/GOV/a%zz", Err(Error::BadEscape));
}

#[test]
fn a_service_has_five_components_in_rest_and_keeps_its_version_in_configuration() {
    assert!(ServiceId::from_rest("AZ/GOV/1/sub/svc").is_ok());
    assert!(ServiceId::from_rest("AZ/GOV/1/svc").is_err());
    assert!(ServiceId::from_rest("AZ/GOV/1/sub/svc/v1").is_err());
    check_service("AZ/GOV/1/sub/svc", Some("sub"), "svc", None);
    check_service("AZ/GOV/1/sub/svc/v1", Some("sub"), "svc", Some("v1"));
    check_service("AZ/GOV/1//svc", None, "svc", None);
    check_service("AZ/GOV/1//svc/v1", None, "svc", Some("v1"));
    check_service("AZ/GOV/1/sub/svc/", Some("sub"), "svc", Some(""));
    assert!("AZ/GOV/1/svc".parse::<ServiceId>().is_err());
    assert!("AZ/GOV/1/sub/svc/v1/x".parse::<ServiceId>().is_err());
}

#[test]
fn an_empty_version_differs_from_no_version() {
    let provider = ClientId::from_rest("AZ/GOV/1/sub").unwrap();
    let none = ServiceId::new(provider.clone(), "svc", None).unwrap();
    let empty = ServiceId::new(provider, "svc", Some("")).unwrap();
    assert_ne!(none, empty);
    assert_eq!(empty.to_string(), "SERVICE:AZ/GOV/1/sub/svc/");
}

#[test]
fn every_kind_shows_its_type_and_goes_through_json() {
    let server: ServerId = "AZ/GOV/1/ss1".parse().unwrap();
    assert_eq!(server.to_string(), "SERVER:AZ/GOV/1/ss1");
    let group: GlobalGroupId = "AZ/ministries".parse().unwrap();
    assert_eq!(group.to_string(), "GLOBALGROUP:AZ/ministries");
    let member: MemberId = "AZ/GOV/1".parse().unwrap();
    assert_eq!(member.to_string(), "MEMBER:AZ/GOV/1");
    let json = serde_json::to_string(&(&server, &group, &member)).unwrap();
    assert_eq!(json, r#"["AZ/GOV/1/ss1","AZ/ministries","AZ/GOV/1"]"#);
    let back: (ServerId, GlobalGroupId, MemberId) = serde_json::from_str(&json).unwrap();
    assert_eq!(back, (server, group, member));
    assert!(serde_json::from_str::<ClientId>(r#""AZ""#).is_err());
}

proptest! {
    #[test]
    fn the_rest_form_is_an_inverse(
        parts in proptest::collection::vec("\\PC*[a-z%/+ Ə]", 3..=3),
        subsystem in proptest::option::of("\\PC*[a-z]"),
        code in "\\PC*[a-z]",
        version in proptest::option::of("\\PC*"),
    ) {
        let Ok(member) = MemberId::new(&parts[0], &parts[1], &parts[2]) else { return Ok(()) };
        prop_assert_eq!(&member.to_rest().parse::<MemberId>().unwrap(), &member);
        let client = ClientId::new(member, subsystem.as_deref()).unwrap();
        prop_assert_eq!(&client.to_rest().parse::<ClientId>().unwrap(), &client);
        let service = ServiceId::new(client, &code, version.as_deref()).unwrap();
        let json = serde_json::to_string(&service).unwrap();
        prop_assert_eq!(serde_json::from_str::<ServiceId>(&json).unwrap(), service);
    }
}
