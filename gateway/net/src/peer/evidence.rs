//! The OCSP responses of peers: stapled in TLS, or from the peer's OCSP port, remembered by chain.

use std::{
    fmt::Write as _,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use certs_x509::{Certificate, ocsp};
use http::{Request, header};
use lru::LruCache;
use tokio::time::Instant;
use tracing::warn;

use super::{Candidate, PeerEvidence};
use crate::{
    Client, ClientOptions, Error, OcspAnswer, ServerTrust, body,
    client::{connection::Shown, dial},
    error::Chain,
    peer::multipart,
    tls::client::ClientTls,
};

/// What is known of the certificates of peers. Nothing here is trusted: it is what `verify` judges.
#[derive(Debug)]
pub(super) struct Evidence {
    timeout: Duration,
    client: Client,
    known: Mutex<LruCache<ChainHash, Known>>,
    /// One of them is held while a chain's responses are fetched, so that many requests to one
    /// new peer fetch once.
    fetching: [tokio::sync::Mutex<()>; 16],
}

/// The SHA-256 values of a chain.
type ChainHash = Vec<u8>;

#[derive(Clone, Debug)]
struct Known {
    responses: Arc<[ocsp::Response]>,
    /// When they came.
    since: Instant,
    /// When the OCSP port was last asked, in vain or not: not again within moments.
    asked: Option<Instant>,
}

/// What was known when a connection was judged.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) evidence: PeerEvidence,
    since: Option<Instant>,
}

impl Evidence {
    pub(super) fn new(timeout: Duration) -> Result<Self, Error> {
        let client = Client::new(ClientOptions {
            connect_timeout: timeout.min(CONNECT_TIMEOUT_MAX),
            response_timeout: timeout,
            idle_per_host_max: 0,
            ..ClientOptions::default()
        })?;
        let known = Mutex::new(LruCache::new(CHAINS_MAX));
        Ok(Self {
            timeout,
            client,
            known,
            fetching: Default::default(),
        })
    }

    /// Takes over what the peer stapled in the handshake that gave this chain. A staple is of the
    /// leaf only, so it serves chains of one certificate.
    pub(super) fn stapled(&self, chain: &[Certificate], tls: &ClientTls) {
        let [leaf] = chain else { return };
        let Some(staple) = tls.staple(leaf.der()) else {
            return;
        };
        // An unreadable staple is none: the OCSP port is asked.
        let Ok(response) = ocsp::Response::from_der(&staple) else {
            return;
        };
        let mut known = self.lock();
        let newer = known
            .get(&hash(chain))
            .and_then(|known| known.responses.first())
            .is_none_or(|before| {
                before.der() != response.der() && before.this_update() <= response.this_update()
            });
        if newer {
            let responses = Arc::from([response]);
            known.put(
                hash(chain),
                Known {
                    responses,
                    since: Instant::now(),
                    asked: None,
                },
            );
        }
    }

    /// What is known of a peer, asked of its OCSP port if nothing is.
    pub(super) async fn known(&self, candidate: &Candidate, shown: &Shown) -> Judged {
        let known = match self.get(&shown.certificates) {
            Some(known) => Some(known),
            None => self.fetch_once(candidate, shown, None).await,
        };
        Judged {
            evidence: evidence(shown, known.as_ref()),
            since: known.map(|known| known.since),
        }
    }

    /// Fresh responses for a chain whose known ones were refused; `None` when there are no others.
    pub(super) async fn renewed(
        &self,
        candidate: &Candidate,
        shown: &Shown,
        refused: &Judged,
    ) -> Option<PeerEvidence> {
        let since = refused.since?;
        let known = self.fetch_once(candidate, shown, Some(since)).await?;
        (known.since != since).then(|| evidence(shown, Some(&known)))
    }

    /// Fetches unless another has done so since, or just now.
    async fn fetch_once(
        &self,
        candidate: &Candidate,
        shown: &Shown,
        since: Option<Instant>,
    ) -> Option<Known> {
        let key = hash(&shown.certificates);
        let slot = key.first().map_or(0, |byte| usize::from(byte & 0x0f));
        let _one = self.fetching.get(slot)?.lock().await;
        let before = self.get(&shown.certificates);
        if let Some(known) = &before {
            let other = Some(known.since) != since;
            let just_now = known
                .asked
                .is_some_and(|asked| asked.elapsed() < REFETCH_PAUSE);
            if other || just_now {
                return before;
            }
        }
        let fetched = self.fetch(candidate, shown).await;
        let now = Instant::now();
        let nothing = Known {
            responses: Arc::default(),
            since: now,
            asked: None,
        };
        let known = match fetched {
            Ok(responses) => Known {
                responses,
                since: now,
                asked: Some(now),
            },
            Err(error) => {
                warn!(
                    host = candidate.host,
                    error = %Chain(&error),
                    "no OCSP responses from a peer"
                );
                Known {
                    asked: Some(now),
                    ..before.unwrap_or(nothing)
                }
            }
        };
        self.lock().put(key, known.clone());
        Some(known)
    }

