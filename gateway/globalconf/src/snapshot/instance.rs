//! One instance with its look-ups, and how it is read from its folder.

use std::collections::{BTreeMap, HashMap, HashSet};

use certs_x509::profile::Profile;
use certs_x509::{Certificate, Name};
use gateway_proto::id::{ClientId, GlobalGroupId, MemberId, ServerId};
use jiff::Timestamp;

use super::{Issuer, Reason, Responder, Server, Timestamper};
use crate::Error;
use crate::disk::{self, Metadata};
use crate::params::{self, ApprovedAuthority, Authority, PrivateParams, SharedParams, Version};

/// An instance, indexed.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) shared: SharedParams,
    pub(super) version: Version,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) timestampers: Vec<Timestamper>,
    servers: HashMap<ServerId, Server>,
    by_client: HashMap<ClientId, Vec<Server>>,
    /// Authorities by subject. More than one when a certificate was renewed under the same name.
    issuers: HashMap<Name, Vec<Issuer>>,
    groups: HashMap<GlobalGroupId, HashSet<ClientId>>,
    member_names: HashMap<MemberId, String>,
}

impl Instance {
    fn new(shared: SharedParams, version: Version, expires_at: Option<Timestamp>) -> Self {
        let mut servers = HashMap::new();
        let mut by_client: HashMap<ClientId, Vec<Server>> = HashMap::new();
        for registered in &shared.servers {
            let server = Server {
                id: registered.id.clone(),
                address: registered
                    .address
                    .clone()
                    .unwrap_or_default()
                    .trim()
                    .to_owned(),
                maintenance: registered
                    .maintenance
                    .as_ref()
                    .map(|maintenance| maintenance.message.clone().unwrap_or_default()),
            };
            let owner = ClientId::from(registered.id.owner().clone());
            let clients: HashSet<&ClientId> = registered
                .clients
                .iter()
                .chain(std::iter::once(&owner))
                .collect();
            for client in clients {
                by_client
                    .entry(client.clone())
                    .or_default()
                    .push(server.clone());
            }
            servers.insert(server.id.clone(), server);
        }
        Self {
            timestampers: shared
                .timestampers
                .iter()
                .map(|approved| Timestamper {
                    name: approved.name.clone(),
                    url: approved.url.trim().to_owned(),
                    certificate: approved.certificate.clone(),
                })
                .collect(),
            servers,
            by_client,
            issuers: issuers(&shared.authorities),
            groups: shared
                .groups
                .iter()
                .map(|group| (group.id.clone(), group.members.iter().cloned().collect()))
                .collect(),
            member_names: shared
                .members
                .iter()
                .map(|member| (member.id.clone(), member.name.clone()))
                .collect(),
            shared,
            version,
            expires_at,
        }
    }

    pub(super) fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        self.issuers.values().flatten()
    }

    pub(super) fn servers_of(&self, client: &ClientId) -> &[Server] {
        self.by_client.get(client).map_or(&[], Vec::as_slice)
    }

    pub(super) fn server(&self, id: &ServerId) -> Option<&Server> {
        self.servers.get(id)
    }

    /// Among several of the same name the one whose key signed the certificate, else the last.
    pub(super) fn issuer(&self, certificate: &Certificate) -> Option<&Issuer> {
        let named = self.issuers.get(certificate.issuer())?;
        match named.as_slice() {
            [only] => Some(only),
            several => several
                .iter()
                .find(|issuer| certificate.is_signed_by(&issuer.certificate))
                .or_else(|| several.last()),
        }
    }

    pub(super) fn is_in_group(&self, client: &ClientId, group: &GlobalGroupId) -> bool {
        self.groups
            .get(group)
            .is_some_and(|members| members.contains(client))
    }

    pub(super) fn member_name(&self, member: &MemberId) -> Option<&str> {
        self.member_names.get(member).map(String::as_str)
    }
}

/// Authorities by subject; of the same certificate listed twice the later entry counts.
fn issuers(authorities: &[ApprovedAuthority]) -> HashMap<Name, Vec<Issuer>> {
    let mut issuers: HashMap<Name, Vec<Issuer>> = HashMap::new();
    for approved in authorities {
        let top = approved.top.iter().map(|authority| (authority, true));
        let below = approved
            .intermediates
            .iter()
            .map(|authority| (authority, false));
        for (authority, is_top) in top.chain(below) {
            let issuer = issuer(approved, authority, is_top);
            let named = issuers
                .entry(issuer.certificate.subject().clone())
                .or_default();
            named.retain(|other| other.certificate != issuer.certificate);
            named.push(issuer);
        }
    }
    issuers
}

