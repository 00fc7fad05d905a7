//! `karvan registry`: the central registry, publishing the signed global configuration.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use certs_keys::{KeyKind, Pin, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name};
use gateway_exchange::Clock;
use gateway_net::{Body, Handler, Peer};
use gateway_registry::{Keys, Publisher, Registry, Signer, Source};
use http::header::{CONTENT_TYPE, EXPIRES, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};

use crate::clock::{self, SystemClock};
use crate::config::{self, Loaded};
use crate::service::Running;

/// Why the registry did not start.
#[derive(Debug)]
pub(crate) enum Error {
    Config(config::Error),
    Store(gateway_store::Error),
    Registry(gateway_registry::Error),
    Key { path: PathBuf, reason: String },
    Net(gateway_net::Error),
}

/// A registry with its keys, opened; it does not listen yet.
#[derive(Debug)]
pub(crate) struct Opened {
    /// State and audit trail.
    pub(crate) registry: Registry,
    /// What signs the configuration.
    pub(crate) keys: Keys,
}

/// Opens state and keys; makes the keys when there are none.
pub(crate) fn open(config: &Loaded<config::registry::Registry>) -> Result<Opened, Error> {
    let data_dir = config.path(&config.values.data_dir);
    gateway_store::file::create_dir(&data_dir).map_err(Error::Store)?;
    let pin = config.pin(&config.values.pin_file).map_err(Error::Config)?;
    let keys = Keys {
        internal: signer(&data_dir, Source::Internal, &pin)?,
        external: signer(&data_dir, Source::External, &pin)?,
    };
    let registry = Registry::open(&data_dir.join("registry.redb")).map_err(Error::Registry)?;
    Ok(Opened { registry, keys })
}

/// Reads the PIN, without making or opening anything.
pub(crate) fn check(config: &Loaded<config::registry::Registry>) -> Result<(), Error> {
    config
        .pin(&config.values.pin_file)
        .map(drop)
        .map_err(Error::Config)
}

/// Publishes, listens, and publishes again and again.
pub(crate) async fn start(
    config: &Loaded<config::registry::Registry>,
    opened: Opened,
) -> Result<(Running, SocketAddr), Error> {
    let Opened { registry, keys } = opened;
    let publisher = Arc::new(Publisher::new());
    let mut published = registry.state();
    publisher
        .publish(&published, &keys, SystemClock.now())
        .map_err(Error::Registry)?;
    let mut running = Running::new();
    let face = Face {
        publisher: Arc::clone(&publisher),
    };
    let bound = running
        .listen(
            config.values.listen,
            None,
            gateway_net::Limits::default(),
            face,
        )
        .await
        .map_err(Error::Net)?;
    let interval = Duration::from_secs(config.values.publish_seconds.max(1));
    let mut stop = running.stop_signal();
    running.spawn(async move {
        let mut since = clock::instant();
        while stop.sleep(CHANGE_LOOK).await {
            let state = registry.state();
            // A change goes out at once, an unchanged state when its signature has to be renewed.
            if Arc::ptr_eq(&state, &published) && since.elapsed() < interval {
                continue;
            }
            since = clock::instant();
            match publisher.publish(&state, &keys, SystemClock.now()) {
                Ok(()) => published = state,
                Err(error) => tracing::error!("the configuration could not be published: {error}"),
            }
        }
    });
    tracing::info!(%bound, "registry is listening");
    Ok((running, bound))
}

fn signer(data_dir: &Path, source: Source, pin: &Pin) -> Result<Signer, Error> {
    let name = source.directory();
    let (key_path, certificate_path) = (
        data_dir.join(format!("{name}.key.pem")),
        data_dir.join(format!("{name}.cert.pem")),
    );
    let unusable = |reason: String| Error::Key {
        path: key_path.clone(),
        reason,
    };
    let (key, certificate) = if key_path.exists() {
        let pem =
            std::fs::read_to_string(&key_path).map_err(|error| unusable(error.to_string()))?;
        let key =
            SoftKey::from_encrypted_pem(&pem, pin).map_err(|error| unusable(error.to_string()))?;
        let pem = std::fs::read_to_string(&certificate_path)
            .map_err(|error| unusable(error.to_string()))?;
        (
            key,
            Certificate::from_pem(&pem).map_err(|error| unusable(error.to_string()))?,
        )
    } else {
        let (key, certificate) = make(name).map_err(&unusable)?;
        let pem = key
            .to_encrypted_pem(pin)
            .map_err(|error| unusable(error.to_string()))?;
        // The certificate first: a key without one would be taken for a complete pair.
        gateway_store::file::replace(&certificate_path, certificate.to_pem().as_bytes())
            .map_err(Error::Store)?;
        gateway_store::file::replace_secret(&key_path, pem.as_bytes()).map_err(Error::Store)?;
        (key, certificate)
    };
    Signer::new(Arc::new(key), certificate, source).map_err(Error::Registry)
}

/// RSA, as every deployed node can verify it; the certificate only holds the key.
fn make(name: &str) -> Result<(SoftKey, Certificate), String> {
    let key = SoftKey::generate(KeyKind::Rsa2048).map_err(|error| error.to_string())?;
    let subject =
        Name::from_attributes(&[(COMMON_NAME, name)]).map_err(|error| error.to_string())?;
    let now: Timestamp = SystemClock.now();
    let years = SignedDuration::from_hours(VALID_HOURS);
    let until = now.checked_add(years).map_err(|error| error.to_string())?;
    let certificate = Builder::ca(subject, certs_keys::SigningKey::public_key(&key))
        .validity(now, until)
        .self_sign(&key)
        .map_err(|error| error.to_string())?;
    Ok((key, certificate))
}

/// `/internalconf`, `/externalconf` and the parts they name.
#[derive(Debug)]
struct Face {
    publisher: Arc<Publisher>,
}

impl Handler for Face {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        let answer = match *request.method() {
            Method::GET | Method::HEAD => self
                .publisher
                .answer(request.uri().path(), request.uri().query()),
            _ => None,
        };
        let Some((content_type, bytes)) = answer else {
            let mut response = Response::new(gateway_net::full("not found\n"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        };
        let mut response = Response::new(gateway_net::full(bytes));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(
            EXPIRES,
            HeaderValue::from_static("Thu, 01 Jan 1970 00:00:01 GMT"),
        );
        response
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Store(error) => write!(f, "{error}"),
            Self::Registry(error) => write!(f, "{error}"),
            Self::Key { path, reason } => {
                write!(f, "key {} cannot be used: {reason}", path.display())
            }
            Self::Net(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(_) | Self::Key { .. } => None,
            Self::Store(error) => std::error::Error::source(error),
            Self::Registry(error) => std::error::Error::source(error),
            Self::Net(error) => std::error::Error::source(error),
        }
    }
}

const COMMON_NAME: &str = "2.5.4.3";
/// Twenty years; readers do not look at it.
const VALID_HOURS: i64 = 20 * 365 * 24;
/// How soon a change of the state is seen.
const CHANGE_LOOK: Duration = Duration::from_secs(1);
