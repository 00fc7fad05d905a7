//! Round trips, refusals, and what others read.

use std::io::{BufReader, Read, Write};

use jiff::Timestamp;
use proptest::prelude::*;

use pgp::composed::{Deserializable as _, SignedPublicKey, SignedSecretKey};
use pgp::ser::Serialize as _;

use super::{
    Error, Opened, Pair, Passphrase, PublicKey, SecretKey, decrypt, decrypt_file, encrypt, generate,
};

mod foreign;
mod validity;

fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

fn open(pair: &Pair) -> (SecretKey, PublicKey) {
    let secret = SecretKey::read(pair.secret.as_bytes(), None).unwrap();
    let public = PublicKey::read(pair.public.as_bytes()).unwrap();
    (secret, public)
}

fn pair(name: &str) -> (SecretKey, PublicKey) {
    open(&generate(name, None, now()).unwrap())
}

fn sealed(plain: &[u8], recipients: &[PublicKey], signer: &SecretKey) -> Vec<u8> {
    let mut message = Vec::new();
    let bytes = encrypt(plain, &mut message, recipients, signer, now()).unwrap();
    assert_eq!(bytes, u64::try_from(plain.len()).unwrap());
    message
}

fn opened(
    message: &[u8],
    key: &SecretKey,
    signers: &[PublicKey],
) -> Result<(Vec<u8>, Opened), Error> {
    let mut plain = Vec::new();
    let opened = decrypt(message, &mut plain, key, signers)?;
    Ok((plain, opened))
}

#[test]
fn every_recipient_reads_what_was_signed_and_when() {
    let (server, server_public) = pair("server");
    let (auditor, auditor_public) = pair("auditor");
    let (court, court_public) = pair("court");
    let message = sealed(b"archive", &[auditor_public, court_public], &server);
    for reader in [&auditor, &court] {
        let (plain, said) = opened(&message, reader, std::slice::from_ref(&server_public)).unwrap();
        assert_eq!(plain, b"archive");
        assert_eq!(said.bytes, 7);
        assert_eq!(said.signed_by, server.fingerprint());
        assert_eq!(said.signed_at, now());
    }
}

#[test]
fn the_same_octets_are_never_encrypted_alike() {
    let (server, public) = pair("server");
    let recipients = [public];
    assert_ne!(
        sealed(b"archive", &recipients, &server),
        sealed(b"archive", &recipients, &server)
    );
}

#[test]
fn nobody_else_reads_it_and_no_other_signer_is_believed() {
    let (server, server_public) = pair("server");
    let (auditor, auditor_public) = pair("auditor");
    let (stranger, stranger_public) = pair("stranger");
    let message = sealed(b"archive", std::slice::from_ref(&auditor_public), &server);
    let signers = [server_public];
    // The server itself is not among the recipients.
    for reader in [&stranger, &server] {
        let refused = opened(&message, reader, &signers).unwrap_err();
        assert!(matches!(refused, Error::NotForUs), "{refused:?}");
    }
    for signers in [&[stranger_public, auditor_public][..], &[]] {
        let refused = opened(&message, &auditor, signers).unwrap_err();
        assert!(matches!(refused, Error::Signer), "{refused:?}");
    }
}

#[test]
fn encrypts_for_somebody_or_not_at_all() {
    let (server, _) = pair("server");
    let refused = encrypt(&b"x"[..], Vec::new(), &[], &server, now()).unwrap_err();
    assert!(matches!(refused, Error::NoRecipient));
}

#[test]
fn a_changed_message_is_refused_wherever_it_was_changed() {
    let (server, public) = pair("server");
    let recipients = [public];
    let message = sealed(&[7; 300], &recipients, &server);
    for place in 0..message.len() {
        let mut changed = message.clone();
        changed[place] ^= 0x10;
        // How a session key is wrapped can be written in more than one way; nothing else can.
        if let Ok((plain, said)) = opened(&changed, &server, &recipients) {
            assert!(place < 100, "octet {place} of {} changed", message.len());
            assert!(plain == [7; 300] && said.signed_at == now());
        }
    }
}

