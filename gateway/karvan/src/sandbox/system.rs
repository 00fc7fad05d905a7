//! An information system as the story needs one: sends SOAP and REST requests to its node.

use std::time::Duration;

use bytes::Bytes;
use gateway_net::{Body, Client, ServerTrust};
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, Request};

use crate::clock;
use crate::country::INSTANCE;

/// Where a request goes and who sends it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// `class/code/subsystem`.
    pub(super) client: &'static str,
    /// The node's port for information systems.
    pub(super) node: std::net::SocketAddr,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The fault code, of SOAP or REST, if it is one.
    pub(super) fault: Option<String>,
    pub(super) body: Bytes,
    pub(super) took: Duration,
}

/// One SOAP call.
#[derive(Clone, Debug, Default)]
pub(super) struct SoapCall<'c> {
    /// `class/code/subsystem` of the provider.
    pub(super) provider: &'c str,
    pub(super) code: &'c str,
    pub(super) namespace: &'c str,
    pub(super) id: &'c str,
    pub(super) issue: Option<&'c str>,
    /// The server that shall answer, `class/code/server`; else any of the provider's.
    pub(super) server: Option<&'c str>,
    /// Element names and values of the request.
    pub(super) arguments: &'c [(&'c str, &'c str)],
}

/// One REST call.
#[derive(Clone, Debug, Default)]
pub(super) struct RestCall<'c> {
    pub(super) method: Method,
    /// From the provider on: `class/code/subsystem/service/…`.
    pub(super) path: &'c str,
    pub(super) id: &'c str,
    pub(super) body: Option<String>,
    /// Headers of the legal basis, of the user, of the case.
    pub(super) headers: &'c [(&'static str, &'c str)],
}

impl<'c> SoapCall<'c> {
    /// One of the population register's, about the person in its arguments.
    pub(super) fn iamas(
        code: &'static str,
        id: &'c str,
        arguments: &'c [(&'c str, &'c str)],
    ) -> Self {
        Self {
            provider: "GOV/0000000131/iamas",
            code,
            namespace: "urn:az:iamas:1",
            id,
            arguments,
            ..Self::default()
        }
    }
}

/// Sends a REST request.
pub(super) async fn rest(
    http: &Client,
    caller: Caller,
    call: RestCall<'_>,
) -> Result<Answer, String> {
    let request = rest_request(caller, call)?;
    send(http, request).await
}

/// A REST request as the node will see it.
pub(super) fn rest_request(caller: Caller, call: RestCall<'_>) -> Result<Request<Body>, String> {
    let RestCall {
        method,
        path,
        id,
        body,
        headers: more,
    } = call;
    let uri = format!("http://{}/r1/{INSTANCE}/{path}", caller.node);
    let json = body.is_some();
    let body = body.map_or_else(gateway_net::empty, gateway_net::full);
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse().map_err(|_| format!("not a URL: {uri}"))?;
    let headers = request.headers_mut();
    let client = format!("{INSTANCE}/{}", caller.client);
    for (name, value) in [
        (HOST, caller.node.to_string()),
        (HeaderName::from_static("x-road-client"), client),
        (HeaderName::from_static("x-road-id"), id.to_owned()),
        (ACCEPT, "application/json".to_owned()),
    ] {
        headers.insert(
            name,
            HeaderValue::from_str(&value).map_err(|error| error.to_string())?,
        );
    }
    for (name, value) in more {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).map_err(|error| error.to_string())?,
        );
    }
    if json {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(request)
}

/// Sends a SOAP request.
pub(super) async fn soap(
    http: &Client,
    caller: Caller,
    call: &SoapCall<'_>,
) -> Result<Answer, String> {
    let request = soap_request(caller, call)?;
    send(http, request).await
}

/// A SOAP request as the node will see it.
pub(super) fn soap_request(caller: Caller, call: &SoapCall<'_>) -> Result<Request<Body>, String> {
    let mut request = Request::new(gateway_net::full(envelope(caller, call)?));
    *request.method_mut() = Method::POST;
    let uri = format!("http://{}/", caller.node);
    *request.uri_mut() = uri.parse().map_err(|_| format!("not a URL: {uri}"))?;
    let headers = request.headers_mut();
    let host =
        HeaderValue::from_str(&caller.node.to_string()).map_err(|error| error.to_string())?;
    headers.insert(HOST, host);
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/xml; charset=UTF-8"),
    );
    headers.insert("soapaction", HeaderValue::from_static("\"\""));
    Ok(request)
}

