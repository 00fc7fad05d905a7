//! One verified configuration of all instances, and what is looked up in it.

mod instance;

use std::collections::{BTreeMap, HashMap};

use certs_keys::DigestAlgorithm;
use certs_x509::profile::Profile;
use certs_x509::{Certificate, ocsp};
use gateway_proto::id::{ClientId, GlobalGroupId, MemberId, ServerId};
use jiff::Timestamp;

use crate::params::{FetchInterval, Monitoring, NextUpdate, PrivateParams, SharedParams, Version};
use crate::{Error, disk};
use instance::Instance;

/// One verified configuration of all instances, immutable; shared as `Arc`.
///
/// The own instance stays readable after its expiry: whether messages may still pass is the
/// caller's decision ([`Snapshot::expires_at`]). Expired instances of partners are left out.
#[derive(Debug)]
pub struct Snapshot {
    own: String,
    expires_at: Option<Timestamp>,
    private: Option<PrivateParams>,
    fetch_interval: FetchInterval,
    next_update: NextUpdate,
    monitoring: Monitoring,
    rules: Option<Vec<u8>>,
    instances: BTreeMap<String, Instance>,
    /// Servers by the hash of an authentication certificate, own instance first.
    by_auth_hash: HashMap<(DigestAlgorithm, Vec<u8>), Vec<ServerId>>,
    /// Certificates a responder id may mean: responders of all instances, then all authorities.
    ocsp_candidates: Vec<Certificate>,
    ignored: Vec<Ignored>,
}

/// A registered server, with what routing needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its identifier.
    pub id: ServerId,
    /// Host name or IP address as registered, unchecked; empty when none is.
    pub address: String,
    /// The message of its administrator while it is in maintenance; may be empty.
    pub maintenance: Option<String>,
}

/// An approved certification authority.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Its certificate.
    pub certificate: Certificate,
    /// The profile of certificates under it; `None`: a class we do not know, so that the member
    /// a signing certificate names cannot be told.
    pub profile: Option<Profile>,
    /// The class name of that profile.
    pub profile_class: String,
    /// Its OCSP responders.
    pub responders: Vec<Responder>,
    /// The certificates among them, which are authorised to answer for this authority.
    pub responder_certificates: Vec<Certificate>,
    /// It is approved for TLS authentication, not for signatures.
    pub authentication_only: bool,
    /// It is the trust anchor of its certification service.
    pub is_top: bool,
}

/// An OCSP responder.
#[derive(Clone, Debug)]
pub struct Responder {
    /// Where it answers.
    pub url: String,
    /// The certificate it signs with, when it is not the authority's.
    pub certificate: Option<Certificate>,
}

/// An approved time-stamping service.
#[derive(Clone, Debug)]
pub struct Timestamper {
    /// Display name.
    pub name: String,
    /// Where it answers.
    pub url: String,
    /// The certificate it signs with.
    pub certificate: Certificate,
}

/// An instance of a partner that was not taken into the snapshot.
#[derive(Debug)]
pub struct Ignored {
    /// Its folder.
    pub folder: String,
    /// Why.
    pub reason: Reason,
}

/// Why an instance of a partner was not taken into the snapshot.
#[derive(Debug)]
pub enum Reason {
    /// It has expired.
    Outdated {
        /// When.
        expires_at: Timestamp,
    },
    /// The folder holds no shared parameters.
    NoSharedParameters,
    /// It cannot be read.
    Malformed(Error),
}

impl Snapshot {
    /// From the files of the layout in [`disk`]. Expired instances of partners, and those that
    /// cannot be read, are left out and named in [`Snapshot::ignored`].
    ///
    /// # Errors
    /// When the own instance is not named or there are no folders, or when a part of the own
    /// instance is missing or cannot be read.
    pub fn from_files(files: &BTreeMap<String, Vec<u8>>, now: Timestamp) -> Result<Self, Error> {
        let own = own_instance(files)?;
        let folders = instance::folders(files);
        if folders.is_empty() {
            return Err(disk::Error::Empty.into());
        }
        let own_folder = disk::folder(&own)?;
        let own_files =
            folders
                .get(own_folder.as_str())
                .ok_or_else(|| disk::Error::MissingOwnInstance {
                    instance: own.clone(),
                })?;

        let mut snapshot = Self {
            expires_at: None,
            private: None,
            fetch_interval: FetchInterval::default(),
            next_update: NextUpdate::default(),
            monitoring: Monitoring::default(),
            rules: None,
            instances: BTreeMap::new(),
            by_auth_hash: HashMap::new(),
            ocsp_candidates: Vec::new(),
            ignored: Vec::new(),
            own,
        };
        snapshot.read_own(own_files)?;
        for (folder, files) in folders.iter().filter(|(folder, _)| **folder != own_folder) {
            match instance::read_partner(folder, files, now) {
                Ok(instance) => {
                    snapshot
                        .instances
                        .insert(instance.shared.instance.clone(), instance);
                }
                Err(reason) => {
                    snapshot.ignored.push(Ignored {
                        folder: (*folder).to_owned(),
                        reason,
                    });
                }
            }
        }
        snapshot.index();
        Ok(snapshot)
    }

