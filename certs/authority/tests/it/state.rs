use certs_authority::{Authority, Error, SealedKeys, State};
use certs_keys::{KeyKind, Pin};
use certs_x509::ocsp;

use crate::{POLICY, authority, now, sign_certificate, with_intermediate};

fn pin() -> Pin {
    Pin::new("correct horse".to_owned())
}

fn through_text(state: &State) -> State {
    serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap()
}

#[test]
fn takes_up_where_it_stopped() {
    let mut before = with_intermediate().with_ocsp_url("http://ocsp.example.org/");
    let good = sign_certificate(&mut before, "1");
    let revoked = sign_certificate(&mut before, "2");
    let suspended = sign_certificate(&mut before, "3");
    before.revoke(revoked.serial(), now()).unwrap();
    before.suspend(suspended.serial(), now()).unwrap();
    let keys = before.seal_keys(&pin()).unwrap();
    let state = through_text(&before.state(&keys).unwrap());

    let mut after = Authority::open(&state, &pin()).unwrap();
    assert_eq!(after.issued(), before.issued());
    assert_eq!(after.root(), before.root());
    assert_eq!(after.intermediate(), before.intermediate());
    assert_eq!(after.name(), before.name());
    assert_eq!(state.keys(), &keys);

    let response = after.ocsp_of(&good, now()).unwrap();
    ocsp::verify_good(&response, &good, after.issuer(), &POLICY, now()).unwrap();
    let response = after.ocsp_of(&revoked, now()).unwrap();
    assert_eq!(
        response.status(),
        ocsp::Status::Revoked {
            at: now(),
            on_hold: false
        }
    );
    let next = sign_certificate(&mut after, "4");
    assert!(next.is_signed_by(before.issuer()));
    assert_eq!(next.ocsp_url(), Some("http://ocsp.example.org/"));
}

#[test]
fn does_not_open_with_another_pin() {
    let authority = authority();
    let keys = authority.seal_keys(&pin()).unwrap();
    let state = authority.state(&keys).unwrap();
    let refused = Authority::open(&state, &Pin::new("wrong horse".to_owned()));
    assert!(matches!(
        refused,
        Err(Error::Key(certs_keys::Error::WrongPin))
    ));
}

#[test]
fn writes_no_state_without_all_its_keys() {
    let mut authority = authority();
    let keys = authority.seal_keys(&pin()).unwrap();
    authority.state(&keys).unwrap();
    authority.add_intermediate(KeyKind::P256, now()).unwrap();
    assert!(matches!(
        authority.state(&keys),
        Err(Error::MissingKey { .. })
    ));
    assert!(matches!(
        authority.state(&SealedKeys::default()),
        Err(Error::MissingKey { .. })
    ));
    let keys = authority.seal_keys(&pin()).unwrap();
    authority.state(&keys).unwrap();
}

#[test]
fn does_not_open_with_keys_of_another_certificate() {
    let (ours, theirs) = (authority(), authority());
    let state = |authority: &Authority| {
        let keys = authority.seal_keys(&pin()).unwrap();
        serde_json::to_value(authority.state(&keys).unwrap()).unwrap()
    };
    let (mut mixed, other) = (state(&ours), state(&theirs));
    let stolen = other["keys"]
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap()
        .clone();
    for key in mixed["keys"].as_object_mut().unwrap().values_mut() {
        *key = stolen.clone();
    }
    let refused = Authority::open(&serde_json::from_value(mixed).unwrap(), &pin());
    assert!(matches!(refused, Err(Error::OtherKey { .. })));
}

#[test]
fn does_not_open_a_state_of_another_version() {
    let authority = authority();
    let keys = authority.seal_keys(&pin()).unwrap();
    let mut state = serde_json::to_value(authority.state(&keys).unwrap()).unwrap();
    state["version"] = 2.into();
    let refused = Authority::open(&serde_json::from_value(state).unwrap(), &pin());
    assert!(matches!(
        refused,
        Err(Error::UnknownStateVersion { version: 2 })
    ));
}

#[test]
fn does_not_open_a_state_without_a_key() {
    let authority = authority();
    let keys = authority.seal_keys(&pin()).unwrap();
    let mut state = serde_json::to_value(authority.state(&keys).unwrap()).unwrap();
    state["keys"] = serde_json::json!({});
    let refused = Authority::open(&serde_json::from_value(state).unwrap(), &pin());
    assert!(matches!(refused, Err(Error::MissingKey { .. })));
}

#[test]
fn shows_no_key_in_debug_output() {
    let authority = authority();
    let keys = authority.seal_keys(&pin()).unwrap();
    let state = authority.state(&keys).unwrap();
    for text in [
        format!("{authority:?}"),
        format!("{keys:?}"),
        format!("{state:?}"),
    ] {
        assert!(!text.contains("PRIVATE"), "{text}");
    }
}
