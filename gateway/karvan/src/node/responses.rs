//! Background task: OCSP responses for the node's own certificates, refreshed early, kept on disk,
//! and the keys they make usable.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use certs_x509::{Certificate, ocsp};
use gateway_exchange::Node;
use gateway_exchange::conf::Conf;
use gateway_exchange::keys::{Authentication, Keys, SigningKey};
use gateway_exchange::signer::Signer;
use gateway_exchange::trust::fresh_until;
use gateway_globalconf::{Issuer, Snapshot};
use gateway_net::Client;
use gateway_seal::SigningContext;
use jiff::Timestamp;
use tokio::sync::watch;

use super::keys::{Identities, Token};
use crate::fetch;
use crate::service::Stop;

/// Keeps the node's keys usable.
#[derive(Debug)]
pub(super) struct Refresh {
    folder: PathBuf,
    token: Token,
    node: Arc<Node>,
    client: Client,
    identities: Identities,
    /// What the node presents now: chain and OCSP response.
    presented: Option<(Vec<Certificate>, Vec<u8>)>,
    /// By SHA-1 of the certificate, in hexadecimal.
    responses: HashMap<String, ocsp::Response>,
}

impl Refresh {
    /// Reads the responses kept on disk; those that cannot be read are passed over.
    pub(super) fn new(
        data_dir: &Path,
        token: Token,
        node: Arc<Node>,
        client: Client,
        identities: Identities,
    ) -> Result<Self, gateway_store::Error> {
        let folder = data_dir.join("ocsp");
        gateway_store::file::create_dir(&folder)?;
        let responses = gateway_store::file::read_tree(&folder, FOLDER_BYTES_MAX)?
            .into_iter()
            .filter_map(|(name, der)| {
                let hash = name.strip_suffix(".ocsp")?.to_owned();
                Some((hash, ocsp::Response::from_der(&der).ok()?))
            })
            .collect();
        Ok(Self {
            folder,
            token,
            node,
            client,
            identities,
            presented: None,
            responses,
        })
    }

    /// Builds the keys from what is on disk. Only when that will not do are the responders waited for.
    pub(super) async fn first(&mut self) {
        let now = self.node.clock.now();
        if let Some(conf) = self.node.conf.load_full() {
            self.rebuild(&conf);
        }
        let keys = self.node.keys.load_full();
        let signers = &self.token.signing;
        let usable = keys.authentication(now).is_some()
            && signers
                .iter()
                .all(|(member, _)| keys.signer(member, now).is_some());
        if !usable {
            self.once().await;
        }
    }

    /// Asks for every certificate whose response is no longer young, then rebuilds the keys.
    /// `false` when some certificate has no usable response.
    async fn once(&mut self) -> bool {
        let Some(conf) = self.node.conf.load_full() else {
            return false;
        };
        let mut complete = true;
        for certificate in self.certificates(&conf.snapshot) {
            let Some(issuer) = conf.snapshot.issuer_anywhere(&certificate) else {
                tracing::warn!(
                    subject = certificate.subject().rfc2253(),
                    "own certificate is not issued by an approved authority"
                );
                complete = false;
                continue;
            };
            if self.is_young(&certificate, issuer, &conf.snapshot) {
                continue;
            }
            complete &= self.ask(&certificate, issuer, &conf.snapshot).await;
        }
        self.rebuild(&conf);
        complete
    }

    /// Refreshes at a third of the allowed age, at the interval the registry sets, and when the configuration changes.
    pub(super) async fn run(mut self, mut changed: watch::Receiver<u64>, mut stop: Stop) {
        let mut complete = self.once().await;
        loop {
            let wait = if complete { self.interval() } else { RETRY };
            let go_on = tokio::select! {
                go_on = stop.sleep(wait) => go_on,
                told = changed.changed() => told.is_ok() || stop.sleep(wait).await,
            };
            if !go_on {
                return;
            }
            complete = self.once().await;
        }
    }

    fn interval(&self) -> Duration {
        let conf = self.node.conf.load();
        let seconds = conf.as_ref().map_or(60, |conf| {
            let third = conf.snapshot.ocsp_freshness_seconds().div_euclid(3);
            conf.snapshot.ocsp_fetch_interval_seconds().min(third)
        });
        Duration::from_secs(seconds.max(5))
    }

    /// Own certificates and the intermediates above them.
    fn certificates(&self, conf: &Snapshot) -> Vec<Certificate> {
        let own = std::iter::once(&self.token.authentication)
            .chain(self.token.signing.iter().map(|(_, pair)| pair))
            .map(|pair| &pair.certificate);
        let mut all: Vec<Certificate> = Vec::new();
        for certificate in own {
            let above = conf.intermediates(conf.instance(), certificate);
            for certificate in std::iter::once(certificate.clone()).chain(above) {
                if !all.contains(&certificate) {
                    all.push(certificate);
                }
            }
        }
        all
    }

    fn is_young(&self, certificate: &Certificate, issuer: &Issuer, conf: &Snapshot) -> bool {
        let now = self.node.clock.now();
        let policy = conf.ocsp_policy(issuer);
        self.response(certificate).is_some_and(|response| {
            let until = fresh_until(response, &policy);
            // Refresh early: when less than two thirds of the allowed age are left.
            let left = until.duration_since(now).as_secs();
            let third = i64::try_from(policy.freshness_seconds.div_euclid(3)).unwrap_or(i64::MAX);
            left > third.saturating_mul(2)
        })
    }

