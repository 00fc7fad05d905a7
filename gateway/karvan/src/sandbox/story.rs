//! The story: what happens in a country in one minute.

use std::sync::Arc;

use futures_util::future::join_all;
use gateway_exchange::Consumer;
use gateway_net::{Client, Handler, Peer};
use http::Method;
use serde::Serialize;

use super::report::Narrator;
use super::system::{self, Answer, Caller, SoapCall};
use super::tamper::Tampering;
use crate::clock;
use crate::country::place::Place;
use crate::node::RunningNode;

/// One step and how it went.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) expect: String,
    pub(crate) got: String,
    pub(crate) ok: bool,
    pub(crate) ms: f64,
    pub(crate) message_id: String,
}

/// Tells the story.
#[derive(Debug)]
pub(super) struct Story<'s> {
    place: &'s Place,
    nodes: &'s [RunningNode],
    http: Client,
    narrator: &'s Narrator,
    steps: Vec<Step>,
    run: String,
}

impl<'s> Story<'s> {
    /// A new telling; its message ids are its own.
    pub(super) fn new(
        place: &'s Place,
        nodes: &'s [RunningNode],
        narrator: &'s Narrator,
    ) -> Result<Self, gateway_net::Error> {
        let run = hex::encode(certs_keys::random_bytes::<4>());
        Ok(Self {
            place,
            nodes,
            http: crate::fetch::client()?,
            narrator,
            steps: Vec::new(),
            run,
        })
    }

    /// All of it, in order.
    pub(super) async fn tell(mut self) -> Vec<Step> {
        self.narrator
            .chapter("The portal asks the population register about a person");
        self.portal_asks().await;
        self.narrator
            .chapter("VƏMTAS collects a family's papers for one application");
        self.vemtas_collects().await;
        self.narrator.chapter("A birth: clinic → justice → fund");
        self.birth().await;
        self.narrator.chapter("What must not happen does not");
        self.refusals().await;
        self.steps
    }

    async fn portal_asks(&mut self) {
        let portal = self.caller("GOV/0000001181/mygov", "iria");
        let id = self.id("rest-person");
        let path = "GOV/0000000131/iamas/persons/0TEST01";
        let answer = system::rest(&self.http, portal, Method::GET, path, &id, None).await;
        self.judge(
            "portal → population register, REST, by FIN",
            "200, the person asked about",
            id,
            answer,
            |answer| answer.status == 200 && answer.value("fin").as_deref() == Some("0TEST01"),
        );
        let id = self.id("soap-person");
        let call = SoapCall {
            provider: "GOV/0000000131/iamas",
            code: "GetPersonByFin",
            namespace: "urn:az:iamas:1",
            id: &id,
            issue: None,
            arguments: &[("fin", "0TEST02")],
        };
        let answer = system::soap(&self.http, portal, &call).await;
        self.judge(
            "portal → population register, SOAP, by FIN",
            "200, the person asked about",
            id.clone(),
            answer,
            |answer| answer.fault.is_none() && answer.value("fin").as_deref() == Some("0TEST02"),
        );
        let id = self.id("nobody");
        let path = "GOV/0000000131/iamas/persons/0TEST99";
        let answer = system::rest(&self.http, portal, Method::GET, path, &id, None).await;
        self.judge(
            "a FIN nobody has: the register's own answer passes",
            "404",
            id,
            answer,
            |answer| answer.status == 404 && answer.fault.is_none(),
        );
    }

    async fn vemtas_collects(&mut self) {
        let vemtas = self.caller("GOV/0000000261/vemtas", "eesmn");
        let calls = [
            (
                "GOV/0000000131/iamas",
                "GetFamily",
                "urn:az:iamas:1",
                "fin",
                "0TEST01",
            ),
            (
                "GOV/0000000411/ehdr",
                "GetChildren",
                "urn:az:ehdr:1",
                "mother_fin",
                "0TEST02",
            ),
            (
                "GOV/0000000391/pensiya",
                "GetPension",
                "urn:az:pensiya:1",
                "fin",
                "0TEST05",
            ),
            (
                "GOV/0000000261/emas",
                "GetLabourContracts",
                "urn:az:emas:1",
                "fin",
                "0TEST01",
            ),
        ];
        let ids: Vec<String> = calls.iter().map(|call| self.id(call.1)).collect();
        let http = &self.http;
        let answers = join_all(calls.iter().zip(&ids).map(|(call, id)| async move {
            let (provider, code, namespace, name, value) = *call;
            let call = SoapCall {
                provider,
                code,
                namespace,
                id,
                issue: Some("VM-2026-000001"),
                arguments: &[(name, value)],
            };
            system::soap(http, vemtas, &call).await
        }))
        .await;
        for (((_, code, ..), id), answer) in calls.iter().zip(ids).zip(answers) {
            let name = format!("VƏMTAS → {code}, case VM-2026-000001, in parallel");
            let wanted = format!("{code}Response");
            self.judge(&name, "200, an answer", id, answer, |answer| {
                answer.fault.is_none() && contains(&answer.body, &wanted)
            });
        }
    }

