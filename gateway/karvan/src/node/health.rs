//! `/healthz`: the process answers. `/readyz`: it can exchange, or says what is missing; and what is
//! done under a grace of the policy.

use std::fmt::Write as _;
use std::sync::{Arc, PoisonError};

use gateway_evidence::archive::Watch;
use gateway_evidence::cosigning;
use gateway_evidence::stamper::{Stamper, State};
use gateway_exchange::Node;
use gateway_exchange::conf::{RulesFault, RulesState};
use gateway_net::{Body, Handler, Peer};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};

use super::feed;
use super::journal::{self, Progress};
use super::stamping::HttpAsk;
use super::transparency::Standing;

/// The health face of a node.
#[derive(Debug)]
pub(super) struct Health {
    node: Arc<Node>,
    stamper: Arc<Stamper<HttpAsk>>,
    witnesses: Standing,
    archive: Watch,
    feed: feed::Standing,
    journal: Arc<Progress>,
}

impl Health {
    pub(super) fn new(
        node: Arc<Node>,
        stamper: Arc<Stamper<HttpAsk>>,
        witnesses: Standing,
        archive: Watch,
        feed: feed::Standing,
        journal: Arc<Progress>,
    ) -> Self {
        Self {
            node,
            stamper,
            witnesses,
            archive,
            feed,
            journal,
        }
    }

    /// What keeps the node from exchanging, for its operator.
    fn missing(&self, stamping: &State) -> Vec<&'static str> {
        let now = self.node.clock.now();
        let grace = self.node.settings.registry_grace_seconds_max;
        let mut missing = Vec::new();
        match self.node.conf.load_full() {
            None => missing
                .push("no global configuration: is the registry reachable, is the anchor right?"),
            Some(conf) if conf.valid(grace, now).is_err() => {
                missing.push("the global configuration has expired: is the registry reachable?");
            }
            Some(conf) => {
                if let RulesState::Refused(fault) = conf.rules {
                    missing.push(refused(fault));
                }
            }
        }
        let keys = self.node.keys.load();
        if keys.authentication(now).is_none() {
            missing.push("no usable authentication certificate: is its OCSP responder reachable?");
        }
        if !keys.signers.values().any(|key| now < key.usable_until) {
            missing.push("no usable signing certificate: is its OCSP responder reachable?");
        }
        let lag_max = self.node.settings.timestamp_lag_seconds_max;
        if lag_max != 0 && stamping.lag_seconds(now) > lag_max {
            missing.push(
                "messages wait longer for their time stamps than timestamping.lag_seconds_max \
                 allows: is an approved time-stamping authority reachable?",
            );
        }
        missing
    }

    /// Records that were damaged when the log was opened.
    fn damage(&self) -> String {
        let mut text = String::new();
        let damages = &self.node.log.recovery().damages;
        if let Some(first) = damages.first() {
            let _infallible = writeln!(
                text,
                "degraded: the message log is damaged: {first}; places found at the start: {}; \
                 `karvan audit verify` names them all",
                damages.len()
            );
        }
        if let Some(orphans) = self.node.log.orphans().filter(|found| found.files > 0) {
            let _infallible = writeln!(
                text,
                "degraded: {} contents ({} bytes) that no record seems to name are kept: a record that \
                 cannot be read may name them, which `karvan audit verify` names; or the log was empty \
                 when the node started, and its records are elsewhere",
                orphans.files, orphans.bytes
            );
        }
        text
    }

    /// The message log and its tree, when they are not as they should be.
    fn log(&self) -> String {
        let mut text = String::new();
        if let Some(failure) = self.node.log.write_failure() {
            let what = if failure.is_disk_full() {
                "the disk is full: free some, the node goes on by itself"
            } else {
                "the disk fails: see the node's own log"
            };
            let _infallible = writeln!(
                text,
                "degraded: exchanges are refused, for messages cannot be logged; {what}"
            );
        }
        if let Some(failure) = self.node.log.tree().and_then(|tree| tree.failure()) {
            let _infallible = writeln!(
                text,
                "degraded: the transparency log does not grow: {failure}"
            );
        }
        for (name, state) in self.witnesses.load().iter() {
            match state {
                cosigning::State::NotAsked | cosigning::State::Cosigned { .. } => {}
                cosigning::State::Unreachable { .. }
                | cosigning::State::Refused { .. }
                | cosigning::State::Contradicted { .. }
                | cosigning::State::Ahead { .. } => {
                    let _infallible = writeln!(text, "degraded: witness {name} {state}");
                }
            }
        }
        text
    }

    /// Time-stamping, when it is not as it should be.
    fn remarks(&self, stamping: &State) -> String {
        let now = self.node.clock.now();
        let conf = self.node.conf.load_full();
        let snapshot = conf.as_ref().map(|conf| &conf.snapshot);
        let settings = &self.node.settings;
        let interval = settings.timestamping_interval_seconds(snapshot);
        let lag = stamping.lag_seconds(now);
        let late = lag > interval.saturating_mul(2);
        let mut text = clocks(stamping);
        if !stamping.complete {
            text.push_str(
                "degraded: the index of the message log is being made: how long messages wait for \
                 their time stamp is not known yet\n",
            );
        }
        if !late && stamping.last_failure.is_none() {
            return text;
        }
        let _infallible = write!(
            text,
            "degraded: {} messages wait for their time stamp, the oldest for {lag} s",
            stamping.waiting
        );
        if let Some((time, reason)) = &stamping.last_failure {
            let _infallible = write!(text, "; failed at {time:.0}: {reason}");
        }
        if let Some(time) = stamping.last_success {
            let _infallible = write!(text, "; last stamped at {time:.0}");
        }
        text.push('\n');
        for authority in &stamping.authorities {
            let _infallible = writeln!(text, "time-stamping authority {authority}");
        }
        text
    }
}

