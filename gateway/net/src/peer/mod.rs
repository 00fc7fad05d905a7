//! Mutual TLS to other nodes: the candidates are raced, the best is remembered, failed ones are
//! passed over, connections are pooled (PR-MESSTRANSP, the consumer's side).
//!
//! Nothing is sent before the caller has accepted what the peer showed, and a request that was
//! begun is never sent again.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use certs_x509::{Certificate, ocsp};
use http::{HeaderValue, Request, Response, header};

use self::{evidence::Evidence, favourites::Favourites};
use crate::{
    Body, Class, Error, Identity, Sent,
    client::{
        connection::{Connected, Failed},
        dial, origin_form,
        pool::{self, Pool},
    },
    tls::client::ClientTls,
};

mod evidence;
mod favourites;
mod multipart;

pub(crate) use self::multipart::ocsp_parts;

/// Connections to other nodes. Clones share the connections and what is remembered.
#[derive(Clone, Debug)]
pub struct PeerClient {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: PeerOptions,
    /// Replaced as a whole, so that no session of an earlier identity is resumed.
    tls: RwLock<ClientTls>,
    pool: Arc<Pool<Candidate>>,
    favourites: Favourites,
    evidence: Evidence,
}

/// Times and bounds of a [`PeerClient`].
#[derive(Clone, Debug)]
pub struct PeerOptions {
    /// For the first round of connecting; later rounds have half of it each, at least 5 s.
    pub connect_timeout: Duration,
    /// For each TLS handshake.
    pub handshake_timeout: Duration,
    /// How long neither the request may move, nor the response's head come, nor its body move.
    /// `None`: for ever.
    pub response_timeout: Option<Duration>,
    /// An unused connection is kept as long; less than a peer keeps it, or requests are lost in
    /// connections being closed.
    pub idle_timeout: Duration,
    /// Unused connections kept for each candidate.
    pub pool_per_peer_max: usize,
    /// For the whole answer of a peer's OCSP port.
    pub ocsp_timeout: Duration,
    /// How long the candidate that connected first is preferred; zero: never.
    pub favourite_lifetime: Duration,
}

impl Default for PeerOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            response_timeout: None,
            idle_timeout: Duration::from_secs(20),
            pool_per_peer_max: 64,
            ocsp_timeout: Duration::from_secs(30),
            favourite_lifetime: Duration::from_secs(3_600),
        }
    }
}

/// One place a provider can be reached: host (name or IP literal), message port, OCSP port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Candidate {
    /// A name, or an IP address with or without brackets.
    pub host: String,
    /// The port of the message transport, 5500 unless a country says otherwise.
    pub port: u16,
    /// The port of the OCSP responses, 5577 unless a country says otherwise.
    pub ocsp_port: u16,
}

/// What a connected peer showed: its chain (leaf first), and OCSP responses for certificates of
/// it, stapled or from its OCSP port, in no particular order. Neither is judged yet.
#[derive(Clone, Debug)]
pub struct PeerEvidence {
    /// The chain of the TLS handshake, of the first one after resumption.
    pub certificates: Arc<[Certificate]>,
    /// What the peer says of its chain.
    pub ocsp_responses: Arc<[ocsp::Response]>,
}

/// How a send went wrong.
#[derive(Debug)]
pub enum PeerError<E> {
    /// Nobody could be connected to.
    Network(Error),
    /// TLS was refused, by the peer or by us. In TLS 1.3 a peer's refusal may come when the
    /// request is already on its way; [`Error::sent`] tells.
    Tls(Error),
    /// `verify` refused the last of those connected: its own error.
    Refused(E),
    /// The exchange broke; [`Error::sent`] tells whether the peer may have seen the request.
    Broken(Error),
    /// No answer in time: whether the request was carried out is unknown.
    Timeout,
}

impl<E> PeerError<E> {
    /// Whether the peer may have seen the request.
    pub fn sent(&self) -> Sent {
        match self {
            Self::Network(_) | Self::Refused(_) => Sent::No,
            Self::Tls(error) | Self::Broken(error) => error.sent(),
            Self::Timeout => Sent::Unknown,
        }
    }
}

impl<E> fmt::Display for PeerError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network(_) => "cannot connect to a peer",
            Self::Tls(_) => "no TLS with a peer",
            Self::Refused(_) => "the peer's certificates were refused",
            Self::Broken(_) => "the exchange with the peer broke",
            Self::Timeout => "no answer from the peer in time",
        })
    }
}

impl<E: std::error::Error + 'static> std::error::Error for PeerError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Network(error) | Self::Tls(error) | Self::Broken(error) => Some(error),
            Self::Refused(error) => Some(error),
            Self::Timeout => None,
        }
    }
}