    async fn birth(&mut self) {
        let clinic = self.caller("GOV/0000000541/dogum", "iria");
        let id = self.id("clinic-birth");
        let record = format!("TX-2026-{}", self.run);
        let call = SoapCall {
            provider: "GOV/0000000411/vva",
            code: "NotifyBirth",
            namespace: "urn:az:vva:1",
            id: &id,
            issue: Some(&record),
            arguments: &[
                ("mother_fin", "0TEST08"),
                ("medical_record", &record),
                ("clinic_voen", "0000000541"),
                ("birth_date", "2026-03-05"),
                ("child_sex", "M"),
            ],
        };
        let answer = system::soap(&self.http, clinic, &call).await;
        let act = answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.value("act_number"));
        self.judge(
            "clinic → justice: a child is born",
            "200, number of the birth record",
            id.clone(),
            answer,
            |answer| answer.fault.is_none() && answer.value("act_number").is_some(),
        );
        let justice = self.caller("GOV/0000000411/vva", "en");
        let id = self.id("justice-birth");
        let act = act.unwrap_or_default();
        let body = serde_json::json!({
            "mother_fin": "0TEST08", "act_number": act, "birth_date": "2026-03-05",
        });
        let path = "GOV/0000000391/muavinet/births";
        let answer = system::rest(
            &self.http,
            justice,
            Method::POST,
            path,
            &id,
            Some(body.to_string()),
        )
        .await;
        self.judge(
            "justice → fund: the allowance is assigned, unasked",
            "200 or 201, an amount",
            id,
            answer,
            |answer| matches!(answer.status, 200 | 201) && contains(&answer.body, "500.00"),
        );
    }

    async fn refusals(&mut self) {
        let bank = self.caller("COM/0000001201/kredit", "iria");
        let id = self.id("bank");
        let path = "GOV/0000000131/iamas/persons/0TEST01";
        let answer = system::rest(&self.http, bank, Method::GET, path, &id, None).await;
        self.fault(
            "a bank without a right asks about a person",
            "server.serverproxy.access_denied",
            id,
            answer,
        );

        let portal = self.caller("GOV/0000001181/mygov", "iria");
        let id = self.id("history");
        let path = "GOV/0000000131/iamas/persons/0TEST01/history";
        let answer = system::rest(&self.http, portal, Method::GET, path, &id, None).await;
        self.fault(
            "the portal tries a path its right does not cover",
            "server.serverproxy.access_denied",
            id,
            answer,
        );

        let id = self.id("unknown");
        let path = "GOV/0000000131/iamas/secrets/0TEST01";
        let answer = system::rest(&self.http, portal, Method::GET, path, &id, None).await;
        self.fault(
            "a service that does not exist",
            "server.serverproxy.unknown_service",
            id,
            answer,
        );

        let id = self.id("stranger");
        let stranger = self.caller("COM/0000001461/nobody", "iria");
        let path = "GOV/0000000131/iamas/persons/0TEST01";
        let answer = system::rest(&self.http, stranger, Method::GET, path, &id, None).await;
        self.fault(
            "a client that is not registered",
            "server.clientproxy.unknown_member",
            id,
            answer,
        );

        let id = self.id("fin");
        let path = "GOV/0000000131/iamas/persons/0TESTIO";
        let answer = system::rest(&self.http, portal, Method::GET, path, &id, None).await;
        self.judge(
            "a malformed FIN is refused by the register",
            "400",
            id,
            answer,
            |answer| answer.status == 400,
        );

        self.tampered().await;
    }

    /// The portal signs a question about one person; on the way it becomes one about another.
    async fn tampered(&mut self) {
        let portal = self.caller("GOV/0000001181/mygov", "iria");
        for (kind, soap) in [("SOAP", true), ("REST", false)] {
            let id = self.id(&format!("tampered-{}", kind.to_ascii_lowercase()));
            let request = if soap {
                let call = SoapCall {
                    provider: "GOV/0000000131/iamas",
                    code: "GetPersonByFin",
                    namespace: "urn:az:iamas:1",
                    id: &id,
                    issue: None,
                    arguments: &[("fin", "0TEST01")],
                };
                system::soap_request(portal, &call)
            } else {
                let path = "GOV/0000000131/iamas/persons/0TEST01";
                system::rest_request(portal, Method::GET, path, &id, None)
            };
            let answer = match (request, self.node("iria")) {
                (Ok(request), Some(node)) => {
                    let way = Tampering {
                        way: node.peers.clone(),
                        signed: b"0TEST01",
                        sent: b"0TEST02",
                    };
                    let consumer = Consumer::new(Arc::clone(&node.node), way);
                    let peer = Peer {
                        address: portal.node,
                        tls: false,
                        certificates: Arc::default(),
                    };
                    let began = clock::instant();
                    let response = consumer.handle(request, &peer).await;
                    system::read(response, began).await
                }
                (Err(reason), _) => Err(reason),
                (_, None) => Err("the portal's node is not running".to_owned()),
            };
            let name = format!("a {kind} message changed on the way");
            let expect = "server.serverproxy.signature_verification.invalid_signature_value";
            self.fault(&name, expect, id, answer);
        }
    }

    fn fault(&mut self, name: &str, code: &str, id: String, answer: Result<Answer, String>) {
        self.judge(name, code, id, answer, |answer| {
            answer.fault.as_deref() == Some(code)
        });
    }

    fn judge(
        &mut self,
        name: &str,
        expect: &str,
        message_id: String,
        answer: Result<Answer, String>,
        holds: impl FnOnce(&Answer) -> bool,
    ) {
        let (got, ok, ms) = match &answer {
            Ok(answer) => (
                answer.outcome(),
                holds(answer),
                answer.took.as_secs_f64() * 1000.0,
            ),
            Err(reason) => (reason.clone(), false, 0.0),
        };
        let step = Step {
            name: name.to_owned(),
            expect: expect.to_owned(),
            got,
            ok,
            ms,
            message_id,
        };
        self.narrator.step(&step);
        self.steps.push(step);
    }

    fn caller(&self, client: &'static str, node: &str) -> Caller {
        Caller {
            client,
            node: self.place.clients_http(self.place.node_index(node)),
        }
    }

    fn node(&self, name: &str) -> Option<&'s RunningNode> {
        self.nodes.get(self.place.node_index(name))
    }

    fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.run)
    }
}

fn contains(body: &[u8], wanted: &str) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| text.contains(wanted))
}
