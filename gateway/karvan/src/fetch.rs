//! Small HTTP calls of background tasks: configuration, OCSP, time-stamping.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use gateway_net::{Body, Client, ClientOptions, Identity, ServerTrust};
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, Uri};

/// Why nothing was fetched.
#[derive(Debug)]
pub(crate) enum Error {
    /// Not an absolute URL.
    Url(String),
    /// The network or the server.
    Net(gateway_net::Error),
}

/// A client for background tasks. Content is verified by its signature, so any TLS certificate will do.
pub(crate) fn client() -> Result<Client, gateway_net::Error> {
    presenting(None)
}

/// The same for servers that let in whom they know.
pub(crate) fn presenting(identity: Option<Identity>) -> Result<Client, gateway_net::Error> {
    Client::new(ClientOptions {
        connect_timeout: Duration::from_secs(10),
        response_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(15),
        idle_per_host_max: 4,
        identity,
    })
}

/// GET, at most `bytes_max`: status and body.
pub(crate) async fn get(
    client: &Client,
    url: &str,
    bytes_max: usize,
) -> Result<(u16, Bytes), Error> {
    call(
        client,
        request(Method::GET, url, gateway_net::empty())?,
        bytes_max,
    )
    .await
}

/// The same from a server that has to be known; silence ends it after this time.
pub(crate) async fn get_within(
    client: &Client,
    url: &str,
    bytes_max: usize,
    trust: &ServerTrust,
    timeout: Duration,
) -> Result<(u16, Bytes), Error> {
    let request = request(Method::GET, url, gateway_net::empty())?;
    call_within(client, request, bytes_max, trust, Some(timeout)).await
}

/// POST with a content type, at most `bytes_max` back: status and body.
pub(crate) async fn post(
    client: &Client,
    url: &str,
    content_type: &'static str,
    accept: &'static str,
    body: Vec<u8>,
    bytes_max: usize,
) -> Result<(u16, Bytes), Error> {
    let mut request = request(Method::POST, url, gateway_net::full(body))?;
    request
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    request
        .headers_mut()
        .insert(ACCEPT, HeaderValue::from_static(accept));
    call(client, request, bytes_max).await
}

fn request(method: Method, url: &str, body: Body) -> Result<Request<Body>, Error> {
    let wrong = || Error::Url(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let authority = uri.authority().ok_or_else(wrong)?.as_str().to_owned();
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    request.headers_mut().insert(
        HOST,
        HeaderValue::from_str(&authority).map_err(|_| wrong())?,
    );
    Ok(request)
}

async fn call(
    client: &Client,
    request: Request<Body>,
    bytes_max: usize,
) -> Result<(u16, Bytes), Error> {
    call_within(client, request, bytes_max, &ServerTrust::Any, None).await
}

async fn call_within(
    client: &Client,
    request: Request<Body>,
    bytes_max: usize,
    trust: &ServerTrust,
    timeout: Option<Duration>,
) -> Result<(u16, Bytes), Error> {
    let response = client
        .request(request, trust, timeout)
        .await
        .map_err(Error::Net)?;
    let status = response.status().as_u16();
    let body = gateway_net::collect(response.into_body(), bytes_max)
        .await
        .map_err(Error::Net)?;
    Ok((status, body))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(f, "not an absolute URL: {url}"),
            Self::Net(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(_) => None,
            Self::Net(error) => std::error::Error::source(error),
        }
    }
}