fn issuer(approved: &ApprovedAuthority, authority: &Authority, is_top: bool) -> Issuer {
    let responders: Vec<Responder> = authority
        .responders
        .iter()
        .map(|responder| Responder {
            url: responder.url.trim().to_owned(),
            certificate: responder.certificate.clone(),
        })
        .collect();
    Issuer {
        certificate: authority.certificate.clone(),
        profile: Profile::from_class_name(&approved.profile_class),
        profile_class: approved.profile_class.clone(),
        responder_certificates: responders
            .iter()
            .filter_map(|responder| responder.certificate.clone())
            .collect(),
        responders,
        authentication_only: approved.authentication_only,
        is_top,
    }
}

/// The files of one folder, by name.
#[derive(Debug, Default)]
pub(super) struct Folder<'a> {
    path: &'a str,
    files: BTreeMap<&'a str, &'a [u8]>,
}

/// Files one level down, by folder. What lies elsewhere is not ours.
pub(super) fn folders(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<&str, Folder<'_>> {
    let mut folders: BTreeMap<&str, Folder<'_>> = BTreeMap::new();
    for (path, bytes) in files {
        if let Some((folder, name)) = path.split_once('/')
            && !name.contains('/')
        {
            let entry = folders.entry(folder).or_default();
            entry.path = folder;
            entry.files.insert(name, bytes);
        }
    }
    folders
}

impl Folder<'_> {
    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    /// A part with its metadata; no metadata is the same as empty metadata.
    fn part(&self, name: &str) -> Result<Option<(&[u8], Metadata)>, Error> {
        let Some(bytes) = self.files.get(name) else {
            return Ok(None);
        };
        let metadata = format!("{name}{}", disk::METADATA_SUFFIX);
        let metadata = match self.files.get(metadata.as_str()) {
            Some(json) => Metadata::from_json(json, &self.path(&metadata))?,
            None => Metadata::default(),
        };
        Ok(Some((bytes, metadata)))
    }

    /// An optional part, or what its absence means.
    pub(super) fn optional<T: Default>(
        &self,
        name: &str,
        read: fn(&[u8]) -> Result<T, params::Error>,
    ) -> Result<T, Error> {
        match self.files.get(name) {
            Some(bytes) => read(bytes).map_err(|source| Error::Part {
                part: self.path(name),
                source,
            }),
            None => Ok(T::default()),
        }
    }
}

/// The shared parameters of an instance, when its folder holds any.
pub(super) fn read_shared(folder: &Folder<'_>, instance: &str) -> Result<Option<Instance>, Error> {
    let Some((bytes, metadata)) = folder.part(disk::SHARED_PARAMS)? else {
        return Ok(None);
    };
    let read = || {
        let version = metadata.version()?;
        let shared = SharedParams::from_xml(bytes, version, instance)?;
        Ok(Instance::new(shared, version, metadata.expiration_date))
    };
    let part = || folder.path(disk::SHARED_PARAMS);
    read().map(Some).map_err(|source| Error::Part {
        part: part(),
        source,
    })
}

/// The private parameters of an instance with their expiry, when its folder holds any.
pub(super) fn read_private(
    folder: &Folder<'_>,
    instance: &str,
) -> Result<Option<(PrivateParams, Option<Timestamp>)>, Error> {
    let Some((bytes, metadata)) = folder.part(disk::PRIVATE_PARAMS)? else {
        return Ok(None);
    };
    let part = || folder.path(disk::PRIVATE_PARAMS);
    let read = || PrivateParams::from_xml(bytes, metadata.version()?, instance);
    let private = read().map_err(|source| Error::Part {
        part: part(),
        source,
    })?;
    Ok(Some((private, metadata.expiration_date)))
}

/// The instance of a partner: shared parameters only, and only while they have not expired.
pub(super) fn read_partner(
    name: &str,
    folder: &Folder<'_>,
    now: Timestamp,
) -> Result<Instance, Reason> {
    let unusable = || disk::Error::UnusableName {
        name: name.to_owned(),
    };
    let instance = disk::instance_of(name)
        .filter(|instance| disk::folder(instance).is_ok_and(|folder| folder == name))
        .ok_or_else(|| Reason::Malformed(unusable().into()))?;
    let read = read_shared(folder, &instance).map_err(Reason::Malformed)?;
    let read = read.ok_or(Reason::NoSharedParameters)?;
    match read.expires_at {
        Some(expires_at) if now > expires_at => Err(Reason::Outdated { expires_at }),
        Some(_) | None => Ok(read),
    }
}
