//! The way into the registry: its store while it is stopped, its admin API while it runs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use gateway_exchange::Clock as _;
use gateway_net::{Client, ServerTrust};
use gateway_policy::rules::ConsentService;
use gateway_registry::Registry;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode, Uri};
use serde_json::Value;
use tokio::sync::Notify;

use super::asked::Asked;
use super::user;
use crate::causes::with_causes;
use crate::clock::SystemClock;
use crate::config::Loaded;
use crate::config::registry as file;
use crate::fetch;
use crate::registry::admin::{Admin, BASE, Caller, USER};
use crate::registry::{Error, keys, open};

/// The way in.
#[derive(Debug)]
pub(super) enum Door {
    /// The registry is stopped: nobody else has its store.
    Store(Admin),
    /// It runs.
    Api(Api),
}

/// The running registry.
#[derive(Debug)]
pub(super) struct Api {
    client: Client,
    trust: ServerTrust,
    base: String,
    key: String,
}

/// What was answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) document: Value,
}

impl Door {
    /// Finds the way in. The keys of the consent desk are opened only when it is asked about.
    pub(super) fn open(config: &Loaded<file::Registry>, of_desk: bool) -> Result<Self, Error> {
        match open::open_store(config) {
            Ok(registry) => {
                let has_desk = config.values.desk.is_some();
                let consent = match of_desk && has_desk {
                    true => Some(consent_service(config, &registry)?),
                    false => None,
                };
                Ok(Self::Store(Admin {
                    registry: Arc::new(registry),
                    changed: Arc::new(Notify::new()),
                    has_desk,
                    consent,
                }))
            }
            Err(Error::Registry(gateway_registry::Error::Store(error))) if error.is_in_use() => {
                Api::find(config).map(Self::Api)
            }
            Err(error) => Err(error),
        }
    }

    /// Asks.
    pub(super) async fn ask(self, asked: &Asked) -> Result<Answer, Error> {
        match self {
            Self::Api(api) => api.ask(asked).await,
            Self::Store(admin) => {
                let (asked, caller) = (asked.clone(), Caller::at_the_store(&user::name()));
                let answer = tokio::task::spawn_blocking(move || {
                    let Asked {
                        method,
                        path,
                        query,
                        body,
                        ..
                    } = asked;
                    admin.answer(&method, &path, &query, &body, &caller, SystemClock.now())
                });
                let (status, document) = answer.await.map_err(|error| Error::Unreached {
                    reason: error.to_string(),
                })?;
                Ok(Answer { status, document })
            }
        }
    }
}

impl Api {
    /// Where the registry of this configuration listens, and the key it wrote at its start.
    fn find(config: &Loaded<file::Registry>) -> Result<Self, Error> {
        let admin = config.values.admin.as_ref().ok_or_else(|| {
            Error::Use(
                "the registry runs and has no admin API: add [admin] to its file and start it \
                 again, or stop it first"
                    .to_owned(),
            )
        })?;
        let path = open::local_key(config);
        let key = std::fs::read_to_string(&path).map_err(|error| Error::File {
            path: path.clone(),
            reason: format!("{error}; run this as the user of the registry"),
        })?;
        let (scheme, trust) = match &admin.tls {
            None => ("http", ServerTrust::Any),
            Some(pair) => {
                let own = keys::certificate(&config.path(&pair.certificate))?;
                ("https", ServerTrust::OneOf(vec![own]))
            }
        };
        Ok(Self {
            client: fetch::client().map_err(Error::Net)?,
            trust,
            base: format!("{scheme}://{}{BASE}", reachable(admin.listen)),
            key: key.trim().to_owned(),
        })
    }

    async fn ask(&self, asked: &Asked) -> Result<Answer, Error> {
        let unreached = |reason: String| Error::Unreached { reason };
        let answer = self.client.request(self.request(asked)?, &self.trust, None);
        let answer = answer
            .await
            .map_err(|error| unreached(format!("{}: {}", self.base, with_causes(&error))))?;
        let status = answer.status();
        let body = gateway_net::collect(answer.into_body(), ANSWER_BYTES_MAX);
        let body = body.await.map_err(|error| unreached(with_causes(&error)))?;
        let document = serde_json::from_slice(&body).map_err(|_| {
            unreached(format!(
                "{} answers {status} without JSON; is something else listening there?",
                self.base
            ))
        })?;
        Ok(Answer { status, document })
    }

    fn request(&self, asked: &Asked) -> Result<Request<gateway_net::Body>, Error> {
        let wrong = |what: &str| Error::Unreached {
            reason: format!("{what} cannot be written into a request"),
        };
        let mut text = format!("{}{}", self.base, asked.path);
        if !asked.query.is_empty() {
            text = format!("{text}?{}", asked.query);
        }
        let uri: Uri = text.parse().map_err(|_| wrong("the address"))?;
        let mut request = Request::new(gateway_net::full(asked.body.clone()));
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        let key = format!("X-Road-ApiKey token={}", self.key);
        let mut key = HeaderValue::from_str(&key).map_err(|_| wrong("the key"))?;
        key.set_sensitive(true);
        headers.insert(AUTHORIZATION, key);
        if !asked.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Ok(user) = HeaderValue::from_str(&user::name()) {
            headers.insert(USER, user);
        }
        Ok(request)
    }
}

fn consent_service(
    config: &Loaded<file::Registry>,
    registry: &Registry,
) -> Result<ConsentService, Error> {
    let state = registry.state();
    let keys = open::desk_keys(config, &open::pin(config)?, &state.instance)?;
    open::consent_service(config, &state, &keys)
}

/// An address at which what listens here is reached from here.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Rules of a whole country, and a page of the trail with what became of them.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;
