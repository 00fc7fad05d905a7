//! The background task that has the log's checkpoints cosigned.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use gateway_evidence::cosigning::{Cosigning, Grown, Post, State};
use gateway_exchange::Node;
use gateway_messagelog::MessageLog;
use gateway_messagelog::tree::Tree;
use gateway_net::Client;
use gateway_tlog::Hash;
use gateway_tlog::note::Signature;

use super::{Error, witnesses};
use crate::causes::with_causes;
use crate::config::{self, Loaded};
use crate::fetch;
use crate::service::Stop;

/// Who cosigns, and how it stands with each, for the health face.
pub(in crate::node) type Standing = Arc<ArcSwap<Vec<(String, State)>>>;

/// Background task: has the log's checkpoints cosigned.
#[derive(Debug)]
pub(in crate::node) struct Cosigned {
    log: Arc<OfTree>,
    cosigning: Cosigning,
    post: Http,
    node: Arc<Node>,
    interval: Duration,
    standing: Standing,
}

impl Cosigned {
    pub(in crate::node) fn new(
        config: &Loaded<config::node::Node>,
        client: Client,
        node: Arc<Node>,
    ) -> Result<Self, Error> {
        let section = &config.values.transparency;
        Ok(Self {
            log: Arc::new(OfTree(node.log.clone())),
            cosigning: Cosigning::new(witnesses(config, section)?, PATIENCE),
            post: Http(client),
            node,
            interval: Duration::from_secs(section.witness_seconds.max(1)),
            standing: Standing::default(),
        })
    }

    pub(in crate::node) fn standing(&self) -> Standing {
        Arc::clone(&self.standing)
    }

    /// Asks again and again until told to stop.
    pub(in crate::node) async fn run(mut self, mut stop: Stop) {
        let log: Arc<dyn Grown> = Arc::<OfTree>::clone(&self.log);
        loop {
            let now = self.node.clock.now();
            tokio::select! {
                () = self.cosigning.once(&log, &self.post, now) => {}
                () = stop.clone().wait() => return,
            }
            let found = self.cosigning.witnesses();
            let found = found.map(|one| (one.name().to_owned(), one.state().clone()));
            self.standing.store(Arc::new(found.collect()));
            if !stop.sleep(self.interval).await {
                return;
            }
        }
    }
}

/// The tree of the log, as cosigning sees it.
#[derive(Debug)]
struct OfTree(MessageLog);

impl OfTree {
    fn tree(&self) -> Result<&Tree, String> {
        self.0
            .tree()
            .ok_or_else(|| "this log has no tree".to_owned())
    }
}

impl Grown for OfTree {
    fn checkpoint(&self) -> Option<Bytes> {
        self.0.tree().map(Tree::checkpoint)
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, String> {
        let proof = self.tree()?.consistency(old, new);
        proof.map_err(|error| with_causes(&error))
    }

    fn cosigned(&self, checkpoint: &Bytes, signatures: &[Signature]) -> Result<(), String> {
        let kept = self.tree()?.cosigned(checkpoint, signatures);
        kept.map(drop).map_err(|error| with_causes(&error))
    }
}

#[derive(Debug)]
struct Http(Client);

impl Post for Http {
    async fn post(&self, url: &str, body: Vec<u8>) -> Result<(u16, Bytes), String> {
        fetch::post(
            &self.0,
            url,
            "text/plain; charset=utf-8",
            "text/plain",
            body,
            ANSWER_BYTES_MAX,
        )
        .await
        .map_err(|error| with_causes(&error))
    }
}

/// How long a witness is waited for. A neighbour answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 64 * 1024;