    fn read_own(&mut self, files: &instance::Folder<'_>) -> Result<(), Error> {
        let shared = instance::read_shared(files, &self.own)?.ok_or_else(|| {
            disk::Error::MissingOwnInstance {
                instance: self.own.clone(),
            }
        })?;
        self.expires_at = shared.expires_at;
        if let Some((private, expires_at)) = instance::read_private(files, &self.own)? {
            self.expires_at = self.expires_at.into_iter().chain(expires_at).min();
            self.private = Some(private);
        }
        self.fetch_interval =
            files.optional(disk::FETCH_INTERVAL_PARAMS, FetchInterval::from_xml)?;
        self.next_update = files.optional(disk::NEXT_UPDATE_PARAMS, NextUpdate::from_xml)?;
        self.monitoring = files.optional(disk::MONITORING_PARAMS, Monitoring::from_xml)?;
        self.rules = files.optional(disk::RULES, |bytes| Ok(Some(bytes.to_vec())))?;
        self.instances.insert(self.own.clone(), shared);
        Ok(())
    }

    /// Fills the look-ups that span instances; the own one comes first.
    fn index(&mut self) {
        let own = self.instances.get(&self.own);
        let partners = self.instances.iter().filter(|(name, _)| **name != self.own);
        let ordered: Vec<&Instance> = own.into_iter().chain(partners.map(|(_, i)| i)).collect();

        let mut by_auth_hash: HashMap<_, Vec<ServerId>> = HashMap::new();
        for instance in &ordered {
            let algorithm = auth_hash_algorithm(instance.version);
            for server in &instance.shared.servers {
                for hash in &server.auth_certificate_hashes {
                    by_auth_hash
                        .entry((algorithm, hash.clone()))
                        .or_default()
                        .push(server.id.clone());
                }
            }
        }
        let issuers = || ordered.iter().flat_map(|instance| instance.issuers());
        let mut candidates: Vec<Certificate> = Vec::new();
        let responders = issuers().flat_map(|issuer| &issuer.responder_certificates);
        let authorities = issuers().map(|issuer| &issuer.certificate);
        let mut seen = std::collections::HashSet::new();
        for certificate in responders.chain(authorities) {
            if seen.insert(certificate.der()) {
                candidates.push(certificate.clone());
            }
        }
        drop(seen);
        self.ocsp_candidates = candidates;
        self.by_auth_hash = by_auth_hash;
    }

    /// The own instance.
    pub fn instance(&self) -> &str {
        &self.own
    }

    /// The earliest expiry of the own private and shared parameters; `None`: never.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The earliest expiry of a partner's shared parameters: read the files again by then.
    pub fn partners_expire_at(&self) -> Option<Timestamp> {
        let partners = self.instances.iter().filter(|(name, _)| **name != self.own);
        partners
            .filter_map(|(_, instance)| instance.expires_at)
            .min()
    }

    /// The instance is known here.
    pub fn has_instance(&self, instance: &str) -> bool {
        self.instances.contains_key(instance)
    }

    /// All known instances.
    pub fn instances(&self) -> impl Iterator<Item = &str> {
        self.instances.keys().map(String::as_str)
    }

    /// What was left out, and why.
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// The shared parameters of an instance as they were read.
    pub fn shared(&self, instance: &str) -> Option<&SharedParams> {
        self.instances
            .get(instance)
            .map(|instance| &instance.shared)
    }

    /// The private parameters of the own instance, when there are any.
    pub fn private(&self) -> Option<&PrivateParams> {
        self.private.as_ref()
    }

    /// Servers where exactly this client is owner or registered client, in any order.
    pub fn servers_of(&self, client: &ClientId) -> &[Server] {
        self.instances
            .get(client.instance())
            .map_or(&[], |instance| instance.servers_of(client))
    }

    /// A registered server.
    pub fn server(&self, id: &ServerId) -> Option<&Server> {
        self.instances.get(id.owner().instance())?.server(id)
    }

    /// The server an authentication certificate is registered for.
    pub fn server_by_auth_certificate(&self, certificate: &Certificate) -> Option<&ServerId> {
        self.servers_by_auth_certificate(certificate).next()
    }

    /// The certificate is registered for some server on which exactly this client is.
    pub fn auth_certificate_matches(&self, certificate: &Certificate, client: &ClientId) -> bool {
        let servers = self.servers_of(client);
        self.servers_by_auth_certificate(certificate)
            .any(|id| servers.iter().any(|server| server.id == *id))
    }

    /// SHA-256 for all versions but 2, which registers SHA-1 (PR-GCONF, annex of version 2).
    fn servers_by_auth_certificate(
        &self,
        certificate: &Certificate,
    ) -> impl Iterator<Item = &ServerId> {
        [certificate.sha256(), certificate.sha1()]
            .into_iter()
            .flat_map(|hash| {
                let key = (hash.algorithm(), hash.as_bytes().to_vec());
                self.by_auth_hash.get(&key).into_iter().flatten()
            })
    }

