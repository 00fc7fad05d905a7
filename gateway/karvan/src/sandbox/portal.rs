//! The back end of the portal: what a person does there, as calls of the portal's subsystem.
//!
//! It stores nothing. The portal has identified the person; towards the consent desk it attests so.
//!
//! * `usage`: answers of the journals
//! * `face`: the back end over HTTP, for the pages of a portal

mod face;
mod usage;

use std::time::Duration;

use futures_util::future::join_all;
use gateway_net::Client;
use http::Method;
use serde_json::json;

pub(super) use self::face::Face;
use super::system::{self, Answer, Caller, RestCall, SoapCall};
use crate::country::place::Place;

/// The back end.
#[derive(Clone, Debug)]
pub(super) struct Portal {
    http: Client,
    caller: Caller,
    /// Everybody who gives data, `class/code/subsystem`, with each of his servers, `class/code/server`:
    /// every server keeps the journal of what it answered itself.
    providers: Vec<(&'static str, String)>,
}

impl Portal {
    /// The portal of a country.
    pub(super) fn new(place: &Place, http: Client) -> Self {
        let mut providers = Vec::new();
        for node in place.plan().nodes {
            let server = format!("{}/{}", node.owner, node.name);
            let giving = node
                .clients
                .iter()
                .filter(|client| !client.services.is_empty());
            for client in giving.filter(|client| client.id != DESK) {
                providers.push((client.id, server.clone()));
            }
        }
        Self {
            http,
            caller: Caller {
                client: PORTAL,
                node: place.clients_http(place.node_index("iria")),
            },
            providers,
        }
    }

    /// The person's consents, in whatever state.
    pub(super) async fn consents(&self, person: &str, id: &str) -> Result<Answer, String> {
        let body = json!({"person": {"kind": "fin", "value": person}});
        self.desk("consents/find", &body, person, id).await
    }

    /// The person's answer to a request, or what he makes of a consent later: `approve`, `decline`,
    /// `pause`, `resume`, `revoke`.
    pub(super) async fn answer(
        &self,
        consent: &str,
        action: &str,
        person: &str,
        id: &str,
    ) -> Result<Answer, String> {
        let body = json!({
            "person": {"kind": "fin", "value": person},
            "proof": {"kind": "attestation", "level": "asan-imza"},
        });
        let path = format!("consents/requests/{consent}/{action}");
        self.desk(&path, &body, person, id).await
    }

    /// What the journals of all members say of the person, the latest use first.
    pub(super) async fn usage(&self, person: &str, id: &str) -> Result<Answer, String> {
        let asked = self
            .providers
            .iter()
            .enumerate()
            .map(|(index, (provider, server))| {
                let id = format!("{id}-{index}");
                async move {
                    let call = SoapCall {
                        provider,
                        code: "findUsage",
                        namespace: usage::NAMESPACE,
                        id: &id,
                        issue: None,
                        server: Some(server),
                        arguments: &[("userCode", person)],
                    };
                    let answer = system::soap(&self.http, self.caller, &call).await?;
                    Ok::<_, String>((*provider, answer))
                }
            });
        let mut uses = Vec::new();
        let mut took = Duration::ZERO;
        for answered in join_all(asked).await {
            let (provider, answer) = answered?;
            if answer.fault.is_some() {
                return Ok(answer);
            }
            uses.extend(usage::read(provider, &answer.body)?);
            took = took.max(answer.took);
        }
        usage::sort(&mut uses);
        Ok(Answer {
            status: 200,
            fault: None,
            body: json!({ "uses": uses }).to_string().into(),
            took,
        })
    }

    async fn desk(
        &self,
        path: &str,
        body: &serde_json::Value,
        person: &str,
        id: &str,
    ) -> Result<Answer, String> {
        let path = format!("{DESK}/{path}");
        let headers = [("x-road-userid", person)];
        let call = RestCall {
            method: Method::POST,
            path: &path,
            id,
            body: Some(body.to_string()),
            headers: &headers,
        };
        system::rest(&self.http, self.caller, call).await
    }
}

const PORTAL: &str = "GOV/0000001181/mygov";
const DESK: &str = "GOV/0000001181/razilig";
