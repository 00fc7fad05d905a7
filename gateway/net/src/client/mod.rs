//! Connections to information systems, responders and configuration sources.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use certs_x509::Certificate;
use http::{HeaderValue, Request, Response, Uri, header, uri::PathAndQuery, uri::Scheme};

use self::{
    connection::{Connected, Failed},
    pool::Pool,
};
use crate::{
    Body, Error, Identity,
    tls::{Authorities, client::ClientTls},
};

pub(crate) mod connection;
pub(crate) mod dial;
pub(crate) mod pool;

/// A client for plain HTTP/1.1 and HTTPS: pooled connections, no redirects, no cookies, no
/// decompression, no proxies, nothing from the environment. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: ClientOptions,
    /// Replaced as a whole, so that no session of an earlier identity is resumed.
    tls: RwLock<ClientTls>,
    pool: Arc<Pool<Target>>,
}

/// Times and bounds of a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// To resolve the name and connect; the TLS handshake has as long again.
    pub connect_timeout: Duration,
    /// How long neither the request may move, nor the response's head come, nor its body move.
    pub response_timeout: Duration,
    /// An unused connection is kept as long.
    pub idle_timeout: Duration,
    /// Unused connections kept for each host and port.
    pub idle_per_host_max: usize,
    /// Presented to servers that ask for a certificate.
    pub identity: Option<Identity>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(30),
            response_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(10),
            idle_per_host_max: 64,
            identity: None,
        }
    }
}

/// Whom to believe at an https service.
///
/// PR-MESS leaves it to the provider: the service's certificate is compared with those registered
/// for the provider's information systems, or not at all. Names are compared only where an authority
/// is trusted.
#[derive(Clone, Debug)]
pub enum ServerTrust {
    /// Any server.
    Any,
    /// A server whose certificate is byte-equal to one of these.
    OneOf(Vec<Certificate>),
    /// A server whose certificate has one of these SHA-256 digests.
    Digests(Vec<[u8; 32]>),
    /// A server that one of these vouches for, under the host name of the request. For services
    /// outside the network, such as a store for archives.
    Authorities(Authorities),
}

impl ServerTrust {
    fn accepts(&self, presented: &[Certificate], host: &str) -> bool {
        match (self, presented.first()) {
            (Self::Any, _) => true,
            (Self::OneOf(trusted), Some(leaf)) => trusted.iter().any(|one| one.der() == leaf.der()),
            (Self::Digests(trusted), Some(leaf)) => {
                let digest = leaf.sha256();
                trusted.iter().any(|one| one == digest.as_bytes())
            }
            (Self::Authorities(authorities), Some(_)) => authorities.vouch_for(presented, host),
            (Self::OneOf(_) | Self::Digests(_) | Self::Authorities(_), None) => false,
        }
    }
}

impl Client {
    /// A client with its own connections.
    ///
    /// # Errors
    /// When the identity cannot be used.
    pub fn new(options: ClientOptions) -> Result<Self, Error> {
        let tls = RwLock::new(ClientTls::new(options.identity.as_ref())?);
        let pool = Pool::new(options.idle_timeout, options.idle_per_host_max);
        Ok(Self {
            shared: Arc::new(Shared { options, tls, pool }),
        })
    }

    /// Presents this identity from now on; kept connections are closed, used ones are finished.
    ///
    /// # Errors
    /// When the identity cannot be used; the earlier one stays then.
    pub fn replace_identity(&self, identity: &Identity) -> Result<(), Error> {
        let tls = ClientTls::new(Some(identity))?;
        *self
            .shared
            .tls
            .write()
            .unwrap_or_else(PoisonError::into_inner) = tls;
        self.shared.pool.forget_all();
        Ok(())
    }

    /// Sends a request to its absolute URI and gives the response once its head is there.
    ///
    /// `trust` is asked before anything is sent, of kept connections too; it does not concern plain
    /// http. `timeout` overrides the response timeout. A request is tried again only when a kept
    /// connection turns out to be closed before anything was written to it. The response's body
    /// ends with an error if it is cut off.
    ///
    /// # Errors
    /// [`Error::sent`] tells whether the server may have seen the request.
    pub async fn request(
        &self,
        request: Request<Body>,
        trust: &ServerTrust,
        timeout: Option<Duration>,
    ) -> Result<Response<Body>, Error> {
        let stall = timeout.unwrap_or(self.shared.options.response_timeout);
        let (target, mut request) = Target::of(request)?;
        if let Some(kept) = self.shared.pool.take(&target)
            && (!target.tls || trust.accepts(&kept.shown.certificates, &target.host))
        {
            match self.exchange(kept, &target, request, stall).await {
                Ok(response) => return Ok(response),
                Err(Failed {
                    unsent: Some(unsent),
                    ..
                }) => request = *unsent,
                Err(Failed {
                    error,
                    unsent: None,
                }) => return Err(error),
            }
        }
        let connection = self.connect(&target).await?;
        if target.tls && !trust.accepts(&connection.shown.certificates, &target.host) {
            return Err(Error::ServerUntrusted);
        }
        self.exchange(connection, &target, request, stall)
            .await
            .map_err(|failed| failed.error)
    }

    async fn exchange(
        &self,
        mut connection: Connected,
        target: &Target,
        request: Request<Body>,
        stall: Duration,
    ) -> Result<Response<Body>, Failed> {
        let lease = self.shared.pool.lease(target.clone());
        let response = connection.exchange(request, Some(stall)).await?;
        Ok(pool::response(response, connection, lease, Some(stall)))
    }

    async fn connect(&self, target: &Target) -> Result<Connected, Error> {
        let timeout = self.shared.options.connect_timeout;
        let tcp = dial::tcp(&target.host, target.port, timeout).await?;
        if !target.tls {
            return dial::plain(tcp).await;
        }
        let tls = self.shared.tls.read();
        let tls = tls.unwrap_or_else(PoisonError::into_inner).clone();
        let (stream, shown) = dial::tls(tcp, &target.host, &tls, timeout).await?;
        Connected::new(stream, shown).await
    }
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Target {
    tls: bool,
    host: String,
    port: u16,
}

impl Target {
    /// Takes the target out of a request, which is left in origin form with a `Host`.
    fn of(mut request: Request<Body>) -> Result<(Self, Request<Body>), Error> {
        let uri = request.uri();
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(Error::InvalidUri),
        };
        let authority = uri.authority().ok_or(Error::InvalidUri)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(Error::InvalidUri);
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str().ends_with(':') || authority.as_str() == authority.host() => {
                if tls {
                    443
                } else {
                    80
                }
            }
            // A port that is no number.
            None => return Err(Error::InvalidUri),
        };
        let host = authority.host().to_ascii_lowercase();
        let named = HeaderValue::from_str(authority.as_str()).map_err(|_odd| Error::InvalidUri)?;
        let path = uri.path_and_query().cloned();
        request.headers_mut().entry(header::HOST).or_insert(named);
        *request.uri_mut() = origin_form(path);
        Ok((Self { tls, host, port }, request))
    }
}

/// RFC 9112, 3.2.1.
pub(crate) fn origin_form(path: Option<PathAndQuery>) -> Uri {
    path.map_or_else(|| Uri::from_static("/"), Uri::from)
}

#[cfg(test)]
mod tests;
