//! The back end of the portal: what a person does there, as calls of the portal's subsystem.
//!
//! It stores nothing. The portal has identified the person; towards the consent desk it attests so.
//!
//! * `usage`: answers of the journals
//! * `face`: the back end over HTTP, for the pages of a portal

mod face;
mod usage;

use futures_util::future::join_all;
use gateway_net::Client;
use http::Method;
use serde_json::json;

pub(super) use self::face::Face;
use super::system::{self, Answer, Caller, RestCall, SoapCall};
use crate::clock;
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

    /// What the journals of all members say of the person, the latest use first; and which of them did
    /// not answer, so that nobody takes half a list for the whole.
    pub(super) async fn usage(&self, person: &str, id: &str) -> Result<Answer, String> {
        let began = clock::instant();
        let asked = self.providers.iter().enumerate().map(|(index, one)| {
            let id = format!("{id}-{index}");
            async move { (one, self.journal(one, person, &id).await) }
        });
        let (mut uses, mut silent) = (Vec::new(), Vec::new());
        for ((provider, server), answered) in join_all(asked).await {
            match answered {
                Ok(more) => uses.extend(more),
                Err(reason) => silent.push(json!({
                    "of": provider, "server": server, "reason": reason,
                })),
            }
        }
        usage::sort(&mut uses);
        Ok(Answer {
            status: 200,
            fault: None,
            body: json!({ "uses": uses, "silent": silent }).to_string().into(),
            took: began.elapsed(),
        })
    }

    /// All pages of one journal.
    async fn journal(
        &self,
        (provider, server): &(&'static str, String),
        person: &str,
        id: &str,
    ) -> Result<Vec<usage::Use>, String> {
        let (mut uses, mut next) = (Vec::new(), None::<String>);
        for page in 0..PAGES_MAX {
            let id = format!("{id}-{page}");
            let mut arguments = vec![("userCode", person)];
            arguments.extend(next.as_deref().map(|next| ("after", next)));
            let call = SoapCall {
                provider,
                code: "findUsage",
                namespace: usage::NAMESPACE,
                id: &id,
                server: Some(server),
                arguments: &arguments,
                ..SoapCall::default()
            };
            let answer = system::soap(&self.http, self.caller, &call).await?;
            if let Some(fault) = answer.fault {
                return Err(fault);
            }
            let (more, behind) = usage::read(provider, &answer.body)?;
            uses.extend(more);
            match behind {
                Some(behind) => next = Some(behind),
                None => return Ok(uses),
            }
        }
        Err(format!("it has more than {PAGES_MAX} pages"))
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
/// A thousand uses each.
const PAGES_MAX: usize = 100;
