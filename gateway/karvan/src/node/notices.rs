//! Background task: each break-glass use is told to the supervisor, through this node like any other
//! exchange, until he has taken note.
//!
//! The supervisor's service is named by the registry's rules. What waits stands in the journal, so it
//! outlives restarts; a notice may arrive twice, word for word the same, but not never.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use gateway_consent::request::Notice;
use gateway_exchange::conf::RulesState;
use gateway_exchange::{Consumer, Node, Transport};
use gateway_journal::Usage;
use gateway_net::{Handler, Peer};
use gateway_proto::header;
use gateway_proto::id::ServiceId;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request};

use super::journal::Progress;
use crate::causes::with_causes;
use crate::service::Stop;

/// Tells the supervisor.
#[derive(Debug)]
pub(super) struct Notices<T> {
    node: Arc<Node>,
    consumer: Consumer<T>,
    progress: Arc<Progress>,
    /// The last one that was tried since the last pause.
    tried: u64,
    pause: Duration,
    told: Option<String>,
}

impl<T: Transport> Notices<T> {
    pub(super) fn new(node: Arc<Node>, transport: T, progress: Arc<Progress>) -> Self {
        Self {
            consumer: Consumer::new(Arc::clone(&node), transport),
            node,
            progress,
            tried: 0,
            pause: PAUSE,
            told: None,
        }
    }

    /// Tells until told to stop.
    pub(super) async fn run(mut self, mut stop: Stop) {
        let stopped = stop.clone().wait();
        tokio::pin!(stopped);
        loop {
            self.tried = 0;
            let round = tokio::select! {
                round = self.round() => round,
                () = &mut stopped => return,
            };
            match round {
                Ok(()) => {
                    self.pause = PAUSE;
                    self.told = None;
                }
                Err(reason) => {
                    self.tell(reason);
                    self.pause = self.pause.saturating_mul(2).min(PAUSE_MAX);
                }
            }
            if !self.pause(&mut stop).await {
                return;
            }
        }
    }

    /// What failed waits; what is new does not. `false`: the node stops.
    async fn pause(&mut self, stop: &mut Stop) -> bool {
        let stopped = stop.clone().wait();
        tokio::pin!(stopped);
        let pause = stop.sleep(self.pause);
        tokio::pin!(pause);
        let progress = Arc::clone(&self.progress);
        loop {
            tokio::select! {
                go_on = &mut pause => return go_on,
                () = progress.news() => {
                    // Many may wait, each as long as an exchange may take: the node does not.
                    let round = tokio::select! {
                        round = self.round() => round,
                        () = &mut stopped => return false,
                    };
                    if let Err(reason) = round {
                        self.tell(reason);
                    }
                }
            }
        }
    }

    /// Sends what has not been tried since the last pause.
    async fn round(&mut self) -> Result<(), String> {
        let mut problem = None;
        loop {
            let waiting = self.waiting(self.tried).await?;
            if waiting.is_empty() {
                break;
            }
            let Some(supervisor) = self.supervisor() else {
                let count = waiting.len();
                return Err(format!(
                    "{count} or more wait: the registry's rules name no supervisor"
                ));
            };
            for usage in waiting {
                self.tried = usage.ordinal;
                match self.send(&usage, &supervisor).await {
                    Ok(()) => self.acknowledge(usage.ordinal).await?,
                    Err(reason) => {
                        // Whoever broke the glass wrote it.
                        let id = &usage.exchange.message_id;
                        problem = Some(format!("of exchange {id:?}: {reason}"));
                    }
                }
            }
        }
        problem.map_or(Ok(()), Err)
    }

    async fn waiting(&self, after: u64) -> Result<Vec<Usage>, String> {
        let journal = self.node.journal.clone();
        let waiting = tokio::task::spawn_blocking(move || journal.notices(after, PAGE)).await;
        let waiting = waiting.map_err(|error| error.to_string())?;
        waiting.map_err(|error| with_causes(&error))
    }

    async fn acknowledge(&self, ordinal: u64) -> Result<(), String> {
        let journal = self.node.journal.clone();
        let noted = tokio::task::spawn_blocking(move || journal.acknowledge(ordinal)).await;
        let noted = noted.map_err(|error| error.to_string())?;
        noted.map_err(|error| with_causes(&error))
    }

    fn supervisor(&self) -> Option<ServiceId> {
        let conf = self.node.conf.load_full()?;
        match &conf.rules {
            RulesState::InForce(rules) => rules.part().settings.supervisor.clone(),
            RulesState::Absent | RulesState::Refused(_) => None,
        }
    }

    async fn send(&self, usage: &Usage, supervisor: &ServiceId) -> Result<(), String> {
        let request = self.request(usage, supervisor)?;
        let response = self.consumer.handle(request, &self.itself()).await;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => {
                let code = response.headers().get(header::ERROR);
                let code = code.and_then(|code| code.to_str().ok()).unwrap_or_default();
                Err(format!("{} answered {status} {code}", supervisor.to_rest()))
            }
        }
    }

    /// The owner of the service that was used tells.
    fn request(
        &self,
        usage: &Usage,
        supervisor: &ServiceId,
    ) -> Result<Request<gateway_net::Body>, String> {
        let exchange = &usage.exchange;
        let rule = exchange.rule.as_ref();
        let notice = Notice {
            message_id: exchange.message_id.clone(),
            at: usage.time,
            consumer: exchange.client.clone(),
            service: exchange.service.clone(),
            rule: rule.map_or_else(String::new, |(id, version)| format!("{id}/{version}")),
            user: exchange.user.clone(),
            purpose: exchange.purpose.clone(),
            case: exchange.case.clone(),
            reason: exchange.emergency.clone().unwrap_or_default(),
        };
        let body = serde_json::to_vec(&notice).map_err(|error| error.to_string())?;
        let teller = exchange.service.provider().to_rest();
        let teller = HeaderValue::from_str(&teller).map_err(|error| error.to_string())?;
        let mut request = Request::new(gateway_net::full(body));
        *request.method_mut() = Method::POST;
        let path = format!("/r1/{}/", supervisor.to_rest());
        *request.uri_mut() = path.parse().map_err(|error| format!("{path}: {error}"))?;
        let headers = request.headers_mut();
        headers.insert(header::CLIENT, teller);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    /// The node asks itself: no connection, and the certificate that lets it in as any of its clients.
    fn itself(&self) -> Peer {
        let local = self.node.local.load();
        Peer {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: true,
            certificates: local.internal_certificate.iter().cloned().collect(),
        }
    }

    /// Once for each reason.
    fn tell(&mut self, reason: String) {
        if self.told.as_ref() != Some(&reason) {
            tracing::warn!("a break-glass use was not told to the supervisor: {reason}");
        }
        self.told = Some(reason);
    }
}

const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(300);
const PAGE: usize = 100;

#[cfg(test)]
mod tests;
