//! Sealed logs: what the keys open, what stays closed without them, and what is told then.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use certs_keys::SecretKey;
use gateway_messagelog::audit::{self, Finding, Outcome, Reader, Subject, Unreadable};
use gateway_messagelog::{Entry, Error, MessageLog, Options, Protection, Record, Side};

use crate::country::{Country, NOW};
use crate::{fails, outcome};

/// The same name stands for the same key.
fn keys(ids: &[&str]) -> Option<Protection> {
    let key = |id: &str| SecretKey::from_bytes([7; 32]).derive(b"", id.as_bytes());
    Some(Protection::new(ids.iter().map(|id| ((*id).to_owned(), key(id)))).unwrap())
}

fn options(protection: Option<Protection>) -> Options {
    Options {
        content_memory_bytes_max: 1000,
        protection,
        ..Options::default()
    }
}

async fn append(country: &Country, dir: &Path, protection: Option<Protection>, id: &str) {
    let log = MessageLog::open(dir, options(protection)).unwrap();
    log.keep_configuration(&country.configuration(), NOW)
        .await
        .unwrap();
    for mut record in exchanges(country, id) {
        for (_, content) in &mut record.attachments {
            let mut spool = log.spool();
            spool.write(content.bytes().unwrap().clone()).await.unwrap();
            *content = spool.finish().await.unwrap();
        }
        log.append(record).await.unwrap();
    }
}

/// A SOAP exchange, and a REST exchange with a long body, which goes into a file, and a short one.
fn exchanges(country: &Country, id: &str) -> Vec<Record> {
    let long = Bytes::from(SECRET.repeat(20_000));
    let short = Bytes::from(SECRET);
    let mut records = country.soap_exchange_asking(id, Side::Consumer, SECRET);
    let rest = format!("r-{id}");
    records.extend(country.rest_exchange(&rest, Side::Consumer, Some(&long), Some(&short)));
    records
}

fn findings(dir: &Path, protection: Option<Protection>) -> Vec<Finding> {
    let reader = Reader::open_with(dir, protection).unwrap();
    let history = reader.history().unwrap();
    reader.audit(&history).unwrap().collect()
}

/// `None` for what holds; else the name of the missing key.
fn missing(dir: &Path, protection: Option<Protection>) -> Vec<Option<String>> {
    let missing = |finding| match finding {
        Finding::Message(verdict) => {
            fails(&verdict, &[]);
            None
        }
        Finding::Unreadable(Unreadable::Entry {
            error: Error::KeyMissing { key_id },
            ..
        }) => Some(key_id),
        other => panic!("{other:?}"),
    };
    findings(dir, protection).into_iter().map(missing).collect()
}

/// Everything in the folder, but configurations.
fn octets(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with("configurations") => {}
            true => all.extend(octets(&path)),
            false => all.extend(fs::read(path).unwrap()),
        }
    }
    all
}

