//! The HTTP face of an adapter: one request in, one response out.
//!
//! POST with a SOAP content type is SOAP, on any path. GET on `/healthz`, `/wsdl` (also any path
//! with the query `wsdl`) and `/openapi.json` is the adapter's own. All else is REST.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};

use crate::{
    arguments::{self, Caller, Given},
    config::{self, Adapter, Problems, ServiceDescription},
    database::{Bounds, Call, Database, MessageKey, Outcome},
    describe,
    error::{Error, Refusal},
    rest, soap,
};

/// An adapter ready to answer: its description and its database.
///
/// Cheap to share behind an `Arc`; every call is independent.
#[derive(Debug)]
pub struct Service {
    adapter: Adapter,
    services: Vec<Arc<ServiceDescription>>,
    database: Database,
    soap_limits: gateway_proto::Limits,
    wsdl: Bytes,
    openapi: Bytes,
}

impl Service {
    /// Reads a description without opening anything: what `--check` shows.
    ///
    /// # Errors
    /// Every problem of the text, with line and hint.
    pub fn check(file: &str, text: &str) -> Result<Adapter, Problems> {
        config::check(file, text)
    }

    /// Reads a description and opens its database; `base` is the folder that relative paths are in.
    ///
    /// # Errors
    /// When the description has problems or the database cannot be opened.
    pub fn from_toml(file: &str, text: &str, base: &Path) -> Result<Self, Error> {
        Self::open(config::check(file, text)?, base)
    }

    /// Opens the database of a checked description. Reads and may create files: call it at the start.
    ///
    /// # Errors
    /// When the database cannot be opened. A PostgreSQL server is first reached by a call.
    pub fn open(adapter: Adapter, base: &Path) -> Result<Self, Error> {
        let database = Database::open(&adapter, base)?;
        let soap_limits = gateway_proto::Limits {
            soap_bytes_max: adapter.limits.request_bytes_max,
            ..gateway_proto::Limits::default()
        };
        Ok(Self {
            services: adapter.services.iter().cloned().map(Arc::new).collect(),
            wsdl: describe::wsdl(&adapter).into(),
            openapi: describe::openapi(&adapter).into(),
            soap_limits,
            database,
            adapter,
        })
    }

    /// The description.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// Prepares every statement and compares it with the description.
    ///
    /// # Errors
    /// The first statement that the database refuses or that lacks a column.
    pub async fn probe(&self) -> Result<(), Error> {
        self.database.probe(&self.services).await
    }

