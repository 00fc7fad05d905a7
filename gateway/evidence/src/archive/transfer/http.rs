//! HTTP for the store's client over the connections of `gateway-net`, where TLS has its home.

use std::fmt;
use std::pin::Pin;

use gateway_net::{Client, Error, Sent, ServerTrust};
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};

use crate::causes::Causes;

/// Connections to the store.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    pub(super) client: Client,
    pub(super) trust: ServerTrust,
}

impl HttpConnector for Connections {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Connections {
    fn call<'a, 'b>(&'a self, request: HttpRequest) -> Answer<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.exchange(request))
    }
}

impl Connections {
    /// A request's body is one part of a file and in memory anyway; of an answer no more is taken
    /// than the store's own messages need.
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let request = http::Request::from_parts(head, gateway_net::full(body));
        let response = self
            .client
            .request(request, &self.trust, None)
            .await
            .map_err(told)?;
        let (head, body) = response.into_parts();
        let body = gateway_net::collect(body, ANSWER_BYTES_MAX)
            .await
            .map_err(told)?;
        Ok(HttpResponse::from_parts(head, body.into()))
    }
}

/// What may be tried again is decided by the kind. A server that is not believed is not asked again.
fn told(error: Error) -> HttpError {
    let kind = match (&error, error.sent()) {
        (Error::ServerUntrusted, _) => HttpErrorKind::Unknown,
        (_, Sent::No) => HttpErrorKind::Connect,
        (Error::ResponseTimeout | Error::BodyTimeout { .. }, _) => HttpErrorKind::Timeout,
        (_, Sent::Unknown) => HttpErrorKind::Interrupted,
    };
    HttpError::new(kind, Cause(error))
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

/// The chain of causes in one line: what shows the error prints one level only.
#[derive(Debug)]
struct Cause(Error);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Causes(&self.0).fmt(f)
    }
}

impl std::error::Error for Cause {}

const ANSWER_BYTES_MAX: usize = 1 << 20;