fn holds(octets: &[u8], text: &str) -> bool {
    octets
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_sealed_log_holds_with_its_key_and_shows_nothing_without() {
    let (country, dir) = (Country::new(), tempfile::tempdir().unwrap());
    append(&country, dir.path(), keys(&["a"]), "s-1").await;
    assert_eq!(missing(dir.path(), keys(&["a"])), [None, None, None, None]);
    let some = Some("a".to_owned());
    assert_eq!(missing(dir.path(), None), vec![some.clone(); 4]);
    assert_eq!(missing(dir.path(), keys(&["b"])), vec![some; 4]);
    for text in [SECRET, "AZ99", "<x:userId>", "SignatureValue"] {
        assert!(!holds(&octets(dir.path()), text), "{text}");
    }
    // The same without keys: the test looks in the right place.
    let plain = tempfile::tempdir().unwrap();
    append(&country, plain.path(), None, "s-1").await;
    for text in [SECRET, "AZ99", "<x:userId>", "SignatureValue"] {
        assert!(holds(&octets(plain.path()), text), "{text}");
    }
}

#[tokio::test]
async fn another_key_of_the_same_name_opens_nothing() {
    let (country, dir) = (Country::new(), tempfile::tempdir().unwrap());
    append(&country, dir.path(), keys(&["a"]), "s-1").await;
    let other = Protection::new([("a".to_owned(), SecretKey::generate())]).unwrap();
    for finding in findings(dir.path(), Some(other.clone())) {
        assert!(
            matches!(
                &finding,
                Finding::Unreadable(Unreadable::Entry {
                    error: Error::NotOpened { key_id },
                    ..
                }) if key_id == "a"
            ),
            "{finding:?}"
        );
    }
    let refused = MessageLog::open(dir.path(), options(Some(other))).unwrap_err();
    assert!(matches!(refused, Error::NotOpened { key_id } if key_id == "a"));
}

#[tokio::test]
async fn finds_after_a_restart_and_without_its_index() {
    let (country, dir) = (Country::new(), tempfile::tempdir().unwrap());
    append(&country, dir.path(), keys(&["a"]), "s-1").await;
    for index_is_lost in [false, true] {
        if index_is_lost {
            fs::remove_file(dir.path().join("index.redb")).unwrap();
        }
        let log = MessageLog::open(dir.path(), options(keys(&["a"]))).unwrap();
        assert_eq!(log.find("s-1").await.unwrap().len(), 2);
        let found = log.find("r-s-1").await.unwrap();
        let Entry::Message(record) = &found[0].entry else {
            panic!("no message")
        };
        let content = &record.attachments[0].1;
        assert!(content.bytes().is_none());
        assert_eq!(content.digest_again().unwrap(), *content.digest());
    }
}

#[tokio::test]
async fn plain_and_sealed_entries_of_several_keys_stand_in_one_log() {
    let (country, dir) = (Country::new(), tempfile::tempdir().unwrap());
    append(&country, dir.path(), None, "s-1").await;
    append(&country, dir.path(), keys(&["a"]), "s-2").await;
    append(&country, dir.path(), keys(&["b", "a"]), "s-3").await;
    let named = |id: &str| vec![Some(id.to_owned()); 4];
    let (none, a, b) = (vec![None; 4], named("a"), named("b"));
    let expect =
        |first: &[Option<String>], second: &[_], third: &[_]| [first, second, third].concat();
    assert_eq!(
        missing(dir.path(), keys(&["a", "b"])),
        expect(&none, &none, &none)
    );
    assert_eq!(missing(dir.path(), keys(&["b"])), expect(&none, &a, &none));
    assert_eq!(missing(dir.path(), keys(&["a"])), expect(&none, &none, &b));
    assert_eq!(missing(dir.path(), None), expect(&none, &a, &b));
    let log = MessageLog::open(dir.path(), options(keys(&["b", "a"]))).unwrap();
    for id in ["s-1", "s-2", "s-3"] {
        assert_eq!(log.find(id).await.unwrap().len(), 2, "{id}");
    }
}

#[tokio::test]
async fn a_log_is_not_opened_without_a_key_it_was_sealed_with() {
    let (country, dir) = (Country::new(), tempfile::tempdir().unwrap());
    append(&country, dir.path(), keys(&["a"]), "s-1").await;
    append(&country, dir.path(), keys(&["b", "a"]), "s-2").await;
    let refused = |protection| match MessageLog::open(dir.path(), options(protection)) {
        Err(Error::KeyMissing { key_id }) => key_id,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(None), "a");
    assert_eq!(refused(keys(&["b"])), "a");
    assert_eq!(refused(keys(&["c", "a"])), "b");
    // Nothing was made known by those attempts.
    drop(MessageLog::open(dir.path(), options(keys(&["a", "b"]))).unwrap());
    // A key of which nothing is left may be forgotten by hand.
    let known = dir.path().join("keys");
    let text = fs::read_to_string(&known).unwrap();
    let line = text.lines().find(|line| line.starts_with("b ")).unwrap();
    fs::write(&known, format!("{line}\n")).unwrap();
    drop(MessageLog::open(dir.path(), options(keys(&["b"]))).unwrap());
    fs::write(&known, "b\n").unwrap();
    let refused = MessageLog::open(dir.path(), options(keys(&["b"]))).unwrap_err();
    assert!(matches!(refused, Error::Key { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_sealed_body_that_was_meddled_with_fails_the_contents() {
    let (country, dir) = (Country::new(), tempfile::tempdir().unwrap());
    append(&country, dir.path(), keys(&["a"]), "s-1").await;
    let bodies = fs::read_dir(dir.path().join("bodies")).unwrap();
    let path = bodies.last().unwrap().unwrap().path();
    let mut octets = fs::read(&path).unwrap();
    octets[100_000] ^= 1;
    fs::write(&path, octets).unwrap();
    let findings = findings(dir.path(), keys(&["a"]));
    for (at, finding) in findings.iter().enumerate() {
        let Finding::Message(verdict) = finding else {
            panic!("{finding:?}")
        };
        match at {
            2 => match outcome(verdict, Subject::Contents) {
                Outcome::Fails(reason) => assert!(reason.contains("key a"), "{reason}"),
                other => panic!("{other:?}"),
            },
            _ => fails(verdict, &[]),
        }
    }
}

#[tokio::test]
async fn stored_entries_commit_to_plain_ones_without_a_key() {
    let (country, dir) = (Country::new(), tempfile::tempdir().unwrap());
    let log = MessageLog::open(dir.path(), options(keys(&["a"]))).unwrap();
    for record in exchanges(&country, "s-1") {
        log.append(record).await.unwrap();
    }
    let (one, two) = (log.stored(1).await.unwrap(), log.stored(2).await.unwrap());
    let plain = audit::plain(&one, keys(&["a"]).as_ref()).unwrap();
    assert!(holds(&plain, SECRET) && !holds(&one, SECRET));
    assert!(audit::check_plain(&one, &plain) && !audit::check_plain(&two, &plain));
    assert_ne!(audit::commitment(&one), audit::commitment(&two));
    assert!(matches!(
        audit::plain(&one, None),
        Err(Error::KeyMissing { .. })
    ));
}

#[tokio::test]
async fn an_entry_is_handed_out_as_stored_and_plain_and_read_without_the_log() {
    let (country, dir) = (Country::new(), tempfile::tempdir().unwrap());
    let dir = dir.path();
    append(&country, dir, None, "p-1").await;
    append(&country, dir, keys(&["a"]), "s-1").await;
    let reader = Reader::open_with(dir, keys(&["a"])).unwrap();
    let mut sealed = 0;
    for logged in reader.entries().unwrap() {
        let logged = logged.unwrap();
        let stored = reader.stored(logged.position).unwrap();
        let plain = reader.plain(&stored).unwrap();
        assert!(audit::check_plain(&stored, &plain));
        if stored != plain {
            sealed += 1;
            assert!(audit::decode_alone(&stored).is_err());
        }
        let (Entry::Message(here), Entry::Message(there)) =
            (audit::decode_alone(&plain).unwrap(), &logged.entry)
        else {
            panic!("all of them are messages");
        };
        assert_eq!(
            (&here.message, &here.signature, &here.hash_chain),
            (&there.message, &there.signature, &there.hash_chain)
        );
        for ((_, here), (_, there)) in here.attachments.iter().zip(&there.attachments) {
            // A file stays behind; what it held is known.
            assert_eq!((here.len(), here.digest()), (there.len(), there.digest()));
            assert_eq!(here.is_withheld(), there.bytes().is_none());
        }
        assert!(reader.stamp_of(logged.position).unwrap().is_none());
    }
    assert_eq!(sealed, 4);
}

const SECRET: &str = "what nobody else may read";
