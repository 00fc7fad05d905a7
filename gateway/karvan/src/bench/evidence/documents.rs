//! Signed documents a second on one core: made from stamped records of a log, and verified.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm, KeyKind, SigningKey as _, SoftKey, default_algorithm};
use gateway_asic::zip::Limits;
use gateway_asic::{container, verify};
use gateway_evidence::containers::{Binder, Document};
use gateway_globalconf::Snapshot;
use gateway_messagelog::{MessageLog, Options};
use serde::Serialize;

use super::folder;
use super::made::Made;
use super::measure::{each, real};
use crate::bench::Error;
use crate::bench::parts::part;
use crate::clock;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    /// Messages under the one time stamp.
    pub(super) stamped: usize,
    pub(super) rows: Vec<Row>,
}

/// One kind of document.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Octets of a document.
    pub(super) document_bytes: f64,
    /// From the log to the finished document.
    pub(super) made_per_s: f64,
    /// The same without reading the log: hardly more than compression.
    pub(super) made_bound_per_s: f64,
    pub(super) verified_per_s: f64,
    /// Nothing but the public-key operations of a document.
    pub(super) verified_bound_per_s: f64,
}

pub(super) async fn run(time: Duration) -> Result<Figures, Error> {
    let folder = folder()?;
    let made = Made::new()?;
    let log = MessageLog::open(folder.path(), Options::default()).map_err(|error| part(&error))?;
    for n in 0..OF_EACH {
        let record = made.soap(&format!("soap-{n}"), MESSAGE_BYTES)?;
        log.append(record).await.map_err(|error| part(&error))?;
    }
    for first in (0..OF_EACH).step_by(IN_BATCH) {
        let ids = (first..OF_EACH).take(IN_BATCH).map(|n| format!("rest-{n}"));
        for record in made.rest(&ids.collect::<Vec<_>>(), MESSAGE_BYTES)? {
            log.append(record).await.map_err(|error| part(&error))?;
        }
    }
    let stamped = made.stamp(&log).await?;
    let conf = Arc::new(made.snapshot()?);
    let verified_bound_per_s = public_key_bound(time).await?;
    let mut rows = Vec::new();
    for (name, after) in [
        ("SOAP, own signature", 0),
        ("REST with body, shared signature", OF_EACH),
    ] {
        let making = making(&log, after, time).await?;
        let count = u64::try_from(making.documents.len()).unwrap_or(u64::MAX);
        let bytes = making.documents.iter().map(Bytes::len).sum::<usize>();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        rows.push(Row {
            name,
            document_bytes: each(bytes, count),
            made_per_s: making.made_per_s,
            made_bound_per_s: making.bound_per_s,
            verified_per_s: verifying(making.documents, Arc::clone(&conf), time).await?,
            verified_bound_per_s,
        });
    }
    Ok(Figures { stamped, rows })
}

struct Making {
    made_per_s: f64,
    bound_per_s: f64,
    /// One round of them.
    documents: Vec<Bytes>,
}

/// Makes the documents of the messages behind this one, round after round, as an archive does.
async fn making(log: &MessageLog, after: u64, time: Duration) -> Result<Making, Error> {
    let until = after.saturating_add(OF_EACH);
    let mut binder = Binder::new(log.clone());
    let began = clock::instant();
    let mut writing = Duration::ZERO;
    let mut count = 0_u64;
    let mut kept = Vec::new();
    let mut at = after;
    while began.elapsed() < time || at != after {
        let messages = log.messages(at, until, AT_ONCE).await;
        let mut documents = Vec::with_capacity(AT_ONCE);
        for logged in messages.map_err(|error| part(&error))? {
            at = logged.position.ordinal;
            let document = binder.document(&logged).await;
            documents.push(document.map_err(|error| part(&error))?);
        }
        if documents.is_empty() {
            return Err(Error::Part("messages of the log are missing".to_owned()));
        }
        let written = tokio::task::spawn_blocking(move || written(&documents));
        let (took, octets) = written.await.map_err(|error| part(&error))??;
        writing = writing.saturating_add(took);
        count = count.saturating_add(u64::try_from(octets.len()).unwrap_or(u64::MAX));
        if count <= OF_EACH {
            kept.extend(octets);
        }
        if at >= until {
            at = after;
        }
    }
    Ok(Making {
        made_per_s: real(count) / began.elapsed().as_secs_f64(),
        bound_per_s: real(count) / writing.as_secs_f64(),
        documents: kept,
    })
}

fn written(documents: &[Document]) -> Result<(Duration, Vec<Bytes>), Error> {
    let began = clock::instant();
    let mut all = Vec::with_capacity(documents.len());
    for document in documents {
        let mut octets = Vec::with_capacity(16 << 10);
        document.write(&mut octets).map_err(|error| part(&error))?;
        all.push(Bytes::from(octets));
    }
    Ok((began.elapsed(), all))
}

/// Verifies them round after round; every one must hold.
async fn verifying(
    documents: Vec<Bytes>,
    conf: Arc<Snapshot>,
    time: Duration,
) -> Result<f64, Error> {
    let verifying = tokio::task::spawn_blocking(move || {
        let began = clock::instant();
        let mut count = 0_u32;
        for document in documents.iter().cycle() {
            let opened = container::open(document.clone(), &Limits::CONTAINER);
            let opened = opened.map_err(|error| part(&error))?;
            verify::verify(&opened, &conf).map_err(|error| part(&error))?;
            count = count.saturating_add(1);
            if began.elapsed() >= time {
                break;
            }
        }
        Ok(f64::from(count) / began.elapsed().as_secs_f64())
    });
    verifying.await.map_err(|error| part(&error))?
}

/// Documents a second on one core, if they were nothing but their signatures: of the message, of
/// the signer's certificate, of its OCSP response, of the time stamp.
async fn public_key_bound(time: Duration) -> Result<f64, Error> {
    let key = SoftKey::generate(KeyKind::P256).map_err(|error| part(&error))?;
    let digest = Digest::of(DigestAlgorithm::Sha512, b"bench");
    let algorithm = default_algorithm(key.public_key(), DigestAlgorithm::Sha512);
    let signature = key.sign(algorithm, &digest).map_err(|error| part(&error))?;
    let verifying = tokio::task::spawn_blocking(move || {
        let began = clock::instant();
        let mut count = 0_u32;
        while began.elapsed() < time {
            let verified = key.public_key().verify(algorithm, &digest, &signature);
            verified.map_err(|error| part(&error))?;
            count = count.saturating_add(1);
        }
        Ok(f64::from(count) / began.elapsed().as_secs_f64() / SIGNATURES)
    });
    verifying.await.map_err(|error| part(&error))?
}

/// So many messages of each kind.
const OF_EACH: u64 = 1000;
/// Messages under one signature, as under load.
const IN_BATCH: usize = 8;
const MESSAGE_BYTES: usize = 2048;
/// Messages read at once.
const AT_ONCE: usize = 100;
/// Signatures of a document.
const SIGNATURES: f64 = 4.0;
