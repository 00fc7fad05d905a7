//! A provider's information system in memory.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gateway_exchange::Adapter;
use gateway_exchange::adapter::Target;
use gateway_net::{Body, Error};
use http::request::Parts;
use http::{Request, Response};

/// What came to the service.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    pub(crate) target: Target,
}

type Behaviour = dyn Fn(&Parts, &Bytes) -> Result<Response<Body>, Error> + Send + Sync;

/// Answers as it was told; until then it echoes.
#[derive(Clone)]
pub(crate) struct TestService {
    inner: Arc<Inner>,
}

struct Inner {
    calls: Mutex<Vec<Call>>,
    behaviour: Mutex<Arc<Behaviour>>,
}

impl TestService {
    pub(crate) fn new() -> Self {
        let inner = Inner {
            calls: Mutex::default(),
            behaviour: Mutex::new(Arc::new(echo)),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(crate) fn answers(
        &self,
        behaviour: impl Fn(&Parts, &Bytes) -> Result<Response<Body>, Error> + Send + Sync + 'static,
    ) {
        *self.inner.behaviour.lock().unwrap() = Arc::new(behaviour);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.inner.calls.lock().unwrap().clone()
    }
}

impl Adapter for TestService {
    async fn call(&self, request: Request<Body>, target: &Target) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let body = gateway_net::collect(body, 64 << 20).await?;
        let call = Call {
            head,
            body,
            target: target.clone(),
        };
        let behaviour = Arc::clone(&self.inner.behaviour.lock().unwrap());
        self.inner.calls.lock().unwrap().push(call.clone());
        behaviour(&call.head, &call.body)
    }
}

/// SOAP: the request as its own response; REST: the body as it came.
pub(crate) fn echo(head: &Parts, body: &Bytes) -> Result<Response<Body>, Error> {
    let content_type = head
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok());
    let is_soap = head.headers.contains_key("soapaction");
    let body = match is_soap {
        true => {
            // Byte by byte: attachments need not be text.
            replace_all(body, b"p:lookup", b"p:lookupResponse")
        }
        false => body.to_vec(),
    };
    Ok(response(200, content_type, body))
}

pub(crate) fn response(
    status: u16,
    content_type: Option<&str>,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::builder().status(status);
    if let Some(content_type) = content_type {
        response = response.header("content-type", content_type);
    }
    response.body(gateway_net::full(body)).unwrap()
}

pub(crate) fn replace_all(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}
