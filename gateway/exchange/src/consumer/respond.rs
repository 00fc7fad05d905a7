//! respond: what the information system gets.

use bytes::Bytes;
use gateway_net::Body;
use gateway_proto::fault::Fault;
use gateway_proto::header;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::log::Logged;
use super::seal::Sealed;
use super::verify::{SoapForm, Verified};
use crate::basis::{DATA_LIFE_HEADER, RULE_HEADER};
use crate::content::{self, Piece};
use crate::entity;
use crate::fault::shown;
use crate::message::{self, Attachment};

/// How an error has to look for this caller.
pub(super) enum Accept {
    Soap,
    Rest(Vec<String>),
}

impl Accept {
    pub(super) fn of(request: &http::Request<Body>) -> Self {
        if !super::receive::is_rest(request) {
            return Self::Soap;
        }
        let values = request.headers().get_all(ACCEPT).iter();
        Self::Rest(
            values
                .filter_map(|value| value.to_str().ok())
                .map(str::to_owned)
                .collect(),
        )
    }
}

/// Passes the verified and logged response on. SOAP answers are always 200; REST answers are the
/// service's. Headers of ours tell on which rule it rests and how long the answer may be kept; they
/// are not signed, and what a service sends under their names is not handed on.
pub(super) fn to_client(logged: Logged<Verified>, request: &Logged<Sealed>) -> Response<Body> {
    let mut response = answer(logged);
    let headers = response.headers_mut();
    headers.remove(RULE_HEADER);
    headers.remove(DATA_LIFE_HEADER);
    if let Some(terms) = request.terms() {
        if let Ok(rule) = HeaderValue::from_str(&terms.rule) {
            headers.insert(RULE_HEADER, rule);
        }
        if let Some(seconds) = terms.data_life_seconds {
            headers.insert(DATA_LIFE_HEADER, seconds.into());
        }
    }
    response
}

fn answer(logged: Logged<Verified>) -> Response<Body> {
    let (message, attachments, form) = logged.into_inner().into_parts();
    match message {
        message::Response::Soap(soap) => match form {
            Some(form) => written(&form, soap.bytes(), &attachments),
            None => xml(soap.bytes().clone()),
        },
        message::Response::Rest(rest) => {
            let content = attachments
                .into_iter()
                .next()
                .map(|attachment| attachment.content);
            let pieces = content.map(Piece::Content).into_iter().collect();
            let mut response = Response::new(content::body(pieces));
            *response.status_mut() =
                StatusCode::from_u16(rest.status()).unwrap_or(StatusCode::BAD_GATEWAY);
            for (name, value) in rest.headers() {
                let name = HeaderName::from_bytes(name.as_bytes());
                let value = HeaderValue::from_bytes(value.as_bytes());
                if let (Ok(name), Ok(value)) = (name, value) {
                    response.headers_mut().append(name, value);
                }
            }
            response
        }
    }
}

/// A fault: SOAP with status 200, REST as JSON or XML with 400 or 500 (errors of PR-MESS and PR-REST).
pub(super) fn fault(fault: &Fault, accept: &Accept) -> Response<Body> {
    match accept {
        Accept::Soap => {
            let mut response = xml(fault.to_xml());
            response.headers_mut().insert(
                CONTENT_TYPE,
                HeaderValue::from_static("text/xml;charset=utf-8"),
            );
            response
                .headers_mut()
                .insert(header::SOAP_ACTION, HeaderValue::from_static(""));
            response
        }
        Accept::Rest(values) => {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let (content_type, body) = fault.to_rest_error(&values);
            let mut response = Response::new(gateway_net::full(body));
            *response.status_mut() = StatusCode::from_u16(fault.rest_status())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            if let Ok(code) = HeaderValue::from_str(shown(&fault.code)) {
                response.headers_mut().insert(header::ERROR, code);
            }
            response
        }
    }
}

fn xml(bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(gateway_net::full(bytes));
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/xml; charset=UTF-8"),
    );
    response
}

/// In the form the service gave it: plain, or a multipart with the service's own boundary.
fn written(form: &SoapForm, soap: &Bytes, attachments: &[Attachment]) -> Response<Body> {
    let pieces = entity::pieces(&form.entity, &form.headers, soap, attachments);
    let mut response = Response::new(content::body(pieces));
    let content_type = form.entity.content_type_to_client(&form.content_type);
    if let Ok(value) = HeaderValue::from_str(&content_type) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}