/// The clock of this server and that of the authority that stamped last, when they are far apart.
fn clocks(stamping: &State) -> String {
    match stamping.clock_offset_seconds {
        Some(offset) if offset.unsigned_abs() > CLOCK_OFFSET_SECONDS_MAX => {
            let seconds = offset.unsigned_abs();
            let ahead = if offset > 0 { "ahead of" } else { "behind" };
            format!(
                "degraded: the clock of the time-stamping authority is {seconds} s {ahead} this \
                 server's: one of them is wrong\n"
            )
        }
        Some(_) | None => String::new(),
    }
}

impl Handler for Health {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        let (status, text) = match request.uri().path() {
            "/healthz" => (StatusCode::OK, "ok\n".to_owned()),
            "/readyz" => {
                let stamping = self.stamper.state();
                let missing = self.missing(&stamping);
                let remarks = self.remarks(&stamping)
                    + &self.damage()
                    + &self.log()
                    + &rules(&self.node, &self.feed)
                    + &journal::remarks(&self.node, &self.journal).await
                    + &super::archive::remarks(&self.archive);
                if missing.is_empty() {
                    (StatusCode::OK, format!("ready\n{remarks}"))
                } else {
                    (
                        StatusCode::SERVICE_UNAVAILABLE,
                        format!("{}\n{remarks}", missing.join("\n")),
                    )
                }
            }
            _ => (
                StatusCode::NOT_FOUND,
                "only /healthz and /readyz\n".to_owned(),
            ),
        };
        let mut response = Response::new(gateway_net::full(text));
        *response.status_mut() = status;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
        response
    }
}

/// Which rules are in force, and how old what is known of consents and cases is.
pub(super) fn rules(node: &Node, feed_standing: &feed::Standing) -> String {
    let mut text = String::new();
    let conf = node.conf.load_full();
    let rules = match conf.as_ref().map(|conf| &conf.rules) {
        Some(RulesState::InForce(rules)) => rules.part(),
        Some(RulesState::Absent | RulesState::Refused(_)) | None => return text,
    };
    let _infallible = writeln!(text, "rules version {}", rules.version);
    for (address, problem) in feed_standing.load().iter() {
        let _infallible = writeln!(text, "degraded: the feed ({address}): {problem}");
    }
    if rules.consent.is_none() {
        return text;
    }
    let (number, as_of) = {
        let feed = node.feed.read();
        let feed = feed.unwrap_or_else(PoisonError::into_inner);
        (feed.number(), feed.as_of())
    };
    let age = as_of.map(|as_of| node.clock.now().duration_since(as_of).as_secs());
    let age_max = i64::try_from(rules.settings.feed_age_seconds_max).unwrap_or(i64::MAX);
    let _infallible = match age {
        None => writeln!(
            text,
            "degraded: exchanges that need a consent or an open case are refused: the feed was \
             not heard since the start (entry {number})"
        ),
        Some(age) if age > age_max => writeln!(
            text,
            "degraded: exchanges that need a consent or an open case are refused: the feed was \
             last heard {age} s ago (entry {number})"
        ),
        Some(age) => writeln!(text, "feed entry {number}, heard {} s ago", age.max(0)),
    };
    text
}

fn refused(fault: RulesFault) -> &'static str {
    match fault {
        RulesFault::Invalid => {
            "the registry's rules cannot be read: does this version of the node understand them?"
        }
        RulesFault::RolledBack => {
            "the registry's rules are older than those obeyed before: see the node's own log"
        }
        RulesFault::Tampered => {
            "the registry's rules do not follow those obeyed before: see the node's own log"
        }
        RulesFault::Missing => {
            "the registry's rules are gone, and stood here before: see the node's own log"
        }
    }
}

/// What clocks may differ by without a remark. Seconds.
const CLOCK_OFFSET_SECONDS_MAX: u64 = 300;

#[cfg(test)]
mod tests {
    use gateway_evidence::stamper::State;

    use super::clocks;

    #[test]
    fn says_when_the_clocks_are_far_apart() {
        let said = |offset| {
            clocks(&State {
                waiting: 0,
                oldest: None,
                stamped_until: 0,
                last_success: None,
                last_failure: None,
                clock_offset_seconds: offset,
                authorities: Vec::new(),
                complete: true,
            })
        };
        for offset in [None, Some(0), Some(300), Some(-300)] {
            assert_eq!(said(offset), "", "{offset:?}");
        }
        assert!(said(Some(301)).contains("is 301 s ahead of this server's"));
        assert!(said(Some(-7200)).contains("is 7200 s behind this server's"));
    }
}
