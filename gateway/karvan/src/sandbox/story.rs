//! The story: what happens in a country in one minute.

mod birth;
mod consent;
mod emergency;
mod portal;
mod refusals;
mod vemtas;

use std::time::Duration;

use gateway_net::Client;
use http::Method;
use serde::Serialize;
use serde_json::Value;

use super::report::Narrator;
use super::system::{Answer, Caller, RestCall};
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

    /// What the country is for.
    pub(super) async fn begin(&mut self) {
        self.narrator
            .chapter("The portal asks the population register about a person");
        self.portal_asks().await;
        self.narrator
            .chapter("VƏMTAS collects a family's papers for one application");
        self.vemtas_collects().await;
        self.narrator.chapter("A birth: clinic → justice → fund");
        self.birth().await;
        self.narrator
            .chapter("A bank asks for an income certificate; the person decides");
        self.consent().await;
        self.narrator
            .chapter("An emergency: the clinic breaks the glass, the supervisor sees it");
        self.emergency().await;
    }

    /// What is refused; then all steps in order.
    pub(super) async fn end(mut self) -> Vec<Step> {
        self.narrator.chapter("What must not happen does not");
        self.refusals().await;
        self.steps
    }

    pub(super) fn fault(
        &mut self,
        name: &str,
        code: &str,
        id: String,
        answer: Result<Answer, String>,
    ) {
        self.judge(name, code, id, answer, |answer| {
            answer.fault.as_deref() == Some(code)
        });
    }

    pub(super) fn judge(
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

    pub(super) fn caller(&self, client: &'static str, node: &str) -> Caller {
        Caller {
            client,
            node: self.place.clients_http(self.place.node_index(node)),
        }
    }

    pub(super) fn node(&self, name: &str) -> Option<&'s RunningNode> {
        self.nodes.get(self.place.node_index(name))
    }

    pub(super) fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.run)
    }
}

/// Asks again until the answer is as awaited, or the time that the country promises is over.
async fn eventually<F, A>(mut ask: F, awaited: impl Fn(&Answer) -> bool) -> Result<Answer, String>
where
    F: FnMut(usize) -> A,
    A: Future<Output = Result<Answer, String>>,
{
    let began = clock::instant();
    let mut turn = 0_usize;
    loop {
        let answer = ask(turn).await;
        let took = began.elapsed();
        let held = answer.as_ref().is_ok_and(&awaited);
        if held || took > PROMISED {
            return answer.map(|answer| Answer { took, ..answer });
        }
        turn = turn.saturating_add(1);
        tokio::time::sleep(BETWEEN).await;
    }
}

/// A GET without more.
fn get<'c>(path: &'c str, id: &'c str) -> RestCall<'c> {
    RestCall {
        path,
        id,
        ..RestCall::default()
    }
}

/// A POST of JSON without more.
fn post<'c>(path: &'c str, id: &'c str, body: &Value) -> RestCall<'c> {
    RestCall {
        method: Method::POST,
        body: Some(body.to_string()),
        ..get(path, id)
    }
}

fn contains(body: &[u8], wanted: &str) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| text.contains(wanted))
}

/// Within this time a revocation, or a case that is closed, reaches every node.
const PROMISED: Duration = Duration::from_secs(5);
/// How soon the story asks again.
const BETWEEN: Duration = Duration::from_millis(25);
