//! Where a configuration may be had, in which order to ask, and in which version.

use certs_x509::Certificate;

use crate::params::{ConfigurationSource, SharedParams, Version};
use crate::{Anchor, Source};

/// A location with the certificates that count there, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The address of the signed directory.
    pub url: String,
    /// The certificates of the keys that may sign it.
    pub certificates: Vec<Certificate>,
}

/// The locations to try, in order: sources of the shared parameters we already hold, then those of
/// the anchor; within each first all `https`, then all `http`; each group shuffled by `seed`; and
/// before all the one that served us last. New signing keys and new registry nodes thus arrive
/// through the configuration itself, and the anchor stays as the way back.
pub fn candidates(
    anchor: &Anchor,
    stored: Option<&SharedParams>,
    last_good: Option<&str>,
    seed: u64,
) -> Vec<Location> {
    let mut random = Shuffle(seed);
    let mut locations = Vec::new();
    if let (Some(shared), Some(directory)) = (stored, directory_name(anchor))
        && shared.instance == anchor.instance
    {
        let sources = shared.sources.iter();
        let at = |scheme: &str, source: &ConfigurationSource| Location {
            url: format!("{scheme}://{}/{directory}", source.address.trim()),
            certificates: certificates(source, directory),
        };
        let https = sources.clone().map(|source| at("https", source)).collect();
        let http = sources.map(|source| at("http", source)).collect();
        locations.extend(random.shuffled(https));
        locations.extend(random.shuffled(http));
    }
    let (https, http) = twins(&anchor.sources);
    locations.extend(random.shuffled(https));
    locations.extend(random.shuffled(http));

    locations.retain(|location| !location.certificates.is_empty());
    if let Some(last_good) = last_good {
        // Stable: the order of the others stays.
        locations.sort_by_key(|location| location.url != last_good);
    }
    locations
}

/// The name of the directory that the anchor's addresses end in, `internalconf` for instance.
fn directory_name(anchor: &Anchor) -> Option<&str> {
    anchor.sources.iter().find_map(|source| {
        let (_, rest) = source.download_url.split_once("://")?;
        let (_, path) = rest.split_once('/')?;
        let path = path.split(['?', '#']).next()?.trim_end_matches('/');
        (!path.is_empty()).then_some(path)
    })
}

/// Which keys of a source count depends on what is asked for; of another name both kinds do.
fn certificates(source: &ConfigurationSource, directory: &str) -> Vec<Certificate> {
    let internal = source.internal_certificates.iter();
    let external = source.external_certificates.iter();
    match directory {
        "internalconf" => internal.cloned().collect(),
        "externalconf" => external.cloned().collect(),
        _ => internal.chain(external).cloned().collect(),
    }
}

/// Every address with both schemes. An anchor that names only `https` works with us too.
fn twins(sources: &[Source]) -> (Vec<Location>, Vec<Location>) {
    let mut https: Vec<Location> = Vec::new();
    let mut http: Vec<Location> = Vec::new();
    for source in sources {
        let Some((scheme, rest)) = source.download_url.split_once("://") else {
            continue;
        };
        let add = |group: &mut Vec<Location>, scheme: &str| {
            let url = format!("{scheme}://{rest}");
            match group.iter_mut().find(|location| location.url == url) {
                Some(location) => {
                    for certificate in &source.verification_certificates {
                        if !location.certificates.contains(certificate) {
                            location.certificates.push(certificate.clone());
                        }
                    }
                }
                None => group.push(Location {
                    url,
                    certificates: source.verification_certificates.clone(),
                }),
            }
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {
                add(&mut https, "https");
                add(&mut http, "http");
            }
            "https" => add(&mut https, "https"),
            _ => {}
        }
    }
    (https, http)
}

/// Finds the newest version a location serves: ask for 6, then lower, as long as the answer is
/// "not found". An address that names a version itself is taken as it is.
#[derive(Clone, Debug)]
pub struct Negotiation {
    url: String,
    version: Option<u8>,
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The body is the directory.
    Take,
    /// Ask for [`Negotiation::url`] again: it is an older version now.
    TryOlder,
    /// This location cannot serve us.
    GiveUp,
}

impl Negotiation {
    /// Begins with the newest version.
    pub fn new(location: &Location) -> Self {
        let query = location.url.split_once('?').map(|(_, query)| query);
        let named = query.is_some_and(|query| {
            query
                .split('&')
                .any(|pair| pair.split('=').next() == Some("version"))
        });
        let version = (!named).then_some(Version::CURRENT.number());
        Self {
            url: location.url.clone(),
            version,
        }
    }

    /// What to ask for now.
    pub fn url(&self) -> String {
        let joint = if self.url.contains('?') { '&' } else { '?' };
        match self.version {
            Some(version) => format!("{}{joint}version={version}", self.url),
            None => self.url.clone(),
        }
    }

    /// What an HTTP status means.
    pub fn answered(&mut self, status: u16) -> Step {
        match (status, self.version) {
            (200..=299, _) => Step::Take,
            (404, Some(version)) if version > Version::OLDEST.number() => {
                self.version = version.checked_sub(1);
                Step::TryOlder
            }
            _ => Step::GiveUp,
        }
    }
}

/// A small generator: the order spreads load, nothing depends on its being unpredictable.
struct Shuffle(u64);

impl Shuffle {
    fn shuffled<T>(&mut self, mut items: Vec<T>) -> Vec<T> {
        for last in (1..items.len()).rev() {
            let bound = u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
            let at = self
                .next()
                .checked_rem(bound)
                .and_then(|at| usize::try_from(at).ok());
            items.swap(last, at.unwrap_or(last));
        }
        items
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
