//! send: to one of the provider's nodes, once it has proved itself.

use gateway_net::{Body, PeerError, PeerEvidence};
use gateway_proto::header;
use gateway_proto::id::ServerId;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::log::Logged;
use super::seal::Sealed;
use crate::conf::Conf;
use crate::content;
use crate::error::Error;
use crate::keys::Authentication;
use crate::message::Request;
use crate::node::Node;
use crate::transport::Transport;
use crate::trust::{self, AnchorOf};
use crate::wire;

/// An answer from a node that serves the provider. Only [`request`] makes it.
pub(crate) struct Reply {
    response: http::Response<Body>,
    peer: Option<ServerId>,
}

impl Reply {
    pub(super) fn into_parts(self) -> (http::Response<Body>, Option<ServerId>) {
        (self.response, self.peer)
    }
}

/// Sends the logged request. The peer is judged before anything is sent, and again on each use of a
/// kept connection.
pub(super) async fn request(
    logged: &Logged<Sealed>,
    authentication: &Authentication,
    transport: &impl Transport,
    node: &Node,
    conf: &Conf,
) -> Result<Reply, Error> {
    let provider = logged.message().service().provider();
    let judge = |evidence: &PeerEvidence| {
        let now = node.clock.now();
        trust::peer(
            conf,
            provider.instance(),
            provider,
            evidence,
            AnchorOf::Leaf,
            now,
        )
        .map_err(Error::Peer)
    };
    let request = http_request(logged, authentication)?;
    let (response, evidence) = transport
        .send(logged.candidates(), request, &judge)
        .await
        .map_err(|error| match error {
            PeerError::Network(error) => Error::Network(error),
            PeerError::Tls(error) => Error::Tls(error),
            PeerError::Refused(error) => error,
            PeerError::Broken(error) => Error::Broken(Some(error)),
            PeerError::Timeout => Error::Broken(None),
        })?;
    let leaf = evidence.certificates.first();
    let peer = leaf
        .and_then(|leaf| conf.snapshot.server_by_auth_certificate(leaf))
        .cloned();
    Ok(Reply { response, peer })
}

/// `POST /` with the headers of PR-MESSTRANSP; the path means nothing.
fn http_request(
    sealed: &Sealed,
    authentication: &Authentication,
) -> Result<http::Request<Body>, Error> {
    let original = sealed.original();
    let written = wire::write_request(
        sealed.message(),
        &original.soap_headers,
        sealed.attachments(),
        sealed.seal(),
        authentication,
    );
    let empty = || HeaderValue::from_static("");
    let mut request = http::Request::new(content::body(written.pieces));
    *request.method_mut() = http::Method::POST;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, value(&written.content_type)?);
    headers.insert(
        header::HASH_ALGORITHM,
        HeaderValue::from_static(wire::HASH_ALGORITHM),
    );
    headers.insert(
        header::PROXY_VERSION,
        HeaderValue::from_static(PROXY_VERSION),
    );
    let content_type = original.content_type.clone().unwrap_or_else(empty);
    headers.insert(header::ORIGINAL_CONTENT_TYPE, content_type);
    match sealed.message() {
        Request::Soap(_) => {
            let action = original.soap_action.clone().unwrap_or_else(empty);
            headers.insert(header::ORIGINAL_SOAP_ACTION, action);
            headers.insert(
                header::REQUEST_ID,
                value(&super::receive::random_uuid().to_string())?,
            );
        }
        Request::Rest(rest) => {
            headers.insert(
                header::MESSAGE_TYPE,
                HeaderValue::from_static(header::MESSAGE_TYPE_REST),
            );
            headers.insert(header::REQUEST_ID, value(rest.request_id())?);
        }
    }
    Ok(request)
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::content_type(Some(text)))
}

/// The release whose messages these are; providers may demand a minimum.
const PROXY_VERSION: &str = "7.8.0";
