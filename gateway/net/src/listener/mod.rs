//! Listeners: HTTP/1.1 over TCP or TLS, bounded in every way.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use certs_x509::Certificate;
use http::{Request, Response};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinSet,
};
use tracing::{debug, warn};

use self::{admission::Admission, connection::Connection};
use crate::{Body, Error, Limits, ServerTls};

mod admission;
mod connection;
mod framing;
mod guard;

/// Who is at the other end of an accepted connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether TLS is used.
    pub tls: bool,
    /// The certificates it presented, leaf first; after resumption too. Empty when it has none.
    pub certificates: Arc<[Certificate]>,
}

/// What answers requests.
///
/// It is called once for each request. A panic in it is caught: this request is answered with
/// status 500 and its connection closed, no other notices. A response whose body fails is
/// truncated. A client that has finished writing is answered; when its connection breaks, or the
/// listener has no time left to drain, the future is dropped, so work that must not be cut short
/// belongs in a task of its own.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request.
    fn handle(
        &self,
        request: Request<Body>,
        peer: &Peer,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// A bound listener.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<ServerTls>,
    limits: Limits,
}

impl Listener {
    /// Takes the address; connections wait until [`Listener::serve`].
    ///
    /// # Errors
    /// [`Error::Bind`] when the address cannot be taken.
    #[expect(clippy::unused_async, reason = "needs the runtime of its caller")]
    pub async fn bind(
        address: SocketAddr,
        tls: Option<ServerTls>,
        limits: Limits,
    ) -> Result<Self, Error> {
        let bound = || {
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?;
            let address = socket.local_addr()?;
            Ok((socket, address))
        };
        let (socket, address) = bound().map_err(|source| Error::Bind { address, source })?;
        Ok(Self {
            socket,
            address,
            tls,
            limits,
        })
    }

    /// The address taken, with the port the system chose if none was given.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` resolves, then drains for at most the idle timeout: requests being
    /// answered are finished, idle connections closed. HTTP/1.1 only; whatever can be read in two
    /// ways is refused (no smuggling).
    ///
    /// # Errors
    /// None at present: what goes wrong with one connection ends that connection.
    pub async fn serve<H: Handler>(
        self,
        handler: Arc<H>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), Error> {
        let admission = Admission::new(&self.limits);
        let limits = Arc::new(self.limits);
        let (stopping, stop) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_ended) = connections.join_next() => continue,
                accepted = self.socket.accept() => accepted,
            };
            let (tcp, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, or a client gone already: neither ends the listener.
                    warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(ticket) = admission.admit(address.ip()) else {
                debug!(%address, "too many connections");
                continue;
            };
            connections.spawn(
                Connection {
                    tcp,
                    address,
                    tls: self.tls.clone(),
                    limits: Arc::clone(&limits),
                    handler: Arc::clone(&handler),
                    stop: stop.clone(),
                    ticket,
                }
                .serve(),
            );
        }
        drop(self.socket);
        stopping.send_replace(true);
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(limits.idle_timeout, drained)
            .await
            .is_err()
        {
            warn!(
                open = connections.len(),
                "closing connections that did not finish in time"
            );
        }
        connections.shutdown().await;
        Ok(())
    }
}

/// Connections the system keeps until they are accepted.
const BACKLOG: u32 = 1_024;
/// After a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// For [`crate::probe`]: the guard over these chunks; `Err` holds how many bytes were fine.
pub(crate) fn framed<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<(), usize> {
    let mut guard = framing::Framing::new();
    let mut good = 0_usize;
    for chunk in chunks {
        guard
            .feed(chunk)
            .map_err(|refused| good.saturating_add(refused.good))?;
        good = good.saturating_add(chunk.len());
    }
    Ok(())
}
