//! What is taken of a configuration, and what is said of it.

use super::*;

/// A vouched configuration of a bundle.
fn vouched(folder: &str, expires_at: Timestamp) -> Configuration {
    Configuration {
        origin: Origin::Bundle(folder.to_owned()),
        snapshot: crate::testing::snapshot(&[], Timestamp::UNIX_EPOCH),
        shared: Vec::new(),
        rules: None,
        approved: BTreeSet::new(),
        vouched: Some(Ok(Vouched {
            by: "anchor.xml".to_owned(),
            expires_at,
            is_external: true,
            unchecked: vec!["DE".to_owned()],
        })),
    }
}

#[test]
fn the_older_of_two_that_the_registry_signed_is_named() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let alike = [vouched("conf", at(60)), vouched("conf-2", at(60))];
    assert_eq!(older(&alike), Vec::<String>::new());
    let mut two = [vouched("conf", at(60)), vouched("conf-2", at(0))];
    let told = older(&two);
    assert!(
        told.len() == 1
            && told[0].starts_with(
                "the registry signed conf-2/ (valid until 1970-01-01T00:00:00Z) before conf/"
            ),
        "{told:?}"
    );
    // What nobody vouches for has no time that could be compared.
    two[0].vouched = Some(Err("no".to_owned()));
    assert_eq!(older(&two), Vec::<String>::new());
}

#[test]
fn what_an_anchor_does_not_vouch_for_is_said() {
    let one = vouched("conf", Timestamp::UNIX_EPOCH);
    let said = one.text();
    let document = one.json();
    for wanted in [
        "rules are not vouched for",
        "parameters of another instance DE: not checked by this anchor, and left out",
    ] {
        assert!(said.contains(wanted), "no {wanted} in {said}");
        assert!(
            document["warnings"].to_string().contains(wanted),
            "{document}"
        );
    }
    assert_eq!(document["anchor_expires_at"], "1970-01-01T00:00:00Z");
}
