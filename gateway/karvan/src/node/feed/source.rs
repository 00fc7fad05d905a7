//! Where the feed is, what is shown there and by which key it is signed, as the rules say.

use std::time::Duration;

use gateway_net::ServerTrust;
use gateway_policy::rules::Rules;
use gateway_tlog::note::{self, Verifier};

/// The feed of the rules in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) instance: String,
    pub(super) key: Verifier,
    /// Each once.
    pub(super) urls: Vec<String>,
    /// SHA-256 of the TLS certificates shown there. A signature says whose the feed is; these keep
    /// it from being read by who stands between.
    certificates: Vec<[u8; 32]>,
    /// How long an address may hold its answer back while there is no news. Seconds.
    wait_seconds: u64,
}

impl Source {
    /// `None`: these rules name no consent service.
    pub(super) fn of(rules: &Rules) -> Option<Result<Self, note::Error>> {
        let part = rules.part();
        let service = part.consent.as_ref()?;
        let mut urls = service.feed_urls.clone();
        urls.sort();
        urls.dedup();
        // The rules were checked: each is one. None at all would let nobody be asked.
        let certificates = service.feed_certificates.iter().filter_map(|text| {
            let mut digest = [0; 32];
            hex::decode_to_slice(text, &mut digest).ok()?;
            Some(digest)
        });
        let certificates = certificates.collect();
        let source = Verifier::from_vkey(&service.feed_key).map(|key| Self {
            instance: part.instance.clone(),
            key,
            urls,
            certificates,
            // Heard of several times before it is too old.
            wait_seconds: part
                .settings
                .feed_age_seconds_max
                .div_euclid(4)
                .clamp(1, WAIT_SECONDS_MAX),
        });
        Some(source)
    }

    /// The address with the question; what the rules say is the whole address.
    pub(super) fn question(&self, url: &str, after: u64, may_wait: bool) -> String {
        let joint = if url.contains('?') { '&' } else { '?' };
        let wait = if may_wait { self.wait_seconds } else { 0 };
        format!("{url}{joint}after={after}&wait={wait}")
    }

    /// Who is believed to be the feed.
    pub(super) fn trust(&self) -> ServerTrust {
        ServerTrust::Digests(self.certificates.clone())
    }

    /// How long an address may be silent.
    pub(super) fn answer_timeout(&self) -> Duration {
        Duration::from_secs(self.wait_seconds).saturating_add(PATIENCE)
    }
}

/// A connection that died in silence is noticed when its answer is overdue, so questions are short.
const WAIT_SECONDS_MAX: u64 = 5;
const PATIENCE: Duration = Duration::from_secs(3);
