//! `karvan adapter`: a database as SOAP and REST services, listening.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use adapters_sql::Service;
use gateway_net::{Body, Handler, Peer};
use http::{Request, Response, StatusCode};

use crate::config;
use crate::service::Running;

/// Why an adapter did not start.
#[derive(Debug)]
pub(crate) enum Error {
    Config(config::Error),
    Adapter(adapters_sql::Error),
    Net(gateway_net::Error),
}

/// Reads the description, opens the database, checks its statements, listens.
pub(crate) async fn start(path: &Path) -> Result<(Running, SocketAddr), Error> {
    let text = std::fs::read_to_string(path).map_err(|source| {
        Error::Config(config::Error::Read {
            path: path.to_owned(),
            source,
        })
    })?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let name = path.display().to_string();
    let service = Service::from_toml(&name, &text, folder).map_err(Error::Adapter)?;
    service.probe().await.map_err(Error::Adapter)?;
    let listen = service.adapter().listen;
    let bytes_max = service.adapter().limits.request_bytes_max;
    let mut running = Running::new();
    let face = Face { service, bytes_max };
    let bound = running
        .listen(listen, None, gateway_net::Limits::default(), face)
        .await
        .map_err(Error::Net)?;
    tracing::info!(%bound, adapter = %name, "adapter is listening");
    Ok((running, bound))
}

/// Reads the description without opening anything.
pub(crate) fn check(path: &Path) -> Result<(), Error> {
    let text = std::fs::read_to_string(path).map_err(|source| {
        Error::Config(config::Error::Read {
            path: path.to_owned(),
            source,
        })
    })?;
    let checked = Service::check(&path.display().to_string(), &text);
    checked
        .map(drop)
        .map_err(|problems| Error::Adapter(problems.into()))
}

#[derive(Debug)]
struct Face {
    service: Service,
    bytes_max: usize,
}

impl Handler for Face {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        let (head, body) = request.into_parts();
        match gateway_net::collect(body, self.bytes_max).await {
            Ok(bytes) => {
                let response = self.service.handle(Request::from_parts(head, bytes)).await;
                response.map(gateway_net::full)
            }
            Err(_) => {
                let mut response =
                    Response::new(gateway_net::full("the request is too large or broke off\n"));
                *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
                response
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Adapter(error) => write!(f, "{error}"),
            Self::Net(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(_) => None,
            Self::Adapter(error) => std::error::Error::source(error),
            Self::Net(error) => std::error::Error::source(error),
        }
    }
}