impl PeerClient {
    /// A client that presents this identity.
    ///
    /// # Errors
    /// When the identity cannot be used.
    pub fn new(identity: Identity, options: PeerOptions) -> Result<Self, Error> {
        let shared = Shared {
            tls: RwLock::new(ClientTls::new(Some(&identity))?),
            pool: Pool::new(options.idle_timeout, options.pool_per_peer_max),
            favourites: Favourites::new(options.favourite_lifetime),
            evidence: Evidence::new(options.ocsp_timeout)?,
            options,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Presents this identity from now on; kept connections are closed, used ones are finished.
    ///
    /// # Errors
    /// When the identity cannot be used; the earlier one stays then.
    pub fn replace_identity(&self, identity: Identity) -> Result<(), Error> {
        let tls = ClientTls::new(Some(&identity))?;
        *self
            .shared
            .tls
            .write()
            .unwrap_or_else(PoisonError::into_inner) = tls;
        self.shared.pool.forget_all();
        Ok(())
    }

    /// Sends a request to one of the candidates and gives the response once its head is there,
    /// with what the peer showed.
    ///
    /// `verify` is asked on every use of a connection, new or kept, before anything is sent. When
    /// it refuses what is remembered of a peer's OCSP responses, they are fetched anew and it is
    /// asked once more. A candidate that fails or is refused is passed over for this request.
    ///
    /// # Errors
    /// The last refusal if there was one, else why nobody could be connected to, else how the
    /// exchange went wrong. What is [`PeerError::Broken`] or timed out was not sent again.
    pub async fn send<E: Send>(
        &self,
        candidates: &[Candidate],
        request: Request<Body>,
        verify: impl Fn(&PeerEvidence) -> Result<(), E> + Send + Sync,
    ) -> Result<(Response<Body>, PeerEvidence), PeerError<E>> {
        let shared = &self.shared;
        let mut request = request;
        let names_host = request.headers().contains_key(header::HOST);
        *request.uri_mut() = origin_form(request.uri().path_and_query().cloned());

        let mut round = Round::new(candidates, shared);
        let mut failure = None;
        while let Some(attempt) = round.next(shared) {
            let (candidate, connection, kept) = match attempt {
                Attempt::Kept(candidate, connection) => (candidate, *connection, true),
                Attempt::Connect {
                    among,
                    timeout,
                    favourite,
                } => {
                    match shared.connect(&among, timeout).await {
                        Ok((candidate, connection)) => (candidate, connection, false),
                        Err(Unconnected::Nobody(_)) if favourite => {
                            round.drop_favourite(shared);
                            continue;
                        }
                        // PR-MESSTRANSP: when none connects, the others have had their time too.
                        Err(Unconnected::Nobody(error)) => {
                            return Err(failure.unwrap_or(PeerError::Network(error)));
                        }
                        Err(Unconnected::Tls(candidate, error)) => {
                            failure = Some(PeerError::Tls(error));
                            round.pass_over(&candidate, shared);
                            continue;
                        }
                    }
                }
            };
            let evidence = match shared.verified(&candidate, &connection, &verify).await {
                Ok(evidence) => evidence,
                Err(refused) => {
                    failure = Some(PeerError::Refused(refused));
                    round.pass_over(&candidate, shared);
                    continue;
                }
            };
            if !kept {
                round.connected(&candidate, shared);
            }
            if !names_host {
                name_host(&mut request, &candidate);
            }
            match shared.exchange(connection, &candidate, request).await {
                Ok(response) => return Ok((response, evidence)),
                // Closed by the peer while it was kept; nothing was written.
                Err(Failed {
                    unsent: Some(unsent),
                    ..
                }) if kept => {
                    request = *unsent;
                    round.stop_reusing();
                }
                // Closed by the peer right after the handshake; nothing was written either.
                Err(Failed {
                    error,
                    unsent: Some(unsent),
                }) => {
                    request = *unsent;
                    failure = Some(exchange_error(error));
                    round.pass_over(&candidate, shared);
                }
                Err(Failed {
                    error,
                    unsent: None,
                }) => return Err(exchange_error(error)),
            }
        }
        Err(failure.unwrap_or(PeerError::Network(Error::NoCandidate)))
    }
}

impl Shared {
    /// Connects to the fastest of these candidates.
    async fn connect(
        &self,
        among: &[Candidate],
        timeout: Duration,
    ) -> Result<(Candidate, Connected), Unconnected> {
        let hosts: Vec<_> = among
            .iter()
            .map(|candidate| (candidate.host.as_str(), candidate.port))
            .collect();
        let (place, tcp) = dial::race(&hosts, timeout)
            .await
            .map_err(Unconnected::Nobody)?;
        let candidate = among
            .get(place)
            .ok_or(Unconnected::Nobody(Error::NoCandidate))?;
        let tls = self
            .tls
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let shaken = dial::tls(tcp, &candidate.host, &tls, self.options.handshake_timeout).await;
        let connected = match shaken {
            Ok((stream, shown)) => {
                self.evidence.stapled(&shown.certificates, &tls);
                Connected::new(stream, shown).await
            }
            Err(error) => Err(error),
        };
        match connected {
            Ok(connection) => Ok((candidate.clone(), connection)),
            Err(error) => Err(Unconnected::Tls(candidate.clone(), error)),
        }
    }

    /// Asks `verify`, and once more with fresh OCSP responses.
    async fn verified<E>(
        &self,
        candidate: &Candidate,
        connection: &Connected,
        verify: &(impl Fn(&PeerEvidence) -> Result<(), E> + Sync),
    ) -> Result<PeerEvidence, E> {
        let shown = &connection.shown;
        let known = self.evidence.known(candidate, shown).await;
        let refused = match verify(&known.evidence) {
            Ok(()) => return Ok(known.evidence),
            Err(refused) => refused,
        };
        match self.evidence.renewed(candidate, shown, &known).await {
            Some(evidence) => verify(&evidence).map(|()| evidence),
            None => Err(refused),
        }
    }

    async fn exchange(
        self: &Arc<Self>,
        mut connection: Connected,
        candidate: &Candidate,
        request: Request<Body>,
    ) -> Result<Response<Body>, Failed> {
        let stall = self.options.response_timeout;
        let lease = self.pool.lease(candidate.clone());
        let response = connection.exchange(request, stall).await?;
        Ok(pool::response(response, connection, lease, stall))
    }
}

/// Why a round of connecting gave nothing.
enum Unconnected {
    Nobody(Error),
    Tls(Candidate, Error),
}

/// What to try next.
enum Attempt {
    Kept(Candidate, Box<Connected>),
    Connect {
        among: Vec<Candidate>,
        timeout: Duration,
        favourite: bool,
    },
}

/// The candidates of one request, as they are used up.
struct Round {
    /// All of them, in order: what a favourite is remembered under.
    all: Vec<Candidate>,
    left: Vec<Candidate>,
    favourite: Option<Candidate>,
    timeout: Duration,
    reuse: bool,
}

impl Round {
    fn new(candidates: &[Candidate], shared: &Shared) -> Self {
        let mut all = candidates.to_vec();
        all.sort_unstable();
        all.dedup();
        let favourite = shared.favourites.get(&all);
        let timeout = shared.options.connect_timeout;
        Self {
            left: all.clone(),
            all,
            favourite,
            timeout,
            reuse: true,
        }
    }

    /// The favourite before the others, a kept connection before a new one.
    fn next(&mut self, shared: &Shared) -> Option<Attempt> {
        if self.left.is_empty() {
            return None;
        }
        if self.reuse {
            let ordered = self.favourite.iter().chain(&self.left);
            for candidate in ordered {
                if let Some(connection) = shared.pool.take(candidate) {
                    return Some(Attempt::Kept(candidate.clone(), Box::new(connection)));
                }
            }
        }
        Some(match &self.favourite {
            Some(favourite) => Attempt::Connect {
                among: vec![favourite.clone()],
                timeout: self.timeout.min(RETRY_TIMEOUT_MIN),
                favourite: true,
            },
            None => Attempt::Connect {
                among: self.left.clone(),
                timeout: self.timeout,
                favourite: false,
            },
        })
    }

    /// The favourite did not connect: the others have the whole time.
    fn drop_favourite(&mut self, shared: &Shared) {
        if let Some(favourite) = self.favourite.take() {
            shared.favourites.forget(&self.all);
            self.left.retain(|candidate| *candidate != favourite);
        }
    }

    /// This candidate is not tried again for this request.
    fn pass_over(&mut self, candidate: &Candidate, shared: &Shared) {
        shared.pool.forget(candidate);
        if self.favourite.as_ref() == Some(candidate) {
            return self.drop_favourite(shared);
        }
        self.left.retain(|left| left != candidate);
        let half = self.timeout.checked_div(2).unwrap_or_default();
        self.timeout = half.max(RETRY_TIMEOUT_MIN).min(self.timeout);
    }

    fn connected(&self, candidate: &Candidate, shared: &Shared) {
        if self.favourite.is_none() && self.all.len() > 1 {
            shared.favourites.put(&self.all, candidate);
        }
    }

    /// What was kept proved stale: only new connections from now on.
    fn stop_reusing(&mut self) {
        self.reuse = false;
    }
}

/// A request carries the address it is sent to.
fn name_host(request: &mut Request<Body>, candidate: &Candidate) {
    let host = dial::bare(&candidate.host);
    let named = match host.contains(':') {
        true => format!("[{host}]:{}", candidate.port),
        false => format!("{host}:{}", candidate.port),
    };
    // A host that cannot stand in a header could not be connected to either.
    if let Ok(named) = HeaderValue::from_str(&named) {
        request.headers_mut().insert(header::HOST, named);
    }
}

fn exchange_error<E>(error: Error) -> PeerError<E> {
    match error {
        Error::ResponseTimeout => PeerError::Timeout,
        other if other.class() == Class::Tls => PeerError::Tls(other),
        other => PeerError::Broken(other),
    }
}

/// The least time of a further round of connecting, and the time of a favourite.
const RETRY_TIMEOUT_MIN: Duration = Duration::from_secs(5);
