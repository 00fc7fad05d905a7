//! respond: the signed answer, or a fault, as the consumer's node expects it.

use gateway_net::Body;
use gateway_proto::fault::Fault;
use gateway_proto::header;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::log::Logged;
use super::seal::Sealed;
use crate::content;
use crate::error::Error;
use crate::wire;

/// The logged response as a node-to-node message (PR-MESSTRANSP 3.2). Always status 200.
pub(super) fn to_peer(logged: &Logged<Sealed>) -> Result<Response<Body>, Error> {
    let answer = logged.answer();
    let written = wire::write_response(
        answer.message(),
        answer.soap_headers(),
        answer.attachments(),
        logged.seal(),
    );
    let mut response = Response::new(content::body(written.pieces));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, value(&written.content_type)?);
    headers.insert(
        header::HASH_ALGORITHM,
        HeaderValue::from_static(wire::HASH_ALGORITHM),
    );
    if let Some(original) = answer.original_content_type() {
        headers.insert(header::ORIGINAL_CONTENT_TYPE, original.clone());
    }
    Ok(response)
}

/// A fault stands alone as `text/xml`, for REST too, with status 200.
pub(super) fn fault(fault: &Fault) -> Response<Body> {
    let mut response = Response::new(gateway_net::full(fault.to_xml()));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/xml;charset=utf-8"),
    );
    headers.insert(header::SOAP_ACTION, HeaderValue::from_static(""));
    response
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::content_type(Some(text)))
}
