//! Encrypted archives: who can read which.

use std::io::BufReader;
use std::path::Path;

use gateway_asic::archive::Start;
use gateway_proto::id::MemberId;

use super::super::openpgp::{self, PublicKey, SecretKey, decrypt, generate};
use super::super::{Encryption, Grouping, Options};
use super::{Place, last_digest, names, previous};
use crate::testing::NOW;

fn key(name: &str) -> SecretKey {
    let pair = generate(name, None, NOW).unwrap();
    SecretKey::read(pair.secret.as_bytes(), None).unwrap()
}

/// A server's key, and an auditor's who may read everything.
pub(super) fn encryption() -> (Encryption, SecretKey) {
    let auditor = key("auditor");
    let encryption = Encryption {
        signer: key("server"),
        default: vec![auditor.public()],
        members: std::collections::BTreeMap::new(),
    };
    (encryption, auditor)
}

/// The ZIP in an encrypted file.
#[track_caller]
pub(super) fn clear(path: &Path, reader: &SecretKey, encryption: &Encryption) -> Vec<u8> {
    read(path, reader, &encryption.signer.public()).unwrap()
}

fn read(path: &Path, reader: &SecretKey, signer: &PublicKey) -> Result<Vec<u8>, openpgp::Error> {
    let file = BufReader::new(std::fs::File::open(path).unwrap());
    let mut plain = Vec::new();
    decrypt(file, &mut plain, reader, std::slice::from_ref(signer))?;
    Ok(plain)
}

#[tokio::test]
async fn an_encrypted_file_is_the_same_archive_inside_and_named_with_its_ending() {
    let place = Place::new();
    place.stamped(2).await;
    place.run(&place.options()).await.unwrap();
    let plain_name = place.files().remove(0);
    let plain = std::fs::read(place.folder().join(&plain_name)).unwrap();

    let (encryption, auditor) = encryption();
    let folder = place.dir.path().join("encrypted");
    let options = Options {
        encryption: Some(encryption.clone()),
        ..Options::new(folder.clone())
    };
    place.run(&options).await.unwrap();
    let name = format!("{plain_name}.gpg");
    assert_eq!(super::files(&folder), std::slice::from_ref(&name));
    assert!(clear(&folder.join(&name), &auditor, &encryption) == plain);
    // The server itself was not asked to be among the readers.
    let signer = encryption.signer.public();
    assert!(read(&folder.join(&name), &encryption.signer, &signer).is_err());

    place.world.clock.advance(60);
    place.stamped(1).await;
    place.run(&options).await.unwrap();
    let next = super::files(&folder)
        .into_iter()
        .find(|other| *other != name)
        .unwrap();
    let first = place.verified_bytes(plain, Start::First);
    let bytes = clear(&folder.join(next), &auditor, &encryption);
    let second = place.verified_bytes(bytes, Start::After(&last_digest(&first)));
    assert_eq!(previous(&second), Some(name.as_str()));
}

#[tokio::test]
async fn a_long_body_is_encrypted_on_its_way() {
    let place = Place::new();
    let body = place.long_body(3 << 20).await;
    place.world.record("long", vec![body]).await;
    place.stamped(2).await;
    let (encryption, auditor) = encryption();
    let options = Options {
        encryption: Some(encryption.clone()),
        ..place.options()
    };
    place.run(&options).await.unwrap();
    let name = place.files().remove(0);
    let bytes = clear(&place.folder().join(name), &auditor, &encryption);
    let report = place.verified_bytes(bytes, Start::First);
    assert_eq!(names(&report).len(), 3);
}

#[tokio::test]
async fn each_members_archives_are_for_those_named_for_it() {
    let place = Place::new();
    place.world.sent_by("DEV/COM/1111/A", "1").await;
    place.world.sent_by("DEV/COM/1112/A", "2").await;
    place.stamp().await;
    let (mut encryption, auditor) = encryption();
    let own = [key("one"), key("two")];
    let member = MemberId::from_rest("DEV/COM/1111").unwrap();
    let public = own.iter().map(SecretKey::public).collect();
    encryption.members.insert(member, public);
    for (grouping, own_reads) in [
        (Grouping::Subsystem, true),
        (Grouping::Member, true),
        // One file for all: the members' recipients would read others' messages.
        (Grouping::None, false),
    ] {
        let folder = place.dir.path().join(format!("{grouping:?}"));
        let options = Options {
            encryption: Some(encryption.clone()),
            grouping,
            ..Options::new(folder.clone())
        };
        place.run(&options).await.unwrap();
        let signer = encryption.signer.public();
        let reads = |key: &SecretKey, name: &String| read(&folder.join(name), key, &signer).is_ok();
        let files = super::files(&folder);
        let one = files.first().unwrap();
        for key in &own {
            assert_eq!(reads(key, one), own_reads, "{grouping:?}");
        }
        assert_eq!(reads(&auditor, one), !own_reads, "{grouping:?}");
        assert!(reads(&auditor, files.last().unwrap()), "{grouping:?}");
    }
}

#[tokio::test]
async fn without_named_recipients_the_server_alone_can_read() {
    let place = Place::new();
    place.stamped(1).await;
    let (mut encryption, _) = encryption();
    encryption.default.clear();
    let options = Options {
        encryption: Some(encryption.clone()),
        ..place.options()
    };
    place.run(&options).await.unwrap();
    let name = place.files().remove(0);
    clear(&place.folder().join(name), &encryption.signer, &encryption);
}