#[test]
fn a_cut_message_is_refused_wherever_it_was_cut() {
    let (server, public) = pair("server");
    let recipients = [public];
    let message = sealed(&[7; 300], &recipients, &server);
    for length in 0..message.len() {
        assert!(
            opened(&message[..length], &server, &recipients).is_err(),
            "{length}"
        );
    }
    // A long one has its octets in several parts.
    let message = sealed(&vec![7; 2 << 20], &recipients, &server);
    for length in (0..message.len()).step_by(200_003) {
        assert!(
            opened(&message[..length], &server, &recipients).is_err(),
            "{length}"
        );
    }
}

#[test]
fn what_is_no_encrypted_message_is_refused() {
    let (server, public) = pair("server");
    let armored = generate("x", None, now()).unwrap().public;
    for text in [
        &b""[..],
        b"PK\x03\x04",
        b"-----BEGIN PGP MESSAGE-----",
        armored.as_bytes(),
    ] {
        assert!(opened(text, &server, std::slice::from_ref(&public)).is_err());
    }
}

#[test]
fn a_secret_key_opens_with_its_passphrase_only() {
    let pair = generate("server", Some("1234"), now()).unwrap();
    let text = pair.secret.as_bytes();
    let right = SecretKey::read(text, Some(Passphrase::new("1234".to_owned()))).unwrap();
    assert_eq!(right.fingerprint(), pair.fingerprint);
    for passphrase in [
        None,
        Some(Passphrase::new("".to_owned())),
        Some(Passphrase::new("12345".to_owned())),
    ] {
        let refused = SecretKey::read(text, passphrase).unwrap_err();
        assert!(matches!(refused, Error::Passphrase { .. }), "{refused:?}");
    }
    let public = PublicKey::read(pair.public.as_bytes()).unwrap();
    let message = sealed(b"archive", std::slice::from_ref(&public), &right);
    assert_eq!(opened(&message, &right, &[public]).unwrap().0, b"archive");
}

#[test]
fn a_file_of_keys_is_one_key_of_its_kind() {
    let one = generate("one", None, now()).unwrap();
    let two = generate("two", None, now()).unwrap();
    let wrong_kind = PublicKey::read(one.secret.as_bytes()).unwrap_err();
    assert!(
        matches!(wrong_kind, Error::NotAPublicKey(_)),
        "{wrong_kind:?}"
    );
    let wrong_kind = SecretKey::read(one.public.as_bytes(), None).unwrap_err();
    assert!(
        matches!(wrong_kind, Error::NotASecretKey(_)),
        "{wrong_kind:?}"
    );
    let (_, first) = open(&one);
    let (_, second) = open(&two);
    let both = [binary(&first), binary(&second)].concat();
    assert!(matches!(PublicKey::read(&both), Err(Error::ManyKeys)));
    assert!(PublicKey::read(b"").is_err());
    assert!(PublicKey::read(b"no key").is_err());
}

#[test]
fn shows_no_secret_in_debug() {
    let pair = generate("server", Some("verysecret"), now()).unwrap();
    let key = SecretKey::read(
        pair.secret.as_bytes(),
        Some(Passphrase::new("verysecret".to_owned())),
    )
    .unwrap();
    let shown = format!(
        "{pair:?} {key:?} {:?}",
        Passphrase::new("verysecret".to_owned())
    );
    assert!(!shown.contains("verysecret"));
    assert!(shown.len() < 300, "{shown}");
}

#[test]
fn a_failing_reader_or_writer_is_told_apart_from_a_broken_message() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
    }
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (server, public) = pair("server");
    let recipients = [public];
    for failed in [
        encrypt(Broken, Vec::new(), &recipients, &server, now()),
        encrypt(&[0; 1 << 20][..], Broken, &recipients, &server, now()),
    ] {
        let Err(Error::Io(source)) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    }
}

