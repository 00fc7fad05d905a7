//! Requests of information systems, and the answers they get.

use std::net::SocketAddr;

use bytes::Bytes;
use certs_x509::Certificate;
use gateway_net::{Body, Peer};
use http::{HeaderName, Request, Response};

/// A SOAP request, as text.
pub(crate) struct Soap {
    pub(crate) client: &'static str,
    pub(crate) provider: &'static str,
    pub(crate) code: &'static str,
    pub(crate) version: &'static str,
    pub(crate) id: String,
    /// Further header elements.
    pub(crate) more: String,
    pub(crate) body: String,
}

impl Soap {
    pub(crate) fn new(id: &str) -> Self {
        Self {
            client: "DEV/COM/1111/TESTCLI",
            provider: "DEV/GOV/2222/TESTPROV",
            code: "lookup",
            version: "v1",
            id: id.to_owned(),
            more: "<x:userId>AZ99</x:userId><x:issue>case-7</x:issue>".to_owned(),
            body: "<p:lookup xmlns:p=\"urn:p\"><p:key>42</p:key></p:lookup>".to_owned(),
        }
    }

    /// About a person.
    pub(crate) fn about(fin: &str) -> Self {
        let soap = Self::new("b");
        Self {
            body: soap.body.replace("42", fin),
            ..soap
        }
    }

    /// With a block that says so of the ground.
    pub(crate) fn stating(mut self, fields: &[(&str, &str)]) -> Self {
        let field = |(name, text): &(&str, &str)| format!("<k:{name}>{text}</k:{name}>");
        let fields: String = fields.iter().map(field).collect();
        let block = format!("<k:basis xmlns:k=\"urn:karvan:basis:1\">{fields}</k:basis>");
        self.more.push_str(&block);
        self
    }

    pub(crate) fn text(&self) -> String {
        let Self {
            client,
            provider,
            code,
            version,
            id,
            more,
            body,
        } = self;
        let client = identifier(client);
        let provider = identifier(provider);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:Envelope \
             xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" \
             xmlns:i=\"http://x-road.eu/xsd/identifiers\"><e:Header>\
             <x:client i:objectType=\"SUBSYSTEM\">{client}</x:client>\
             <x:service i:objectType=\"SERVICE\">{provider}<i:serviceCode>{code}</i:serviceCode>\
             <i:serviceVersion>{version}</i:serviceVersion></x:service>\
             <x:id>{id}</x:id>{more}<x:protocolVersion>4.0</x:protocolVersion></e:Header>\
             <e:Body>{body}</e:Body></e:Envelope>"
        )
    }

    pub(crate) fn request(&self) -> Request<Body> {
        soap("text/xml; charset=UTF-8", self.text())
    }
}

fn identifier(text: &str) -> String {
    let names = [
        "xRoadInstance",
        "memberClass",
        "memberCode",
        "subsystemCode",
    ];
    let elements = names.iter().zip(text.split('/'));
    elements
        .map(|(name, part)| format!("<i:{name}>{part}</i:{name}>"))
        .collect()
}

/// To the SOAP interface.
pub(crate) fn soap(content_type: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::builder()
        .method("POST")
        .uri("/")
        .header("content-type", content_type)
        .header("soapaction", "\"urn:lookup\"")
        .body(gateway_net::full(body))
        .unwrap()
}

/// A multipart/related with this boundary; header lines without the last line end.
pub(crate) fn multipart(boundary: &str, parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (headers, body) in parts {
        out.extend(format!("\r\n--{boundary}\r\n{headers}\r\n\r\n").bytes());
        out.extend_from_slice(body);
    }
    out.extend(format!("\r\n--{boundary}--\r\n").bytes());
    out
}

/// To the petstore; `path` follows the service code.
pub(crate) fn rest(method: &str, path: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(format!("/r1/DEV/GOV/2222/TESTPROV/petstore{path}"))
        .header("x-road-client", "DEV/COM/1111/TESTCLI")
        .header("content-type", "application/json")
        .body(gateway_net::full(body))
        .unwrap()
}

/// With headers that say so of the ground: `("purpose", "aid")` for `Karvan-Purpose: aid`.
pub(crate) fn stating(mut request: Request<Body>, fields: &[(&str, &str)]) -> Request<Body> {
    for (name, value) in fields {
        let name: HeaderName = format!("karvan-{name}").parse().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    request
}

/// What an information system got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) async fn answer(response: Response<Body>) -> Answer {
    let (head, body) = response.into_parts();
    let body = gateway_net::collect(body, 64 << 20).await.unwrap();
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    }
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The code of a fault, in whatever form it came; "" for an answer.
    pub(crate) fn code(&self) -> &str {
        if let Some(code) = self.header("x-road-error") {
            assert_eq!(
                self.status,
                if code.starts_with("server.") {
                    500
                } else {
                    400
                }
            );
            return code;
        }
        let text = std::str::from_utf8(&self.body).unwrap_or_default();
        let Some((_, rest)) = text.split_once("<faultcode>") else {
            return "";
        };
        assert_eq!((self.status, self.header("soapaction")), (200, Some("")));
        assert_eq!(self.header("content-type"), Some("text/xml;charset=utf-8"));
        rest.split_once("</faultcode>").unwrap().0
    }

    #[track_caller]
    pub(crate) fn is(&self, code: &str) {
        assert_eq!(
            self.code(),
            code,
            "{:?}",
            String::from_utf8_lossy(&self.body)
        );
    }
}

/// TLS when there are certificates.
pub(crate) fn peer(certificates: &[Certificate]) -> Peer {
    Peer {
        address: SocketAddr::from(([127, 0, 0, 1], 1)),
        tls: !certificates.is_empty(),
        certificates: certificates.to_vec().into(),
    }
}