    /// Runs a script of statements, in one transaction. A SQLite database without a command is open
    /// for reading only, and refuses it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn seed(&self, script: &str) -> Result<(), Error> {
        self.database.script(script).await
    }

    /// The description for SOAP clients, with every schema inside.
    pub fn wsdl(&self) -> &[u8] {
        &self.wsdl
    }

    /// The description for REST clients, OpenAPI 3.0.3 as JSON.
    pub fn openapi(&self) -> &[u8] {
        &self.openapi
    }

    /// Answers one request. Never fails: what goes wrong is the response.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let head = request.method() == Method::HEAD;
        let mut response = match self.own(&request).await {
            Some(response) => response,
            None if is_soap(&request) => self.soap(request).await,
            None => self.rest(request).await,
        };
        if head {
            response.body_mut().clear();
        }
        response
    }

    /// `/healthz` and the descriptions.
    async fn own(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let asks_wsdl = request
            .uri()
            .query()
            .is_some_and(|query| query.eq_ignore_ascii_case("wsdl"));
        Some(match request.uri().path() {
            "/healthz" => self.health().await,
            "/openapi.json" => respond(StatusCode::OK, rest::JSON, self.openapi.clone()),
            "/wsdl" => respond(StatusCode::OK, soap::CONTENT_TYPE, self.wsdl.clone()),
            _ if asks_wsdl => respond(StatusCode::OK, soap::CONTENT_TYPE, self.wsdl.clone()),
            _ => return None,
        })
    }

    async fn health(&self) -> Response<Bytes> {
        let (status, word) = match self.database.ping().await {
            Ok(()) => (StatusCode::OK, "ok"),
            Err(refusal) => {
                tracing::warn!(code = refusal.code(), "the database is not well");
                (StatusCode::SERVICE_UNAVAILABLE, "database unavailable")
            }
        };
        respond(
            status,
            rest::JSON,
            serde_json::json!({ "status": word }).to_string(),
        )
    }

    async fn soap(&self, request: Request<Bytes>) -> Response<Bytes> {
        let result = self.soap_response(request).await;
        log(result.as_ref().map(|(service, _)| service.as_ref()));
        match result {
            Ok((_, text)) => respond(StatusCode::OK, soap::CONTENT_TYPE, text),
            Err(refusal) => {
                // SOAP 1.1, section 6.2: every fault comes with status 500.
                respond(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    soap::CONTENT_TYPE,
                    soap::fault(&refusal),
                )
            }
        }
    }

    async fn soap_response(
        &self,
        request: Request<Bytes>,
    ) -> Result<(Arc<ServiceDescription>, String), Refusal> {
        let content_type = content_type(request.headers())
            .ok_or(Refusal::MediaType)?
            .to_owned();
        self.expect_size(request.body())?;
        let request = soap::Request::parse(request.into_body(), &content_type, &self.soap_limits)?;

        let asked = &request.header.service;
        if self
            .adapter
            .provider
            .as_ref()
            .is_some_and(|own| own != asked.provider())
        {
            return Err(Refusal::OtherProvider);
        }
        let service = self
            .services
            .iter()
            .find(|service| {
                service.code == asked.code() && service.version.as_deref() == asked.version()
            })
            .ok_or(Refusal::UnknownService)?;
        let (namespace, name) = &request.wrapper;
        if *namespace != self.adapter.namespace || *name != service.code {
            let expected = format!("{{{}}}{}", self.adapter.namespace, service.code);
            return Err(Refusal::Wrapper { expected });
        }
        let soap::Request { caller, given, .. } = &request;
        let values = arguments::values(service, caller, given, &self.adapter.fin_alphabet)?;
        let outcome = self.run(service, caller, values).await?;
        let text = request.response(&self.adapter.namespace, service, &outcome);
        Ok((Arc::clone(service), text))
    }

    async fn rest(&self, request: Request<Bytes>) -> Response<Bytes> {
        let result = self.rest_response(request).await;
        log(result.as_ref().map(|(service, _)| service.as_ref()));
        match result {
            Ok((_, json)) => respond(StatusCode::OK, rest::JSON, json.to_string()),
            Err(refusal) => {
                let body = rest::problem(&refusal).to_string();
                let mut response = respond(refusal.status(), rest::PROBLEM_JSON, body);
                if let Refusal::Method { allow } = &refusal
                    && let Ok(allow) = allow.parse()
                {
                    response.headers_mut().insert(header::ALLOW, allow);
                }
                response
            }
        }
    }

    async fn rest_response(
        &self,
        request: Request<Bytes>,
    ) -> Result<(Arc<ServiceDescription>, serde_json::Value), Refusal> {
        self.expect_size(request.body())?;
        let rest::Match { service, mut given } =
            rest::find(&self.services, request.method(), request.uri().path())?;
        given.extend(rest::query(request.uri().query().unwrap_or_default())?);
        if service.takes_body() {
            given.extend(json_body(&request)?);
        }
        let caller = rest::caller(request.headers());
        let values = arguments::values(service, &caller, &given, &self.adapter.fin_alphabet)?;
        let outcome = self.run(service, &caller, values).await?;
        Ok((Arc::clone(service), rest::json(service, &outcome)))
    }

    async fn run(
        &self,
        service: &Arc<ServiceDescription>,
        caller: &Caller,
        values: Vec<crate::value::Value>,
    ) -> Result<Outcome, Refusal> {
        let key = match service.idempotent {
            true => Some(message_key(service, caller, &values)?),
            false => None,
        };
        let bounds = Bounds {
            rows_max: self.adapter.limits.rows_max,
            bytes_max: self.adapter.limits.response_bytes_max,
        };
        let call = Call {
            service: Arc::clone(service),
            values,
            key,
            bounds,
        };
        self.database.run(call).await
    }

    fn expect_size(&self, body: &Bytes) -> Result<(), Refusal> {
        match body.len() <= self.adapter.limits.request_bytes_max {
            true => Ok(()),
            false => Err(Refusal::TooLarge),
        }
    }
}

fn message_key(
    service: &ServiceDescription,
    caller: &Caller,
    values: &[crate::value::Value],
) -> Result<MessageKey, Refusal> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let client = given(&caller.client).ok_or(Refusal::NoMessageId)?;
    let message_id = given(&caller.message_id).ok_or(Refusal::NoMessageId)?;
    Ok(MessageKey::new(
        client,
        service.full_code(),
        message_id,
        values,
    ))
}

fn json_body(request: &Request<Bytes>) -> Result<Vec<Given>, Refusal> {
    if request.body().is_empty() {
        return Ok(Vec::new());
    }
    let media = content_type(request.headers()).and_then(gateway_proto::mime::MediaType::parse);
    match media.is_some_and(|media| media.base.eq_ignore_ascii_case(rest::JSON)) {
        true => rest::body(request.body()),
        false => Err(Refusal::MediaType),
    }
}

fn is_soap(request: &Request<Bytes>) -> bool {
    request.method() == Method::POST && content_type(request.headers()).is_some_and(soap::is_soap)
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

/// One line per call: service and verdict, nothing of the person.
fn log(result: Result<&ServiceDescription, &Refusal>) {
    match result {
        Ok(service) => tracing::debug!(service = service.full_code(), "answered"),
        Err(refusal) => tracing::info!(code = refusal.code(), "refused"),
    }
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static(content_type),
    );
    headers.insert(
        header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-store"),
    );
    response
}
