//! The country of the load: one consumer, one provider whose service is about persons, and the desk
//! of the registry, asked as the node in front of it would.

use gateway_net::{Client, ServerTrust};
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, Request};
use serde_json::{Value, json};

use super::invented::{CREDIT, LEVEL, PORTAL};
use crate::bench::plan;
use crate::bench::{Error, Town};
use crate::country::{AdapterPlan, ClientPlan, Kind, NodePlan, Plan, RightPlan, ServicePlan};

/// With rules.
pub(super) const RULED: Plan = Plan {
    rules: Some(include_str!("rules.json")),
    ..PLAIN
};

/// The same without.
pub(super) const PLAIN: Plan = Plan {
    nodes: &[
        NodePlan {
            name: "consumer",
            owner: "GOV/0000001181",
            title: "consumer",
            clients: &[
                ClientPlan {
                    id: "GOV/0000001181/asks",
                    services: &[],
                    rights: &[],
                },
                ClientPlan {
                    id: "GOV/0000001181/portal",
                    services: &[],
                    rights: &[],
                },
            ],
        },
        NodePlan {
            name: "provider",
            owner: "GOV/0000000131",
            title: "provider",
            clients: &[
                ClientPlan {
                    id: "GOV/0000000131/answers",
                    services: &[ServicePlan {
                        code: "echo",
                        kind: Kind::Rest { path: "/echo" },
                        adapter: "service",
                    }],
                    rights: &[
                        RightPlan {
                            service: "echo",
                            subject: "GOV/0000001181/asks",
                            endpoint: None,
                        },
                        RightPlan {
                            service: "echo",
                            subject: "GOV/0000000131/own",
                            endpoint: None,
                        },
                    ],
                },
                // Asks through the provider's node, so that what it is told is this node's word.
                ClientPlan {
                    id: "GOV/0000000131/own",
                    services: &[],
                    rights: &[],
                },
            ],
        },
    ],
    adapters: NONE,
    ..plan::COUNTRY
};

const NONE: &[AdapterPlan] = &[];

/// Who asks for consents here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bank {
    /// Through the consumer's node.
    Asks,
    /// Through the provider's node.
    Own,
}

impl Bank {
    pub(super) fn client(self) -> &'static str {
        match self {
            Self::Asks => "AZ/GOV/0000001181/asks",
            Self::Own => "AZ/GOV/0000000131/own",
        }
    }

    /// The node it asks through.
    pub(super) fn node(self) -> &'static str {
        match self {
            Self::Asks => "consumer",
            Self::Own => "provider",
        }
    }
}

/// The desk of a town.
pub(super) struct Desk<'t> {
    town: &'t Town,
    http: Client,
}

/// A consent that holds.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) id: String,
    pub(super) fin: String,
    pub(super) artefact: String,
}

impl<'t> Desk<'t> {
    pub(super) fn new(town: &'t Town) -> Result<Self, Error> {
        Ok(Self {
            town,
            http: crate::bench::client(4)?,
        })
    }

    /// A consent of this person, asked for and approved.
    pub(super) async fn given(&self, bank: Bank, fin: &str) -> Result<Given, Error> {
        let ask = json!({
            "subject": {"kind": "fin", "value": fin},
            "provider": "AZ/GOV/0000000131/answers",
            "services": ["echo"],
            "purpose": CREDIT,
            "categories": ["income"],
            "valid_seconds": 24 * 3600,
        });
        let asked = self.post(bank.client(), "/consents/requests", &ask).await?;
        let id = text(&asked, "id")?;
        let approved = self.act(&id, "approve", fin).await?;
        Ok(Given {
            id,
            fin: fin.to_owned(),
            artefact: text(&approved, "artefact")?,
        })
    }

    /// Answered: it is durable.
    pub(super) async fn revoke(&self, given: &Given) -> Result<(), Error> {
        self.act(&given.id, "revoke", &given.fin).await.map(drop)
    }

    async fn act(&self, id: &str, action: &str, fin: &str) -> Result<Value, Error> {
        let will = json!({
            "person": {"kind": "fin", "value": fin},
            "proof": {"kind": "attestation", "level": LEVEL},
        });
        let path = format!("/consents/requests/{id}/{action}");
        self.post(PORTAL, &path, &will).await
    }

    async fn post(&self, client: &str, path: &str, body: &Value) -> Result<Value, Error> {
        let desk = self.town.place.desk();
        let mut request = Request::new(gateway_net::full(body.to_string()));
        *request.method_mut() = Method::POST;
        let uri = format!("http://{desk}{path}");
        *request.uri_mut() = uri
            .parse()
            .map_err(|_| Error::Load(format!("not a URL: {uri}")))?;
        let desk = desk.to_string();
        for (name, value) in [
            (HOST, desk.as_str()),
            (CONTENT_TYPE, "application/json"),
            (HeaderName::from_static("x-road-client"), client),
            (HeaderName::from_static("x-road-id"), "bench"),
        ] {
            let value = HeaderValue::from_str(value);
            let value = value.map_err(|error| Error::Load(error.to_string()))?;
            request.headers_mut().insert(name, value);
        }
        let answered = self.http.request(request, &ServerTrust::Any, None).await;
        let (head, body) = answered.map_err(Error::Net)?.into_parts();
        let body = gateway_net::collect(body, ANSWER_BYTES_MAX).await;
        let body = body.map_err(Error::Net)?;
        match head.status.is_success() {
            true => serde_json::from_slice(&body).map_err(|error| Error::Load(error.to_string())),
            false => {
                let said = String::from_utf8_lossy(&body);
                Err(Error::Load(format!("the desk: {}: {said}", head.status)))
            }
        }
    }
}

fn text(document: &Value, member: &str) -> Result<String, Error> {
    let found = document.get(member).and_then(Value::as_str);
    let found = found.ok_or_else(|| Error::Load(format!("the desk said no {member}")))?;
    Ok(found.to_owned())
}

const ANSWER_BYTES_MAX: usize = 1024 * 1024;
