//! receive: reads a peer's message; the peer is judged before its body is taken in.

use std::sync::Arc;

use certs_x509::ocsp;
use gateway_messagelog::MessageLog;
use gateway_net::{Body, Peer, PeerEvidence};
use gateway_proto::envelope::Part;
use gateway_proto::id::ServerId;
use gateway_proto::mime::Headers;
use gateway_proto::{header, rest};
use gateway_proto::soap::{self, Parsed};
use gateway_seal::Seal;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use jiff::Timestamp;

use crate::conf::Conf;
use crate::error::Error;
use crate::keys::Keys;
use crate::local::Local;
use crate::message::{Attachment, Request, Subject};
use crate::node::Node;
use crate::signer::Signer;
use crate::trust::{self, AnchorOf};
use crate::wire::{self, PartReader};

/// The message part of a peer that may speak for its client; the rest is still on its way. Only [`head`] makes it.
pub(crate) struct Arrived {
    pub(super) message: Request,
    pub(super) original: Original,
    pub(super) peer: Option<ServerId>,
    pub(super) signer: Arc<Signer>,
    reader: PartReader,
}

/// A message with all its parts. Only [`rest`] makes it.
pub(crate) struct Received {
    pub(super) message: Request,
    pub(super) original: Original,
    pub(super) peer: Option<ServerId>,
    /// Of the provider's member: it is known to be able to answer.
    pub(super) signer: Arc<Signer>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) seal: Seal,
}

/// What the asking information system's HTTP request said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Original {
    pub(super) content_type: String,
    pub(super) soap_action: String,
    /// Headers of the SOAP part.
    pub(super) soap_headers: Headers,
}

impl Arrived {
    /// Who asks whom for what.
    pub(super) fn subject(&self) -> Subject {
        self.message.subject()
    }
}

/// Reads up to the message part and makes the checks of PR-MESSTRANSP that stand before everything else: target
/// server, provider, its signing key, the peer's certificate for the sender.
pub(super) async fn head(
    request: http::Request<Body>,
    peer: &Peer,
    node: &Node,
    conf: &Conf,
    local: &Local,
    keys: &Keys,
    now: Timestamp,
) -> Result<Arrived, Error> {
    let (parts, body) = request.into_parts();
    if parts.method != http::Method::POST {
        return Err(Error::Method { method: parts.method.to_string() });
    }
    let rest = text(&parts, header::MESSAGE_TYPE) == Some(header::MESSAGE_TYPE_REST);
    let mut original = Original {
        content_type: text(&parts, header::ORIGINAL_CONTENT_TYPE).unwrap_or_default().to_owned(),
        soap_action: text(&parts, header::ORIGINAL_SOAP_ACTION).unwrap_or_default().to_owned(),
        soap_headers: Headers::default(),
    };
    if !rest && !soap::validate_soap_action(original.soap_action.as_bytes()) {
        return Err(Error::SoapAction);
    }
    let hash_algorithm = text(&parts, header::HASH_ALGORITHM);
    if !hash_algorithm.is_some_and(|name| name.eq_ignore_ascii_case(wire::HASH_ALGORITHM)) {
        return Err(Error::HashAlgorithm);
    }
    let content_type = text(&parts, CONTENT_TYPE.as_str()).unwrap_or_default();
    let mut reader = PartReader::new(content_type, body, &node.settings.limits)
        .map_err(Error::in_received)?;
    match message(&mut reader, rest, peer, node, conf, local, keys, now).await {
        Ok((message, soap_headers, signer)) => {
            original.soap_headers = soap_headers;
            let leaf = peer.certificates.first();
            let peer = leaf.and_then(|leaf| conf.snapshot.server_by_auth_certificate(leaf)).cloned();
            Ok(Arrived { message, original, peer, signer, reader })
        }
        Err(error) => {
            // The peer writes all before it listens; a fault sent too early would be lost.
            reader.hear_out().await;
            Err(error)
        }
    }
}

async fn message(
    reader: &mut PartReader,
    rest: bool,
    peer: &Peer,
    node: &Node,
    conf: &Conf,
    local: &Local,
    keys: &Keys,
    now: Timestamp,
) -> Result<(Request, Headers, Arc<Signer>), Error> {
    let mut ocsp_responses = Vec::new();
    let mut soap_headers = Headers::default();
    let message = loop {
        match reader.next().await.map_err(Error::in_received)? {
            Part::Ocsp(der) => {
                // One that cannot be read vouches for nothing; the certificate it was for will lack one.
                ocsp_responses.extend(ocsp::Response::from_der(&der).ok());
            }
            Part::Soap { content_type, headers, bytes } if !rest => {
                soap_headers = headers;
                break soap_message(bytes, &content_type, node).map_err(Error::in_received)?;
            }
            Part::RestRequest(block) if rest => {
                let message = rest::Request::from_block(block).map_err(Error::Rest);
                break Request::Rest(message.map_err(Error::in_received)?);
            }
            _ if rest => return Err(Error::MissingRest),
            _ => return Err(Error::MissingSoap),
        }
    };
    let signer = before_all(&message, ocsp_responses, peer, conf, local, keys, now)
        .map_err(Error::in_received)?;
    Ok((message, soap_headers, signer))
}

fn soap_message(bytes: bytes::Bytes, content_type: &str, node: &Node) -> Result<Request, Error> {
    match soap::parse(bytes, content_type, &node.settings.limits).map_err(Error::Soap)? {
        Parsed::Message(message) => Ok(Request::Soap(message)),
        Parsed::Fault(fault) => Err(Error::FaultAsRequest { code: fault.code.as_str().to_owned() }),
    }
}

fn before_all(
    message: &Request,
    ocsp_responses: Vec<ocsp::Response>,
    peer: &Peer,
    conf: &Conf,
    local: &Local,
    keys: &Keys,
    now: Timestamp,
) -> Result<Arc<Signer>, Error> {
    // The reference compares it for SOAP only; a REST message to another server is as wrong.
    if let Some(server) = message.security_server()
        && *server != local.server
    {
        return Err(Error::WrongServer { server: server.clone() });
    }
    let provider = message.service().provider();
    if local.client(provider).is_none() {
        return Err(Error::UnknownClient { client: provider.clone() });
    }
    let signer = keys
        .signer(provider.member(), now)
        .ok_or_else(|| Error::NoSigningKey { member: provider.member().clone() })?;
    let client = message.client();
    let evidence = PeerEvidence {
        certificates: Arc::clone(&peer.certificates),
        ocsp_responses: ocsp_responses.into(),
    };
    trust::peer(conf, client.instance(), client, &evidence, AnchorOf::Last, now)
        .map_err(Error::Peer)?;
    Ok(Arc::clone(signer))
}

/// Reads body or attachments and the seal. With `keep` off nothing is stored.
pub(super) async fn rest(
    arrived: Arrived,
    keep: bool,
    log: &MessageLog,
) -> Result<Received, Error> {
    let Arrived { message, original, peer, signer, mut reader } = arrived;
    let tail = reader.tail(keep.then_some(log)).await.map_err(Error::in_received)?;
    let seal = tail.seal()?;
    Ok(Received { message, original, peer, signer, attachments: tail.attachments, seal })
}

fn text<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}
