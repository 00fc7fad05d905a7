use certs_keys::Pin;

use super::*;

fn pin() -> Pin {
    Pin::new("1234".to_owned())
}

#[test]
fn a_secret_made_once_is_found_again_and_is_another_for_each_file() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (
        folder.path().join("one.pem"),
        folder.path().join("other.pem"),
    );
    let made = secret(&one, &pin()).unwrap().fingerprint(b"test");
    assert_eq!(secret(&one, &pin()).unwrap().fingerprint(b"test"), made);
    assert_ne!(secret(&other, &pin()).unwrap().fingerprint(b"test"), made);
}

#[test]
fn a_secret_is_that_of_its_key_and_not_the_frame_around_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let key = Ed25519Key::from_seed(&[7; 32]).unwrap();
    std::fs::write(&path, key.to_encrypted_pem(&pin()).unwrap()).unwrap();
    let expected = SecretKey::from_bytes([7; 32]).fingerprint(b"test");
    assert_eq!(
        secret(&path, &pin()).unwrap().fingerprint(b"test"),
        expected
    );
}

#[test]
fn does_not_replace_a_key_that_it_cannot_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    ed25519(&path, &pin()).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = ed25519(&path, &Pin::new("4321".to_owned()));
    assert!(matches!(refused, Err(Error::Key { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