    /// Tries all responders; the first answer that holds is taken, good or not.
    async fn ask(&mut self, certificate: &Certificate, issuer: &Issuer, conf: &Snapshot) -> bool {
        let policy = conf.ocsp_policy(issuer);
        let configured = issuer
            .responders
            .iter()
            .map(|responder| responder.url.as_str());
        let own = certificate.ocsp_url();
        let request = ocsp::request(certificate, &issuer.certificate);
        for url in configured.chain(own) {
            match self.answer(url, request.clone()).await {
                Ok(response) => {
                    let now = self.node.clock.now();
                    let holds =
                        ocsp::verify_origin(&response, certificate, &issuer.certificate, &policy)
                            .and_then(|()| ocsp::verify_freshness(&response, &policy, now));
                    match holds {
                        Ok(()) => {
                            self.keep(certificate, response);
                            return true;
                        }
                        Err(error) => tracing::warn!(url, "OCSP response refused: {error}"),
                    }
                }
                Err(reason) => tracing::warn!(url, "no OCSP response: {reason}"),
            }
        }
        // The one at hand may still do for a while.
        let now = self.node.clock.now();
        self.response(certificate)
            .is_some_and(|response| now < fresh_until(response, &policy))
    }

    async fn answer(&self, url: &str, request: Vec<u8>) -> Result<ocsp::Response, String> {
        let (status, der) = fetch::post(
            &self.client,
            url,
            "application/ocsp-request",
            "application/ocsp-response",
            request,
            RESPONSE_BYTES_MAX,
        )
        .await
        .map_err(|error| error.to_string())?;
        if status != 200 {
            return Err(format!("HTTP status {status}"));
        }
        ocsp::Response::from_der(&der).map_err(|error| error.to_string())
    }

    fn keep(&mut self, certificate: &Certificate, response: ocsp::Response) {
        let hash = hash(certificate);
        let path = self.folder.join(format!("{hash}.ocsp"));
        if let Err(error) = gateway_store::file::replace(&path, response.der()) {
            tracing::warn!("an OCSP response could not be kept on disk: {error}");
        }
        self.responses.insert(hash, response);
    }

    fn response(&self, certificate: &Certificate) -> Option<&ocsp::Response> {
        self.responses.get(&hash(certificate))
    }

    /// Responses for a certificate and those above it, and until when all hold. `None` when one is missing or not good.
    fn proof(
        &self,
        certificate: &Certificate,
        conf: &Snapshot,
    ) -> Option<(Vec<Certificate>, Vec<ocsp::Response>, Timestamp)> {
        let above = conf.intermediates(conf.instance(), certificate);
        let mut until = certificate.not_after();
        let mut responses = Vec::new();
        for certificate in std::iter::once(certificate).chain(&above) {
            let issuer = conf.issuer_anywhere(certificate)?;
            let response = self.response(certificate)?;
            if response.status() != ocsp::Status::Good {
                tracing::warn!(
                    subject = certificate.subject().rfc2253(),
                    "own certificate is not good: {:?}",
                    response.status()
                );
                return None;
            }
            until = until.min(fresh_until(response, &conf.ocsp_policy(issuer)));
            responses.push(response.clone());
        }
        Some((above, responses, until))
    }

    /// Presents the authentication key with this chain and response, unless it is presented so already: a new identity ends
    /// kept connections.
    fn present(&mut self, above: &[Certificate], response: Option<&ocsp::Response>) {
        let now = response.map(|response| (above.to_vec(), response.der().to_vec()));
        if now == self.presented {
            return;
        }
        let identity = self.token.identity(above, response.cloned());
        let replaced = self
            .identities
            .mutual
            .replace_identity(identity.clone())
            .and_then(|()| self.identities.feed.replace_identity(&identity))
            .and_then(|()| self.identities.peers.replace_identity(identity));
        match replaced {
            Ok(()) => self.presented = now,
            Err(error) => tracing::error!("the authentication key cannot be presented: {error}"),
        }
    }

    fn rebuild(&mut self, conf: &Conf) {
        let conf = &conf.snapshot;
        let mut keys = Keys {
            ocsp_by_sha1: self.responses.clone(),
            ..Keys::default()
        };
        let own = self.token.authentication.certificate.clone();
        if let Some((above, responses, usable_until)) = self.proof(&own, conf) {
            self.present(&above, responses.first());
            let chain = std::iter::once(own).chain(above).collect();
            keys.authentication = Some(Authentication {
                chain,
                ocsp_responses: responses,
                usable_until,
            });
        }
        let before = self.node.keys.load_full();
        for (member, pair) in &self.token.signing {
            let Some((above, responses, usable_until)) = self.proof(&pair.certificate, conf) else {
                continue;
            };
            let context = SigningContext::new(
                Arc::clone(&pair.key),
                pair.certificate.clone(),
                above,
                responses,
            );
            let context = match context {
                Ok(context) => context,
                Err(error) => {
                    tracing::error!(%member, "the signing key cannot be used: {error}");
                    continue;
                }
            };
            let signer = match before.signers.get(member) {
                Some(running) => {
                    running.signer.replace(context);
                    Arc::clone(&running.signer)
                }
                None => match Signer::start(context) {
                    Ok(signer) => Arc::new(signer),
                    Err(error) => {
                        tracing::error!(%member, "the signer cannot be started: {error}");
                        continue;
                    }
                },
            };
            keys.signers.insert(
                member.clone(),
                SigningKey {
                    signer,
                    usable_until,
                },
            );
        }
        self.node.keys.store(Arc::new(keys));
    }
}

fn hash(certificate: &Certificate) -> String {
    hex::encode(certificate.sha1().as_bytes())
}

/// How soon the responders are asked again after a failure.
const RETRY: Duration = Duration::from_secs(10);
const RESPONSE_BYTES_MAX: usize = 64 * 1024;
const FOLDER_BYTES_MAX: u64 = 16 * 1024 * 1024;