    /// The authority of that instance, top or intermediate, whose subject is the certificate's
    /// issuer. No signature is checked here.
    pub fn issuer(&self, instance: &str, certificate: &Certificate) -> Option<&Issuer> {
        self.instances.get(instance)?.issuer(certificate)
    }

    /// The same in any instance, the own one first.
    pub fn issuer_anywhere(&self, certificate: &Certificate) -> Option<&Issuer> {
        self.issuer(&self.own, certificate).or_else(|| {
            self.instances
                .values()
                .find_map(|instance| instance.issuer(certificate))
        })
    }

    /// Intermediate authorities from the certificate up, without the top one: what a server sends
    /// in a TLS handshake beside its certificate.
    pub fn intermediates(&self, instance: &str, certificate: &Certificate) -> Vec<Certificate> {
        let mut path: Vec<Certificate> = Vec::new();
        let mut current = certificate;
        while let Some(issuer) = self.issuer(instance, current) {
            let next = &issuer.certificate;
            if path.len() >= PATH_CERTIFICATES_MAX || path.contains(next) {
                break;
            }
            path.push(next.clone());
            if next.subject() == next.issuer() {
                break;
            }
            current = next;
        }
        path.pop();
        path
    }

    /// How OCSP responses for certificates of this issuer are judged: freshness and the nextUpdate
    /// rule are those of the own instance, also for partners' certificates.
    pub fn ocsp_policy<'a>(&'a self, issuer: &'a Issuer) -> ocsp::Policy<'a> {
        ocsp::Policy {
            responders: &issuer.responder_certificates,
            candidates: &self.ocsp_candidates,
            freshness_seconds: self.ocsp_freshness_seconds(),
            verify_next_update: self.next_update.verify,
        }
    }

    /// How old an OCSP response may be, by the own instance.
    pub fn ocsp_freshness_seconds(&self) -> u64 {
        self.shared(&self.own)
            .map_or(0, |shared| shared.ocsp_freshness_seconds)
    }

    /// How often OCSP responses are fetched.
    pub fn ocsp_fetch_interval_seconds(&self) -> u64 {
        self.fetch_interval.seconds
    }

    /// Certificates of all approved authorities of all instances: whose names a server asks TLS
    /// clients for.
    pub fn authorities(&self) -> impl Iterator<Item = &Certificate> {
        self.instances
            .values()
            .flat_map(Instance::issuers)
            .map(|issuer| &issuer.certificate)
    }

    /// The client is in that global group.
    pub fn is_in_global_group(&self, client: &ClientId, group: &GlobalGroupId) -> bool {
        self.instances
            .get(group.instance())
            .is_some_and(|instance| instance.is_in_group(client, group))
    }

    /// The name of a member.
    pub fn member_name(&self, member: &MemberId) -> Option<&str> {
        self.instances.get(member.instance())?.member_name(member)
    }

    /// Time-stamping services of the own instance.
    pub fn timestampers(&self) -> &[Timestamper] {
        self.instances
            .get(&self.own)
            .map_or(&[], |instance| &instance.timestampers)
    }

    /// Certificates of the time-stamping services of all instances: whose tokens are believed in
    /// what partners logged.
    pub fn timestamper_certificates(&self) -> Vec<Certificate> {
        let all = self
            .instances
            .values()
            .flat_map(|instance| &instance.timestampers);
        all.map(|timestamper| timestamper.certificate.clone())
            .collect()
    }

    /// How often the log is time-stamped.
    pub fn timestamping_interval_seconds(&self) -> u64 {
        self.private
            .as_ref()
            .map_or(TIMESTAMPING_INTERVAL_SECONDS, |private| {
                private.timestamping_interval_seconds
            })
    }

    /// The octets of the optional part KARVAN-RULES; `None`: the registry publishes none.
    pub fn rules(&self) -> Option<&[u8]> {
        self.rules.as_deref()
    }

    /// The client that may query the monitoring of every node.
    pub fn monitoring_client(&self) -> Option<&ClientId> {
        self.monitoring.client.as_ref()
    }
}

fn own_instance(files: &BTreeMap<String, Vec<u8>>) -> Result<String, disk::Error> {
    let bytes = files
        .get(disk::INSTANCE_IDENTIFIER)
        .ok_or(disk::Error::MissingIdentifier)?;
    let text = std::str::from_utf8(bytes)
        .map_err(|_| disk::Error::MalformedIdentifier)?
        .trim();
    match text.is_empty() || text.chars().any(char::is_control) {
        true => Err(disk::Error::MalformedIdentifier),
        false => Ok(text.to_owned()),
    }
}

fn auth_hash_algorithm(version: Version) -> DigestAlgorithm {
    match version == Version::OLDEST {
        true => DigestAlgorithm::Sha1,
        false => DigestAlgorithm::Sha256,
    }
}

/// Longer paths of authorities do not occur; a circle of them must end somewhere.
const PATH_CERTIFICATES_MAX: usize = 10;
/// What registries set by default.
const TIMESTAMPING_INTERVAL_SECONDS: u64 = 60;

#[cfg(test)]
mod tests;
