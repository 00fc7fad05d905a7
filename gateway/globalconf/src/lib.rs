//! Signed global configuration (global-configuration.md): anchor, directory, parts of versions 2–6, snapshot and look-ups by value. Pure.

use certs_keys::Digest;
use certs_x509::{Certificate, ocsp, profile::Profile};
use gateway_proto::id::*;
use jiff::Timestamp;
use std::collections::BTreeMap;

#[derive(Debug)]
pub enum Error { Todo }

/// Anchor XML (§2): read and written.
#[derive(Clone, Debug)]
pub struct Anchor { pub instance: String, pub generated_at: Option<Timestamp>, pub sources: Vec<Source> }
#[derive(Clone, Debug)]
pub struct Source { pub download_url: String, pub verification_certificates: Vec<Certificate> }
impl Anchor { pub fn from_xml(bytes: &[u8]) -> Result<Self, Error> { todo!() } pub fn to_xml(&self) -> Vec<u8> { todo!() } }

/// Signed directory (§5–§6): verify first, then read; write and sign.
pub mod directory { /* verify(bytes, &[Certificate], now) -> VerifiedDirectory { version, expire_date, parts: Vec<PartEntry{ identifier, instance, location, hash: Digest, file_name }>} ; PartEntry::check(bytes)->VerifiedPart ; build+sign */ }
/// shared-params.xml and private-params.xml as values; readers v2–v6, writers v5 and v6.
pub mod params {}
/// The on-disk layout of §9 as relative path → bytes (files are read and replaced by the caller).
pub mod disk {}

/// One verified configuration of all instances, immutable; shared as `Arc`.
#[derive(Debug)]
pub struct Snapshot { _p: () }

/// One registered server, with what routing needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server { pub id: ServerId, pub address: String, pub maintenance: Option<String> }

impl Snapshot {
    /// From the files of §9; refuses with a reason (missing identifier, empty directory, …).
    pub fn from_files(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, Error> { todo!() }
    pub fn instance(&self) -> &str { todo!() }
    /// Earliest expiry of own private and shared params (§8); `None`: never.
    pub fn expires_at(&self) -> Option<Timestamp> { todo!() }
    pub fn has_instance(&self, instance: &str) -> bool { todo!() }
    /// Servers where exactly this client is owner or registered client, any order (transport.md §3).
    pub fn servers_of(&self, client: &ClientId) -> &[Server] { todo!() }
    pub fn server(&self, id: &ServerId) -> Option<&Server> { todo!() }
    /// The server an authentication certificate is registered for.
    pub fn server_by_auth_certificate(&self, certificate: &Certificate) -> Option<&ServerId> { todo!() }
    /// The certificate is registered for some server on which exactly this client is (pki.md §4.5).
    pub fn auth_certificate_matches(&self, certificate: &Certificate, client: &ClientId) -> bool { todo!() }
    /// The CA certificate of that instance (top or intermediate) whose subject is the certificate's issuer.
    pub fn issuer(&self, instance: &str, certificate: &Certificate) -> Option<&Issuer> { todo!() }
    /// In any instance, first hit.
    pub fn issuer_anywhere(&self, certificate: &Certificate) -> Option<&Issuer> { todo!() }
    /// Intermediates from the certificate up, without the top CA (pki.md §4.3 row 3).
    pub fn intermediates(&self, instance: &str, certificate: &Certificate) -> Vec<Certificate> { todo!() }
    /// OCSP policy for certificates of this issuer: responders, candidates, freshness, nextUpdate rule of the own instance.
    pub fn ocsp_policy<'a>(&'a self, issuer: &'a Issuer) -> ocsp::Policy<'a> { todo!() }
    pub fn is_in_global_group(&self, client: &ClientId, group: &GlobalGroupId) -> bool { todo!() }
    pub fn member_name(&self, member: &MemberId) -> Option<&str> { todo!() }
    pub fn timestampers(&self) -> &[Timestamper] { todo!() }
    pub fn timestamping_interval_seconds(&self) -> u64 { todo!() }
}
#[derive(Clone, Debug)]
pub struct Issuer { pub certificate: Certificate, pub profile: Profile, pub responders: Vec<Responder>, pub authentication_only: bool, pub is_top: bool }
#[derive(Clone, Debug)]
pub struct Responder { pub url: String, pub certificate: Option<Certificate> }
#[derive(Clone, Debug)]
pub struct Timestamper { pub name: String, pub url: String, pub certificate: Certificate }
