//! Opening connections: names to addresses, addresses to sockets, sockets to TLS.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use rustls::pki_types::ServerName;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::Instant,
};
use tokio_rustls::TlsConnector;

use crate::{
    Error,
    client::connection::{Connected, Shown},
    stream::Stream,
    tls::{self, client::ClientTls},
};

/// A TCP connection to a host by name or address, within a time for all of it.
pub(crate) async fn tcp(host: &str, port: u16, timeout: Duration) -> Result<TcpStream, Error> {
    within(timeout, Error::ConnectTimeout, async {
        first(resolve(host, port).await?.into_iter().map(connect), STAGGER).await
    })
    .await
}

/// The first of several TCP connections, all tried at once, with its place among them
/// (PR-MESSTRANSP: the provider that connects fastest is taken).
pub(crate) async fn race(
    hosts: &[(&str, u16)],
    timeout: Duration,
) -> Result<(usize, TcpStream), Error> {
    // Collected before anything is awaited: a closure over borrowed hosts held across an await
    // would keep callers' futures from being `Send`.
    let attempts: Vec<_> = hosts
        .iter()
        .enumerate()
        .map(|(place, &(host, port))| attempt(place, host, port, timeout))
        .collect();
    first(attempts, Duration::ZERO).await
}

async fn attempt(
    place: usize,
    host: &str,
    port: u16,
    timeout: Duration,
) -> Result<(usize, TcpStream), Error> {
    Ok((place, tcp(host, port, timeout).await?))
}

/// TLS over a TCP connection, and what the server showed.
pub(crate) async fn tls(
    tcp: TcpStream,
    host: &str,
    settings: &ClientTls,
    timeout: Duration,
) -> Result<(Stream, Shown), Error> {
    let address = tcp
        .peer_addr()
        .map_err(|source| Error::Connect { source })?;
    let name = ServerName::try_from(bare(host)).map_or_else(
        |_unusable| ServerName::from(address.ip()),
        |name| name.to_owned(),
    );
    let connector = TlsConnector::from(std::sync::Arc::clone(&settings.config));
    let stream = within(timeout, Error::HandshakeTimeout, async {
        connector
            .connect(name, tcp)
            .await
            .map_err(|source| Error::Tls { source })
    })
    .await?;
    let certificates = tls::presented(stream.get_ref().1.peer_certificates())?;
    let shown = Shown {
        certificates,
        address,
    };
    Ok((Stream::Tls(Box::new(stream.into())), shown))
}

/// A connection ready for requests, plain or over TLS.
pub(crate) async fn plain(tcp: TcpStream) -> Result<Connected, Error> {
    let address = tcp
        .peer_addr()
        .map_err(|source| Error::Connect { source })?;
    let shown = Shown {
        certificates: std::sync::Arc::default(),
        address,
    };
    Connected::new(Stream::Plain(tcp), shown).await
}

/// An IP literal without the brackets of a URI.
pub(crate) fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    let host = bare(host);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let unknown = || Error::UnknownHost {
        host: host.to_owned(),
    };
    let addresses: Vec<_> = tokio::net::lookup_host((host, port))
        .await
        .map_err(|_unresolved| unknown())?
        .take(ADDRESSES_MAX)
        .collect();
    match addresses.is_empty() {
        true => Err(unknown()),
        false => Ok(addresses),
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, Error> {
    let connected = async {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_keepalive(true)?;
        socket.set_nodelay(true)?;
        socket.connect(address).await
    };
    connected
        .await
        .map_err(|source: io::Error| Error::Connect { source })
}

/// The first attempt that succeeds; each starts when the one before has failed or `stagger` has
/// passed (RFC 8305). Fails with the last failure.
async fn first<T>(
    attempts: impl IntoIterator<Item = impl Future<Output = Result<T, Error>>>,
    stagger: Duration,
) -> Result<T, Error> {
    let mut waiting = attempts.into_iter();
    let mut running = FuturesUnordered::new();
    let mut pause = pin!(tokio::time::sleep(Duration::ZERO));
    let mut exhausted = false;
    let mut failure = Error::NoCandidate;
    loop {
        if running.is_empty() && !exhausted {
            start(&mut waiting, &mut running, &mut exhausted);
            pause.as_mut().reset(later(stagger));
        }
        if running.is_empty() {
            return Err(failure);
        }
        tokio::select! {
            Some(ended) = running.next() => match ended {
                Ok(connected) => return Ok(connected),
                Err(error) => {
                    failure = error;
                    start(&mut waiting, &mut running, &mut exhausted);
                }
            },
            () = &mut pause, if !exhausted => {
                start(&mut waiting, &mut running, &mut exhausted);
                pause.as_mut().reset(later(stagger));
            }
        }
    }
}

fn later(by: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(by).unwrap_or(now)
}

fn start<F>(
    waiting: &mut impl Iterator<Item = F>,
    running: &mut FuturesUnordered<F>,
    exhausted: &mut bool,
) {
    match waiting.next() {
        Some(attempt) => running.push(attempt),
        None => *exhausted = true,
    }
}

async fn within<T>(
    timeout: Duration,
    late: Error,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(timeout, work)
        .await
        .unwrap_or(Err(late))
}

/// Between two addresses of one host.
const STAGGER: Duration = Duration::from_millis(250);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;