#[test]
fn streams_a_long_message_through_files() {
    let dir = tempfile::tempdir().unwrap();
    let (server, public) = pair("server");
    let recipients = [public];
    let path = dir.path().join("a.zip.gpg");
    let plain = std::io::repeat(0x5a).take(5 << 20);
    let file = std::fs::File::create(&path).unwrap();
    encrypt(plain, file, &recipients, &server, now()).unwrap();
    let file = BufReader::new(std::fs::File::open(&path).unwrap());
    let said = decrypt(file, std::io::sink(), &server, &recipients).unwrap();
    assert_eq!(said.bytes, 5 << 20);
}

#[test]
fn a_file_is_decrypted_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (server, public) = pair("server");
    let (stranger, _) = pair("stranger");
    let recipients = [public];
    let (source, target) = (dir.path().join("a.zip.gpg"), dir.path().join("a.zip"));
    let mut message = sealed(&[7; 200_000], &recipients, &server);
    std::fs::write(&source, &message).unwrap();
    let refused = decrypt_file(&source, &target, &stranger, &recipients).unwrap_err();
    assert!(matches!(refused, Error::NotForUs));
    let middle = message.len() / 2;
    message[middle] ^= 1;
    std::fs::write(dir.path().join("bad"), &message).unwrap();
    decrypt_file(&dir.path().join("bad"), &target, &server, &recipients).unwrap_err();
    // Neither the target nor what it was to become.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    let said = decrypt_file(&source, &target, &server, &recipients).unwrap();
    assert_eq!(said.bytes, 200_000);
    assert_eq!(std::fs::read(&target).unwrap(), [7; 200_000]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is in it: an answer, never an end of the process.
    #[test]
    fn a_damaged_key_or_message_is_an_answer(
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        static ONE: std::sync::LazyLock<[Vec<u8>; 3]> = std::sync::LazyLock::new(|| {
            let made = generate("server", None, now()).unwrap();
            let (server, public) = open(&made);
            let (secret, _) = SignedSecretKey::from_string(&made.secret).unwrap();
            let message = sealed(&[1; 900], std::slice::from_ref(&public), &server);
            [binary(&public), secret.to_bytes().unwrap(), message]
        });
        let damaged = |whole: &Vec<u8>| {
            let mut bytes = whole.clone();
            for (place, value) in &places {
                *place.get_mut(&mut bytes) = *value;
            }
            bytes
        };
        let [public, secret, message] = &*ONE;
        if let Ok(key) = PublicKey::read(&damaged(public)) {
            let _said = key.check_encrypts(now());
        }
        if let Ok(key) = SecretKey::read(&damaged(secret), None) {
            let _said = key.check_signs(now());
        }
        let key = SecretKey::read(secret, None).unwrap();
        let signers = [key.public()];
        if let Ok((plain, _)) = opened(&damaged(message), &key, &signers) {
            prop_assert!(plain == [1; 900]);
        }
    }

    /// Lengths around the sizes of parts matter most.
    #[test]
    fn decrypting_gives_back_what_was_encrypted(
        base in prop::sample::select(vec![0_usize, 191, 512, 8383, 65_536, 512 << 10, 1 << 20]),
        near in 0_usize..80,
        seed in any::<u8>(),
    ) {
        let (server, public) = pair("server");
        let recipients = [public];
        let plain: Vec<u8> = (0..base.saturating_add(near).saturating_sub(40))
            .map(|place| u8::try_from(place % 251).unwrap() ^ seed)
            .collect();
        let message = sealed(&plain, &recipients, &server);
        let (back, _) = opened(&message, &server, &recipients).unwrap();
        prop_assert_eq!(back, plain);
    }
}

fn binary(key: &PublicKey) -> Vec<u8> {
    let armored = key.to_armored().unwrap();
    let (key, _) = SignedPublicKey::from_string(&armored).unwrap();
    key.to_bytes().unwrap()
}
