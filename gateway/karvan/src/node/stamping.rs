//! Background task: time stamps over what was logged, asked of the authorities over HTTP.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_evidence::stamper::{self, Ask, AskError, Outcome, Stamper};
use gateway_exchange::Node;
use gateway_net::{Client, ClientOptions};

use crate::config::evidence::Timestamping;
use crate::fetch;
use crate::service::Stop;

/// Asks authorities over HTTP.
#[derive(Debug)]
pub(crate) struct HttpAsk {
    client: Client,
    /// Until the whole answer is there.
    timeout: Duration,
}

/// Keeps the log stamped.
#[derive(Debug)]
pub(super) struct Stamping {
    stamper: Arc<Stamper<HttpAsk>>,
    node: Arc<Node>,
    retry: Duration,
}

impl HttpAsk {
    fn new(values: &Timestamping) -> Result<Self, gateway_net::Error> {
        let connect = Duration::from_secs(values.connect_timeout_seconds.max(1));
        let answer = Duration::from_secs(values.answer_timeout_seconds.max(1));
        let client = Client::new(ClientOptions {
            connect_timeout: connect,
            response_timeout: answer,
            idle_timeout: Duration::from_secs(15),
            idle_per_host_max: 1,
            identity: None,
        })?;
        Ok(Self {
            client,
            timeout: connect.saturating_add(answer),
        })
    }
}

impl Ask for HttpAsk {
    async fn ask(&self, url: &str, query: Vec<u8>) -> Result<Bytes, AskError> {
        let asking = fetch::post(
            &self.client,
            url,
            "application/timestamp-query",
            "application/timestamp-reply",
            query,
            ANSWER_BYTES_MAX,
        );
        // What trickles in is no answer either.
        let answer = tokio::time::timeout(self.timeout, asking).await;
        match answer {
            Err(_) => Err(AskError::Timeout),
            Ok(Ok((200, answer))) => Ok(answer),
            Ok(Ok((status, _))) => Err(AskError::Status(status)),
            Ok(Err(fetch::Error::Url(_))) => Err(AskError::Url),
            Ok(Err(fetch::Error::Net(error))) => Err(match error {
                gateway_net::Error::InvalidUri => AskError::Url,
                gateway_net::Error::BodyTooLarge { bytes_max } => AskError::TooLarge { bytes_max },
                error if error.is_timeout() => AskError::Timeout,
                error => AskError::Connection {
                    reason: error.to_string(),
                },
            }),
        }
    }
}

impl Stamping {
    /// Nobody is asked yet.
    pub(super) fn new(values: &Timestamping, node: Arc<Node>) -> Result<Self, gateway_net::Error> {
        let options = stamper::Options {
            records_max: values.records_max.clamp(1, RECORDS_MAX),
            ..stamper::Options::default()
        };
        let clock = Arc::clone(&node.clock);
        let stamper = Stamper::new(
            node.log.clone(),
            HttpAsk::new(values)?,
            Arc::new(move || clock.now()),
            options,
        );
        Ok(Self {
            stamper: Arc::new(stamper),
            node,
            retry: Duration::from_secs(values.retry_seconds.max(1)),
        })
    }

    /// For those who want to see it or to wake it.
    pub(super) fn stamper(&self) -> Arc<Stamper<HttpAsk>> {
        Arc::clone(&self.stamper)
    }

    /// Stamps until told to stop. A backlog is worked off batch by batch without a pause: the path
    /// shares nothing with it but the log's committer.
    pub(super) async fn run(self, mut stop: Stop) {
        let stopped = stop.clone().wait();
        tokio::pin!(stopped);
        let mut failing = false;
        loop {
            let outcome = tokio::select! {
                outcome = self.once() => outcome,
                () = &mut stopped => break,
            };
            let pause = match &outcome {
                Outcome::Stamped { more: true, .. } => Duration::ZERO,
                Outcome::Stamped { .. } | Outcome::Nothing => self.interval(),
                Outcome::Failed(_) => self.retry.min(self.interval()),
            };
            failing = report(&outcome, failing);
            let go_on = tokio::select! {
                go_on = stop.sleep(pause) => go_on,
                () = self.stamper.woken() => true,
            };
            if !go_on {
                break;
            }
        }
        self.stamper.close();
    }

    /// A configuration that is out of date approves nobody.
    async fn once(&self) -> Outcome {
        let grace = self.node.settings.registry_grace_seconds_max;
        let now = self.node.clock.now();
        let conf = self.node.conf.load_full();
        let conf = conf.filter(|conf| conf.valid(grace, now).is_ok());
        let snapshot = conf.as_ref().map(|conf| &conf.snapshot);
        self.stamper.once(snapshot).await
    }

    fn interval(&self) -> Duration {
        let conf = self.node.conf.load();
        let snapshot = conf.as_ref().map(|conf| &conf.snapshot);
        let settings = &self.node.settings;
        let seconds = settings.timestamping_interval_seconds(snapshot);
        Duration::from_secs(timely(seconds, settings.timestamp_lag_seconds_max))
    }
}

/// An interval under which no message waits longer than the policy allows just because nobody asked;
/// 0 stands for a policy that allows any.
fn timely(interval_seconds: u64, lag_seconds_max: u64) -> u64 {
    match lag_seconds_max {
        0 => interval_seconds,
        max => interval_seconds.min((max / 2).max(1)),
    }
}

/// Says when time stamps fail and when they come again; whether they fail now.
fn report(outcome: &Outcome, failing: bool) -> bool {
    match outcome {
        Outcome::Failed(error) => {
            let code = error.code();
            tracing::warn!(code, "messages go on waiting for their time stamp: {error}");
            true
        }
        Outcome::Stamped { records, .. } => {
            if failing {
                tracing::info!(records, "messages are time-stamped again");
            }
            false
        }
        Outcome::Nothing => false,
    }
}

/// More in one stamp would make a record too long to be handled well.
const RECORDS_MAX: usize = 100_000;
/// Tokens with whole chains have some ten thousand octets.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests;
