//! The REST request.

use bytes::Bytes;
use uuid::Uuid;

use super::{Error, block};
use crate::basis::{self, Basis};
use crate::header;
use crate::id::{ClientId, MemberId, ServerId, ServiceId};
use crate::soap::RepresentedParty;
use crate::uri;

/// A request as hashed, signed, sent and logged.
#[derive(Clone)]
pub struct Request {
    block: Bytes,
    method: &'static str,
    path: String,
    /// Where the service path begins in `path`.
    service_path_start: usize,
    query: Option<String>,
    client: ClientId,
    service: ServiceId,
    id: String,
    request_id: String,
    security_server: Option<ServerId>,
    represented_party: Option<RepresentedParty>,
    headers: block::Headers,
}

/// The request line, taken apart.
struct Target {
    service: ServiceId,
    service_path_start: usize,
}

impl Request {
    /// From the information system (PR-REST 4.1 to 4.3).
    ///
    /// Headers of the connection and any `x-road-request-id` and `x-road-request-hash` are left
    /// out; the others keep their order. Then come our `x-road-request-id` and, where the client
    /// sent no query id, an `x-road-id` of `{instance}-{generated_id}`.
    ///
    /// # Errors
    /// When the method, the target or an X-Road header is malformed, or the client is missing.
    pub fn from_client(
        method: &str,
        raw_path: &str,
        raw_query: Option<&str>,
        headers: &[(&str, &[u8])],
        request_id: Uuid,
        generated_id: Uuid,
        instance: &str,
    ) -> Result<Self, Error> {
        let method = known_method(method)?;
        let target = Target::parse(raw_path, raw_query)?;
        let mut text = String::with_capacity(1024);
        text.push_str(method);
        text.push_str("\r\n");
        text.push_str(raw_path);
        if let Some(query) = raw_query {
            text.push('?');
            text.push_str(query);
        }
        text.push_str("\r\n");
        let mut kept = block::Headers::with_capacity(headers.len().saturating_add(2));
        for (name, value) in headers {
            if !is_ours(name) && !header::is_skipped(name) {
                block::push_header(&mut text, &mut kept, name, block::value_text(name, value)?);
            }
        }
        let request_id = request_id.to_string();
        block::push_header(&mut text, &mut kept, header::REQUEST_ID, request_id);
        if block::last(&kept, header::ID).is_none_or(str::is_empty) {
            let id = format!("{instance}-{generated_id}");
            block::push_header(&mut text, &mut kept, header::ID, id);
        }
        Self::assemble(text.into(), method, raw_path, raw_query, target, kept)
    }

    /// From the block a peer sent.
    ///
    /// # Errors
    /// When the block is not one by the strict rule, or an identifier in it is malformed.
    pub fn from_block(block: Bytes) -> Result<Self, Error> {
        let lines = block::parse(&block)?;
        let method = known_method(lines.first)?;
        let (path, query) = match lines.second.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (lines.second, None),
        };
        let target = Target::parse(path, query)?;
        Self::assemble(block.clone(), method, path, query, target, lines.headers)
    }

    fn assemble(
        block: Bytes,
        method: &'static str,
        path: &str,
        query: Option<&str>,
        target: Target,
        headers: block::Headers,
    ) -> Result<Self, Error> {
        let client = block::last(&headers, header::CLIENT).ok_or(Error::MissingClient)?;
        let client = ClientId::from_rest(client).map_err(|error| Error::Identifier {
            place: header::CLIENT,
            error,
        })?;
        let security_server = block::last(&headers, header::SECURITY_SERVER)
            .map(ServerId::from_rest)
            .transpose()
            .map_err(|error| Error::Identifier {
                place: header::SECURITY_SERVER,
                error,
            })?;
        let represented_party = block::last(&headers, header::REPRESENTED_PARTY)
            .map(represented_party)
            .transpose()?;
        let text = |name| block::last(&headers, name).unwrap_or_default().to_owned();
        Ok(Self {
            block,
            method,
            path: path.to_owned(),
            service_path_start: target.service_path_start,
            query: query.map(str::to_owned),
            client,
            service: target.service,
            id: text(header::ID),
            request_id: text(header::REQUEST_ID),
            security_server,
            represented_party,
            headers,
        })
    }

    /// The bytes that are hashed, signed, sent and logged.
    pub fn block(&self) -> &Bytes {
        &self.block
    }

    /// The form in which deployed servers log a request whose body is not kept: the path without
    /// what follows the service code, no query, and of the headers those that begin with `x-road-`.
    /// It reads as a request, and is not what was signed.
    pub fn reduced(&self) -> Bytes {
        let path = self.path.get(..self.service_path_start);
        let path = path.unwrap_or(&self.path);
        block::reduced(self.method, path, &self.headers)
    }

    /// The method, upper case.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The consumer.
    pub fn client(&self) -> &ClientId {
        &self.client
    }

    /// The service.
    pub fn service(&self) -> &ServiceId {
        &self.service
    }

    /// The whole path as received.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What follows the service code, as received and still percent-encoded; "" when nothing
    /// does, "/" when only a slash does.
    pub fn service_path(&self) -> &str {
        self.path.get(self.service_path_start..).unwrap_or_default()
    }

    /// The query as received, without the question mark; `Some("")` when only that is there.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The query id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of this exchange; "" when a peer left it out.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The node the request must go through, when the client names one.
    pub fn security_server(&self) -> Option<&ServerId> {
        self.security_server.as_ref()
    }

    /// On whose behalf the client asks, when it says so.
    pub fn represented_party(&self) -> Option<&RepresentedParty> {
        self.represented_party.as_ref()
    }

    /// The person at the client who asks, when it says so.
    pub fn user_id(&self) -> Option<&str> {
        block::last(&self.headers, header::USER_ID)
    }

    /// The case or document the question belongs to, when the client says so.
    pub fn issue(&self) -> Option<&str> {
        block::last(&self.headers, header::ISSUE)
    }

    /// What the client says of its legal basis.
    ///
    /// # Errors
    /// When one of its headers stands twice or is not of its form.
    pub fn basis(&self) -> Result<Basis, basis::Error> {
        basis::from_headers(&self.headers)
    }

    /// All headers of the block, in order.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The last value of a header; the name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        block::last(&self.headers, name)
    }
}

