//! What the store is sent, and when a file counts as stored.

use std::path::PathBuf;
use std::sync::Arc;

use certs_keys::{Digest, DigestAlgorithm, KeyKind, SigningKey, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name};
use gateway_net::{Authorities, Client, ClientOptions, Identity, ServerTls, ServerTrust};
use http::StatusCode;
use jiff::Timestamp;

use super::super::{Access, Error, Place, Store};
use super::bucket::{self, Object, Running};

struct Local {
    _dir: tempfile::TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
    sha256: String,
}

impl Local {
    fn new(length: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mlog.zip");
        let bytes: Vec<u8> = (0..length).map(|place| (place % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let sha256 = hex::encode(Digest::of(DigestAlgorithm::Sha256, &bytes).as_bytes());
        Self {
            _dir: dir,
            path,
            bytes,
            sha256,
        }
    }

    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    async fn put(&self, store: &Store, name: &str) -> Result<super::super::Stored, Error> {
        store
            .put(&self.path, name, self.length(), &self.sha256)
            .await
    }
}

fn store_at(endpoint: String, trust: ServerTrust) -> Store {
    store_over(ClientOptions::default(), endpoint, trust)
}

fn store_over(options: ClientOptions, endpoint: String, trust: ServerTrust) -> Store {
    let place = Place {
        endpoint,
        bucket: "evidence".to_owned(),
        prefix: "node 1/archive".to_owned(),
        region: "az-1".to_owned(),
    };
    let access = Access {
        key_id: "KEYID".to_owned(),
        secret: "SECRET".to_owned().into(),
    };
    let client = Client::new(options).unwrap();
    Store::new(&place, access, client, trust).unwrap()
}

async fn running() -> (Running, Store) {
    let running = bucket::serve(None).await;
    let store = store_at(format!("http://{}", running.address), ServerTrust::Any);
    (running, store)
}

const PATH: &str = "/evidence/node%201/archive/mlog-a.zip";

#[tokio::test]
async fn a_short_file_is_sent_whole_and_confirmed() {
    let (running, store) = running().await;
    let file = Local::new(100_000);
    let stored = file.put(&store, "mlog-a.zip").await.unwrap();
    assert_eq!((stored.bytes, stored.already), (100_000, false));
    assert!(stored.etag.is_some());
    let state = running.bucket.state();
    let object = &state.objects[PATH];
    assert!(object.bytes == file.bytes);
    assert_eq!(object.sha256.as_ref(), Some(&file.sha256));
    assert_eq!(object.content_type.as_deref(), Some("application/zip"));
    let put = format!("PUT {PATH}");
    let head = format!("HEAD {PATH}");
    assert_eq!(state.asked, [head.clone(), put, head]);
}

#[tokio::test]
async fn a_long_file_is_sent_in_parts_that_make_it_again() {
    let (running, store) = running().await;
    let store = store.with_parts_of(64 << 10);
    // The last part shorter, the last part whole, one octet over.
    for (name, length) in [("a.gpg", 200_000), ("b.gpg", 131_072), ("c.gpg", 65_537)] {
        let file = Local::new(length);
        let stored = file.put(&store, name).await.unwrap();
        assert_eq!(stored.bytes, file.length());
        let state = running.bucket.state();
        let object = &state.objects[&format!("/evidence/node%201/archive/{name}")];
        assert!(object.bytes == file.bytes, "{name}");
        assert_eq!(
            object.content_type.as_deref(),
            Some("application/octet-stream")
        );
        assert_eq!(object.sha256.as_ref(), Some(&file.sha256));
        assert!(state.uploads.is_empty());
    }
}

#[tokio::test]
async fn a_file_that_is_there_already_is_not_sent_again() {
    let (running, store) = running().await;
    let file = Local::new(1000);
    file.put(&store, "mlog-a.zip").await.unwrap();
    running.bucket.state().asked.clear();
    assert!(file.put(&store, "mlog-a.zip").await.unwrap().already);
    assert_eq!(running.bucket.state().asked, [format!("HEAD {PATH}")]);
}

#[tokio::test]
async fn something_else_of_the_same_name_is_never_overwritten() {
    let (running, store) = running().await;
    let file = Local::new(1000);
    let mut other = Object {
        bytes: vec![0; 1000],
        ..Object::default()
    };
    for sha256 in [None, Some("00".repeat(32))] {
        other.sha256 = sha256;
        let objects = [(PATH.to_owned(), other.clone())];
        running.bucket.state().objects.extend(objects);
        let refused = file.put(&store, "mlog-a.zip").await.unwrap_err();
        assert!(matches!(refused, Error::Taken { .. }), "{refused:?}");
        assert_eq!(running.bucket.state().objects[PATH], other);
    }
}

#[tokio::test]
async fn a_store_that_lost_something_has_not_confirmed() {
    let (running, store) = running().await;
    running.bucket.state().loses = true;
    let file = Local::new(1000);
    let refused = file.put(&store, "mlog-a.zip").await.unwrap_err();
    assert!(matches!(refused, Error::Unconfirmed { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_moments_trouble_is_passed_over_and_lasting_trouble_told() {
    let (running, store) = running().await;
    let file = Local::new(1000);
    running.bucket.state().failing = vec![StatusCode::SERVICE_UNAVAILABLE; 2];
    file.put(&store, "mlog-a.zip").await.unwrap();
    running.bucket.state().failing = vec![StatusCode::SERVICE_UNAVAILABLE; 20];
    let refused = file.put(&store, "mlog-b.zip").await.unwrap_err();
    assert!(matches!(refused, Error::Store(_)), "{refused:?}");
}

#[tokio::test]
async fn refused_access_is_told_and_parts_begun_are_taken_back() {
    let (running, store) = running().await;
    let store = store.with_parts_of(1000);
    let file = Local::new(5000);
    // The look, the beginning, one part; then no more.
    running.bucket.state().failing = vec![StatusCode::FORBIDDEN];
    let refused = file.put(&store, "mlog-a.zip").await.unwrap_err();
    assert!(matches!(refused, Error::Store(_)), "{refused:?}");
    let longer = Local {
        bytes: vec![0; 6000],
        ..Local::new(5000)
    };
    let refused = longer.put(&store, "mlog-a.zip").await.unwrap_err();
    assert!(
        matches!(refused, Error::Changed { bytes: 6000 }),
        "{refused:?}"
    );
    let state = running.bucket.state();
    assert!(state.uploads.is_empty() && state.objects.is_empty());
    assert!(
        state.asked.last().unwrap().starts_with("DELETE"),
        "{:?}",
        state.asked
    );
}

#[tokio::test]
async fn what_a_crash_left_half_sent_is_no_file_and_is_sent_whole_the_next_time() {
    let (running, store) = running().await;
    let store = store.with_parts_of(1000);
    let file = Local::new(5000);
    running.bucket.state().ignores = Some("partNumber=3");
    let asked = || running.bucket.state().asked.clone();
    let third = async {
        while !asked().iter().any(|one| one.contains("partNumber=3")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        done = file.put(&store, "mlog-a.zip") => panic!("{done:?}"),
        () = third => {}
    }
    running.bucket.state().ignores = None;
    assert!(running.bucket.state().objects.is_empty());
    assert!(
        !store
            .has("mlog-a.zip", file.length(), &file.sha256)
            .await
            .unwrap()
    );
    let stored = file.put(&store, "mlog-a.zip").await.unwrap();
    assert!(!stored.already);
    assert!(running.bucket.state().objects[PATH].bytes == file.bytes);
    assert!(
        store
            .has("mlog-a.zip", file.length(), &file.sha256)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_store_that_never_answers_is_given_up() {
    let (running, _) = running().await;
    running.bucket.state().ignores = Some("mlog");
    let options = ClientOptions {
        response_timeout: std::time::Duration::from_millis(200),
        ..ClientOptions::default()
    };
    let endpoint = format!("http://{}", running.address);
    let store = store_over(options, endpoint, ServerTrust::Any);
    let refused = Local::new(10).put(&store, "mlog-a.zip").await.unwrap_err();
    assert!(matches!(refused, Error::Store(_)), "{refused:?}");
}

#[tokio::test]
async fn a_file_longer_than_it_was_made_is_not_sent() {
    let (running, store) = running().await;
    let shorter = Local {
        bytes: vec![0; 900],
        ..Local::new(1000)
    };
    for store in [store.clone(), store.with_parts_of(100)] {
        let refused = shorter.put(&store, "mlog-a.zip").await.unwrap_err();
        assert!(
            matches!(refused, Error::Changed { bytes: 900 }),
            "{refused:?}"
        );
    }
    assert!(running.bucket.state().objects.is_empty());
}

#[tokio::test]
async fn nobody_answering_is_an_error() {
    let (running, _) = running().await;
    let address = running.address;
    drop(running);
    let store = store_at(format!("http://{address}"), ServerTrust::Any);
    let refused = Local::new(10).put(&store, "mlog-a.zip").await.unwrap_err();
    assert!(matches!(refused, Error::Store(_)), "{refused:?}");
}

#[tokio::test]
async fn over_tls_only_a_store_that_an_authority_vouches_for_gets_anything() {
    let (authority, identity) = tls();
    let (stranger, _) = tls();
    let tls = ServerTls::optional_client(identity).unwrap();
    let running = bucket::serve(Some(tls)).await;
    let endpoint = format!("https://{}", running.address);
    let trust =
        |authority: Certificate| ServerTrust::Authorities(Authorities::new(&[authority]).unwrap());
    let file = Local::new(1000);
    let refused = file
        .put(&store_at(endpoint.clone(), trust(stranger)), "mlog-a.zip")
        .await;
    assert!(matches!(refused, Err(Error::Store(_))), "{refused:?}");
    assert!(running.bucket.state().asked.is_empty());
    file.put(&store_at(endpoint, trust(authority)), "mlog-a.zip")
        .await
        .unwrap();
}

#[test]
fn shows_no_secret_in_debug_or_errors() {
    let store = store_at("https://store.example".to_owned(), ServerTrust::Any);
    let access = Access {
        key_id: "KEYID".to_owned(),
        secret: "SECRET".to_owned().into(),
    };
    let shown = format!("{store:?} {access:?}");
    assert!(!shown.contains("SECRET"), "{shown}");
}

fn tls() -> (Certificate, Identity) {
    let second = |at| Timestamp::from_second(at).unwrap();
    let name = |common| Name::from_attributes(&[("2.5.4.3", common)]).unwrap();
    let root = SoftKey::generate(KeyKind::P256).unwrap();
    let authority = Builder::ca(name("Root"), root.public_key())
        .validity(second(0), second(4_000_000_000))
        .self_sign(&root)
        .unwrap();
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let leaf = Builder::tls(name("store"), key.public_key())
        .validity(second(0), second(4_000_000_000))
        .ip_address([127, 0, 0, 1].into())
        .sign(&authority, &root)
        .unwrap();
    let identity = Identity {
        key: Arc::new(key),
        chain: vec![leaf],
        ocsp_staple: None,
    };
    (authority, identity)
}
