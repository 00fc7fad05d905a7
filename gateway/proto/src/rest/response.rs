//! The REST response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs_keys::Digest;

use super::{Error, Request, block};
use crate::header;
use crate::id::{ClientId, ServiceId};

/// A response as hashed, signed, sent and logged.
#[derive(Clone)]
pub struct Response {
    block: Bytes,
    status: u16,
    reason: String,
    client: Option<ClientId>,
    service: Option<ServiceId>,
    id: String,
    request_id: Option<String>,
    request_hash: Vec<u8>,
    headers: block::Headers,
}

impl Response {
    /// At the provider: the service's headers in their order, without those of the connection and
    /// those that say what only a node may say, then the five `x-road` headers (PR-REST 4.3).
    ///
    /// # Errors
    /// When the status is not of three digits or a header cannot stand in a message.
    pub fn new(
        status: u16,
        reason: &str,
        headers: &[(&str, &[u8])],
        request: &Request,
        request_hash: &Digest,
    ) -> Result<Self, Error> {
        if !(100..=999).contains(&status) {
            return Err(Error::Status);
        }
        let reason = block::value_text("reason", reason.as_bytes())?;
        let mut text = format!("{status}\r\n{reason}\r\n");
        let mut kept = block::Headers::with_capacity(headers.len().saturating_add(5));
        for (name, value) in headers {
            if !is_ours(name) && !header::is_skipped(name) {
                block::push_header(&mut text, &mut kept, name, block::value_text(name, value)?);
            }
        }
        let hash = request_hash.as_bytes();
        let mut push = |name, value| block::push_header(&mut text, &mut kept, name, value);
        push(header::ID, request.id().to_owned());
        push(header::CLIENT, request.client().to_rest());
        push(header::SERVICE, request.service().to_rest());
        push(header::REQUEST_ID, request.request_id().to_owned());
        push(header::REQUEST_HASH, STANDARD.encode(hash));
        Ok(Self {
            block: text.into(),
            status,
            reason,
            client: Some(request.client().clone()),
            service: Some(request.service().clone()),
            id: request.id().to_owned(),
            request_id: Some(request.request_id().to_owned()),
            request_hash: hash.to_vec(),
            headers: kept,
        })
    }

    /// From the block a peer sent.
    ///
    /// # Errors
    /// When the block is not one by the strict rule, the query id or the request hash is missing,
    /// or an identifier is malformed.
    pub fn from_block(block: Bytes) -> Result<Self, Error> {
        let lines = block::parse(&block)?;
        let status = lines.first;
        let is_status = status.len() == 3
            && status.bytes().all(|digit| digit.is_ascii_digit())
            && !status.starts_with('0');
        let status = status
            .parse()
            .ok()
            .filter(|_| is_status)
            .ok_or(Error::Status)?;
        let headers = lines.headers;
        let id = block::required(&headers, header::ID)?.to_owned();
        let request_hash = STANDARD
            .decode(block::required(&headers, header::REQUEST_HASH)?)
            .map_err(|_| Error::BadHeader {
                name: header::REQUEST_HASH,
            })?;
        let client = block::last(&headers, header::CLIENT)
            .map(ClientId::from_rest)
            .transpose()
            .map_err(|error| Error::Identifier {
                place: header::CLIENT,
                error,
            })?;
        let service = block::last(&headers, header::SERVICE)
            .map(ServiceId::from_rest)
            .transpose()
            .map_err(|error| Error::Identifier {
                place: header::SERVICE,
                error,
            })?;
        Ok(Self {
            status,
            reason: lines.second.to_owned(),
            client,
            service,
            id,
            request_id: block::last(&headers, header::REQUEST_ID).map(str::to_owned),
            request_hash,
            headers,
            block: block.clone(),
        })
    }

    /// The bytes that are hashed, signed, sent and logged.
    pub fn block(&self) -> &Bytes {
        &self.block
    }

    /// The form in which deployed servers log a response whose body is not kept: status, reason, and
    /// of the headers those that begin with `x-road-`. It reads as a response, and is not what was
    /// signed.
    pub fn reduced(&self) -> Bytes {
        block::reduced(&self.status.to_string(), &self.reason, &self.headers)
    }

    /// The status of the service's answer.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase, often empty.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// All headers of the block, in order.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The last value of a header; the name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        block::last(&self.headers, name)
    }

    /// The hash of the request it says it answers.
    pub fn request_hash(&self) -> &[u8] {
        &self.request_hash
    }

    /// Whether this answers `request`: same client, query id, service, request id and hash.
    ///
    /// # Errors
    /// The name of the first header that differs.
    pub fn check_consistency(
        &self,
        request: &Request,
        request_hash: &Digest,
    ) -> Result<(), &'static str> {
        let same = [
            (
                header::CLIENT,
                self.client.as_ref() == Some(request.client()),
            ),
            (header::ID, self.id == request.id()),
            (
                header::SERVICE,
                self.service.as_ref() == Some(request.service()),
            ),
            (
                header::REQUEST_ID,
                self.request_id.as_deref() == Some(request.request_id()),
            ),
            (
                header::REQUEST_HASH,
                self.request_hash == request_hash.as_bytes(),
            ),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            Some((name, _)) => Err(name),
            None => Ok(()),
        }
    }
}

/// Headers may name persons, so only the status is shown.
impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// Headers only a node may set. Deployed servers let a service set the service and error headers;
/// the document says they are overwritten (PR-REST 4.3), and so they are here.
fn is_ours(name: &str) -> bool {
    const OURS: [&str; 6] = [
        header::ID,
        header::CLIENT,
        header::SERVICE,
        header::REQUEST_ID,
        header::REQUEST_HASH,
        header::ERROR,
    ];
    OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours))
}