/// The envelope of a call, SOAP 4.0 (PR-MESS 2.2).
pub(super) fn envelope(caller: Caller, call: &SoapCall<'_>) -> Result<String, String> {
    let client = identifier("client", "SUBSYSTEM", caller.client, "")?;
    let service_parts = format!(
        "<i:serviceCode>{}</i:serviceCode><i:serviceVersion>v1</i:serviceVersion>",
        call.code
    );
    let service = identifier("service", "SERVICE", call.provider, &service_parts)?;
    let issue = call
        .issue
        .map(|issue| format!("<x:issue>{issue}</x:issue>"))
        .unwrap_or_default();
    let server = call.server.map(security_server).transpose()?;
    let server = server.unwrap_or_default();
    let arguments: String = call
        .arguments
        .iter()
        .map(|(name, value)| format!("<b:{name}>{}</b:{name}>", gateway_xml::escape_text(value)))
        .collect();
    Ok(format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\" \
         xmlns:b=\"{namespace}\"><e:Header>{client}{service}{server}<x:id>{id}</x:id>{issue}\
         <x:protocolVersion>4.0</x:protocolVersion></e:Header>\
         <e:Body><b:{code}>{arguments}</b:{code}></e:Body></e:Envelope>",
        namespace = call.namespace,
        id = call.id,
        code = call.code,
    ))
}

fn identifier(element: &str, kind: &str, id: &str, more: &str) -> Result<String, String> {
    let mut parts = id.split('/');
    let (Some(class), Some(code), Some(subsystem)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(format!("not class/code/subsystem: {id}"));
    };
    Ok(format!(
        "<x:{element} i:objectType=\"{kind}\"><i:xRoadInstance>{INSTANCE}</i:xRoadInstance>\
         <i:memberClass>{class}</i:memberClass><i:memberCode>{code}</i:memberCode>\
         <i:subsystemCode>{subsystem}</i:subsystemCode>{more}</x:{element}>"
    ))
}

fn security_server(id: &str) -> Result<String, String> {
    let mut parts = id.split('/');
    let (Some(class), Some(code), Some(server)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(format!("not class/code/server: {id}"));
    };
    Ok(format!(
        "<x:securityServer i:objectType=\"SERVER\"><i:xRoadInstance>{INSTANCE}</i:xRoadInstance>\
         <i:memberClass>{class}</i:memberClass><i:memberCode>{code}</i:memberCode>\
         <i:serverCode>{server}</i:serverCode></x:securityServer>"
    ))
}

async fn send(http: &Client, request: Request<Body>) -> Result<Answer, String> {
    let began = clock::instant();
    let response = http
        .request(request, &ServerTrust::Any, None)
        .await
        .map_err(|error| format!("no answer: {error}"))?;
    read(response, began).await
}

/// Reads a response and finds the fault in it.
pub(super) async fn read(
    response: http::Response<Body>,
    began: std::time::Instant,
) -> Result<Answer, String> {
    let (head, body) = response.into_parts();
    let body = gateway_net::collect(body, BODY_BYTES_MAX)
        .await
        .map_err(|error| format!("the answer broke off: {error}"))?;
    let rest_fault = head
        .headers
        .get("x-road-error")
        .and_then(|value| value.to_str().ok());
    let fault = rest_fault.map(str::to_owned).or_else(|| soap_fault(&body));
    Ok(Answer {
        status: head.status.as_u16(),
        fault,
        body,
        took: began.elapsed(),
    })
}

fn soap_fault(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<faultcode>")?;
    let (code, _) = rest.split_once("</faultcode>")?;
    Some(code.to_owned())
}

impl Answer {
    /// The fault code, or the status.
    pub(super) fn outcome(&self) -> String {
        self.fault
            .clone()
            .unwrap_or_else(|| self.status.to_string())
    }

    /// The text of an element or JSON member in the answer, wherever it stands.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let text = std::str::from_utf8(&self.body).ok()?;
        let element = text.find(&format!("{name}>")).and_then(|at| {
            let rest = text.get(at..)?.split_once('>')?.1;
            Some(rest.split_once('<')?.0.to_owned())
        });
        element.or_else(|| {
            let json: serde_json::Value = serde_json::from_str(text).ok()?;
            json.get(name)?.as_str().map(str::to_owned)
        })
    }
}

const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
