//! Many consents: put there in one transaction each some hundreds, as no caller could.

use std::ops::Range;

use certs_keys::{Ed25519Key, SecretKey};
use gateway_policy::person::{Alphabet, KeyKind};
use gateway_tlog::note::{Kind, Signer};

use super::*;
use crate::{Desk, Keys};

fn desk(folder: &tempfile::TempDir) -> Desk {
    let key = |octet: u8| Ed25519Key::from_seed(&[octet; 32]).unwrap();
    let keys = Keys {
        consent: key(1),
        consent_kid: "k1".to_owned(),
        feed: Signer::new(Kind::Ed25519, "AZ-feed", key(2)).unwrap(),
        hash: HashKeys::new(vec![(1, SecretKey::from_bytes([3; 32]))]).unwrap(),
        seal: SecretKey::from_bytes([4; 32]),
    };
    Desk::open(&folder.path().join("desk.redb"), keys, "AZ").unwrap()
}

/// An active consent that ends this many seconds after 1970.
fn row(number: u32) -> Row {
    let text = format!("{number:07}");
    let client = |text: &str| ClientId::from_rest(text).unwrap();
    let at = |second: u32| Timestamp::from_second(i64::from(second)).unwrap();
    Row {
        id: Uuid::from_u128(u128::from(number)),
        state: State::Active,
        subject: PersonKey::parse(KeyKind::Fin, &text, &Alphabet::default()).unwrap(),
        actor: None,
        relation: None,
        consumer: client("AZ/COM/0000001201/kredit"),
        provider: client("AZ/GOV/0000000951/vergi"),
        services: vec!["income".to_owned()],
        purpose: "credit".to_owned(),
        categories: vec!["income".to_owned()],
        data_from: None,
        data_until: None,
        validity: Validity::Seconds(60),
        frequency: None,
        single_use: false,
        data_life_seconds: None,
        requested_at: at(number),
        answer_until: at(number),
        predecessor: None,
        successor: None,
        agreed: Some(Agreed {
            artefact: "a".repeat(1000),
            valid_from: at(0),
            valid_until: at(number),
        }),
        ended_at: None,
        changes: 0,
    }
}

fn fill(desk: &Desk, numbers: Range<u32>) {
    let step = Step::over(Timestamp::UNIX_EPOCH);
    let filled = desk.store.try_write(|tx| {
        for number in numbers {
            save(
                tx,
                &desk.vault,
                &desk.keys.hash,
                None,
                row(number),
                &step,
                None,
            )?;
        }
        Ok::<_, Error>(())
    });
    filled.unwrap();
}

#[test]
fn what_is_over_is_ended_and_forgotten_in_bounded_steps() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(&folder);
    fill(&desk, 1..1002);
    let now = Timestamp::from_second(1000).unwrap();
    let steps: Vec<(usize, bool)> = (0..3)
        .map(|_| desk.expire(now).unwrap())
        .map(|expired| (expired.consents, expired.more))
        .collect();
    assert_eq!(steps, [(500, true), (500, true), (0, false)]);
    let before = Timestamp::from_second(701).unwrap();
    let steps: Vec<(usize, bool)> = (0..2)
        .map(|_| desk.erase(before).unwrap())
        .map(|erased| (erased.consents, erased.more))
        .collect();
    assert_eq!(steps, [(500, true), (200, false)]);
    let left = desk.store.read(|tx| Ok(tx.iter(CONSENTS)?.count()));
    assert_eq!(left.unwrap(), 301);
}

#[test]
fn a_consent_that_is_forgotten_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(&folder);
    fill(&desk, 1..4);
    let now = Timestamp::from_second(10).unwrap();
    assert_eq!(desk.expire(now).unwrap().consents, 3);
    assert_eq!(desk.erase(now).unwrap().consents, 3);
    let trees = [
        CONSENTS,
        HISTORY,
        DOCUMENTS,
        BY_CONSUMER,
        BY_PERSON,
        WAITING,
        ENDS,
        ENDED,
    ];
    let left = desk.store.read(|tx| {
        let mut left = Vec::new();
        for tree in trees {
            left.push((tree.name(), tx.iter(tree)?.count()));
        }
        Ok(left)
    });
    assert!(left.unwrap().iter().all(|(_, count)| *count == 0));
}