/// Paths, queries and headers may name persons, so only the parties are shown.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("client", &self.client)
            .field("service", &self.service)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// Reads `/r1/{instance}/{class}/{member}/{subsystem}/{service}[/…]` from the raw path.
    fn parse(path: &str, query: Option<&str>) -> Result<Self, Error> {
        if !uri::is_path(path) || !query.is_none_or(uri::is_query) {
            return Err(Error::Target);
        }
        let mut pieces = path.splitn(8, '/');
        let mut next = || pieces.next().ok_or(Error::Path);
        let (_, version) = (next()?, next()?);
        let parts = [next()?, next()?, next()?, next()?, next()?];
        match version.as_bytes() {
            b"r1" => {}
            [b'r', b'0'..=b'9'] => return Err(Error::Version),
            _ => return Err(Error::Path),
        }
        let service_path_start = match pieces.next() {
            Some(remainder) => path.len().saturating_sub(remainder.len()).saturating_sub(1),
            None => path.len(),
        };
        let service = service(parts).map_err(|error| Error::Identifier {
            place: "path",
            error,
        })?;
        Ok(Self {
            service,
            service_path_start,
        })
    }
}

fn service(parts: [&str; 5]) -> Result<ServiceId, crate::id::Error> {
    let [instance, class, code, subsystem, service] = parts;
    let decode = crate::id::decode_component;
    let member = MemberId::new(&decode(instance)?, &decode(class)?, &decode(code)?)?;
    let provider = ClientId::new(member, Some(&decode(subsystem)?))?;
    ServiceId::new(provider, &decode(service)?, None)
}

/// `[class/]code`, each component percent-encoded.
fn represented_party(text: &str) -> Result<RepresentedParty, Error> {
    let error = |error| Error::Identifier {
        place: header::REPRESENTED_PARTY,
        error,
    };
    let decode = |part: &str| {
        let decoded = crate::id::decode_component(part).map_err(error)?;
        Ok(Some(decoded.into_owned()))
    };
    match text.split_once('/') {
        None => Ok(RepresentedParty {
            class: None,
            code: decode(text)?,
        }),
        Some((class, code)) => Ok(RepresentedParty {
            class: decode(class)?,
            code: decode(code)?,
        }),
    }
}

/// Headers only our side may set.
fn is_ours(name: &str) -> bool {
    name.eq_ignore_ascii_case(header::REQUEST_ID) || name.eq_ignore_ascii_case(header::REQUEST_HASH)
}

fn known_method(text: &str) -> Result<&'static str, Error> {
    METHODS
        .iter()
        .find(|method| **method == text)
        .copied()
        .ok_or(Error::Method)
}

/// The methods of the protocol, upper case only.
const METHODS: [&str; 8] = [
    "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE",
];