    /// PR-MESSTRANSP: the peer gives the OCSP responses of its own chain on a port of its own,
    /// without TLS. One response for each certificate asked for, in order.
    async fn fetch(
        &self,
        candidate: &Candidate,
        shown: &Shown,
    ) -> Result<Arc<[ocsp::Response]>, Error> {
        let asked = in_question(&shown.certificates);
        let fetching = async {
            let request = self.request(candidate, shown, &asked)?;
            let response = self
                .client
                .request(request, &ServerTrust::Any, None)
                .await?;
            let status = response.status().as_u16();
            if !matches!(status, 200..=208 | 226) {
                return Err(Error::Ocsp {
                    reason: OcspAnswer::Status(status),
                });
            }
            let (parts, body) = response.into_parts();
            let bytes = body::collect(body, ANSWER_BYTES_MAX).await?;
            let content_type = parts.headers.get(header::CONTENT_TYPE);
            let content_type = content_type
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            read(content_type, &bytes, asked.len()).map_err(|reason| Error::Ocsp { reason })
        };
        tokio::time::timeout(self.timeout, fetching)
            .await
            .unwrap_or(Err(Error::Ocsp {
                reason: OcspAnswer::Timeout,
            }))
    }

    /// To the very address we are connected to, whatever else its name stands for. All SHA-1
    /// values come before the SHA-256 values: present servers read the former only.
    fn request(
        &self,
        candidate: &Candidate,
        shown: &Shown,
        asked: &[&Certificate],
    ) -> Result<Request<body::Body>, Error> {
        let mut address = shown.address;
        address.set_port(candidate.ocsp_port);
        let mut uri = format!("http://{address}/");
        let by_sha1 = asked.iter().map(|certificate| ("cert", certificate.sha1()));
        let by_sha256 = asked
            .iter()
            .map(|certificate| ("cert_hash", certificate.sha256()));
        let mut separator = '?';
        for (name, digest) in by_sha1.chain(by_sha256) {
            uri.push(separator);
            uri.push_str(name);
            uri.push('=');
            for byte in digest.as_bytes() {
                // Writing to a string does not fail.
                let _written = write!(uri, "{byte:02x}");
            }
            separator = '&';
        }
        let host = dial::bare(&candidate.host);
        let host = match host.contains(':') {
            true => format!("[{host}]:{}", candidate.ocsp_port),
            false => format!("{host}:{}", candidate.ocsp_port),
        };
        Request::get(uri)
            .header(header::HOST, host)
            .header(header::ACCEPT, "multipart/related")
            .body(body::empty())
            .map_err(|_odd_host| Error::InvalidUri)
    }

    fn get(&self, chain: &[Certificate]) -> Option<Known> {
        self.lock().get(&hash(chain)).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<ChainHash, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn evidence(shown: &Shown, known: Option<&Known>) -> PeerEvidence {
    PeerEvidence {
        certificates: Arc::clone(&shown.certificates),
        ocsp_responses: known
            .map(|known| Arc::clone(&known.responses))
            .unwrap_or_default(),
    }
}

/// All certificates shown, except that nobody vouches for a top authority but itself.
fn in_question(chain: &[Certificate]) -> Vec<&Certificate> {
    let mut chain = chain.iter();
    let leaf = chain.next();
    leaf.into_iter()
        .chain(chain.filter(|above| above.subject() != above.issuer()))
        .collect()
}

fn read(
    content_type: &str,
    body: &Bytes,
    asked: usize,
) -> Result<Arc<[ocsp::Response]>, OcspAnswer> {
    let parts = multipart::ocsp_parts(content_type, body)?;
    if parts.len() != asked {
        return Err(OcspAnswer::Count {
            asked,
            came: parts.len(),
        });
    }
    parts
        .into_iter()
        .map(|der| ocsp::Response::from_der(der).map_err(|_unreadable| OcspAnswer::Malformed))
        .collect()
}

fn hash(chain: &[Certificate]) -> ChainHash {
    chain
        .iter()
        .flat_map(|certificate| certificate.sha256().as_bytes().iter().copied())
        .collect()
}

const CHAINS_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1_023);
const ANSWER_BYTES_MAX: usize = 256 * 1024;
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(20);
/// Refusals within this time after a fetch, which may have failed, do not fetch again.
const REFETCH_PAUSE: Duration = Duration::from_secs(5);
