use proptest::prelude::*;

use super::*;

#[test]
fn names_folders_as_forms_are_encoded() {
    assert_eq!(folder("DEV").unwrap(), "DEV");
    assert_eq!(folder("a b/c%d").unwrap(), "a+b%2Fc%25d");
    assert_eq!(folder("Ə").unwrap(), "%C6%8F");
    assert_eq!(folder("a.b-c*d_e").unwrap(), "a.b-c*d_e");
    for elsewhere in ["", ".", ".."] {
        assert!(folder(elsewhere).is_err(), "{elsewhere:?}");
    }
}

#[test]
fn reads_metadata_of_other_writers() {
    let full = br#"{"contentIdentifier":"SHARED-PARAMETERS","instanceIdentifier":"EE",
        "expirationDate":"2124-05-20T17:42:55+02:00","contentFileName":null,"contentLocation":"",
        "configurationVersion": "6", "later": 1}"#;
    let read = Metadata::from_json(full, "x").unwrap();
    assert_eq!(read.version().unwrap(), Version::CURRENT);
    assert_eq!(read.expiration_date, "2124-05-20T15:42:55Z".parse().ok());
    assert_eq!(
        Metadata::from_json(b"{}", "x").unwrap().version().unwrap(),
        Version::OLDEST
    );
}

#[test]
fn refuses_metadata_that_could_hide_an_expiry() {
    for json in ["", "[]", "{", r#"{"expirationDate":"tomorrow"}"#] {
        assert!(Metadata::from_json(json.as_bytes(), "x").is_err(), "{json}");
    }
    let odd = Metadata {
        configuration_version: Some("9".to_owned()),
        ..Metadata::default()
    };
    assert!(odd.version().is_err());
}

#[test]
fn leaves_missing_members_out_of_metadata() {
    let metadata = Metadata {
        configuration_version: Some("6".to_owned()),
        expiration_date: "2030-01-02T03:04:05Z".parse().ok(),
        ..Metadata::default()
    };
    let json = String::from_utf8(metadata.to_json()).unwrap();
    assert_eq!(
        json,
        r#"{"expirationDate":"2030-01-02T03:04:05Z","configurationVersion":"6"}"#
    );
}

proptest! {
    #[test]
    fn finds_the_instance_of_any_folder_it_named(instance in "\\PC{1,20}") {
        prop_assume!(!matches!(instance.as_str(), "." | ".."));
        let folder = folder(&instance).unwrap();
        prop_assert!(!folder.contains(['/', '\\', ' ', '\0']));
        prop_assert_eq!(instance_of(&folder), Some(instance));
    }

    #[test]
    fn never_panics_on_any_folder_or_metadata(text in "\\PC{0,40}") {
        let _ = instance_of(&text);
        let _ = Metadata::from_json(text.as_bytes(), "x");
    }
}
