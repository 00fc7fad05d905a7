//! The public face: `/internalconf`, `/externalconf` and the parts they name.

use std::sync::Arc;

use gateway_net::{Body, Handler, Peer};
use gateway_registry::Publisher;
use http::header::{CONTENT_TYPE, EXPIRES, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};

/// What is served to whoever asks. All of it is signed.
#[derive(Debug)]
pub(super) struct Face {
    pub(super) publisher: Arc<Publisher>,
}

impl Face {
    fn configuration(&self, method: &Method, uri: &Uri) -> Response<Body> {
        let answer = match *method {
            Method::GET | Method::HEAD => self.publisher.answer(uri.path(), uri.query()),
            _ => None,
        };
        let Some((content_type, bytes)) = answer else {
            let mut response = Response::new(gateway_net::full("not found\n"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        };
        let mut response = Response::new(gateway_net::full(bytes));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(
            EXPIRES,
            HeaderValue::from_static("Thu, 01 Jan 1970 00:00:01 GMT"),
        );
        response
    }
}

impl Handler for Face {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        // A body, if there is one, is not looked at.
        let (method, uri) = (request.method().clone(), request.uri().clone());
        drop(request);
        self.configuration(&method, &uri)
    }
}
