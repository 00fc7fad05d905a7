//! shared-params.xml: what all nodes of an instance, and of its federation partners, know.

use std::collections::HashMap;

use certs_x509::Certificate;
use gateway_proto::id::{ClientId, GlobalGroupId, MemberId, ServerId};
use gateway_xml::Node;

use super::{Error, LeftOut, Version, schema, value};

/// The shared parameters of an instance.
#[derive(Clone, Debug, Default)]
pub struct SharedParams {
    /// The instance they describe.
    pub instance: String,
    /// Where the configuration can be had, from version 3 on.
    pub sources: Vec<ConfigurationSource>,
    /// Approved certification services.
    pub authorities: Vec<ApprovedAuthority>,
    /// Approved time-stamping services.
    pub timestampers: Vec<ApprovedTimestamper>,
    /// Members with their subsystems.
    pub members: Vec<Member>,
    /// Registered servers.
    pub servers: Vec<SecurityServer>,
    /// Global groups.
    pub groups: Vec<GlobalGroup>,
    /// Member classes of the instance.
    pub member_classes: Vec<MemberClass>,
    /// How old an OCSP response may be.
    pub ocsp_freshness_seconds: u64,
    /// What could not be read and was left out.
    pub left_out: Vec<LeftOut>,
}

/// One node of the registry, or a configuration proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationSource {
    /// Host name or IP address.
    pub address: String,
    /// Certificates of the keys that sign the internal configuration.
    pub internal_certificates: Vec<Certificate>,
    /// Certificates of the keys that sign the external configuration.
    pub external_certificates: Vec<Certificate>,
}

/// An approved certification service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedAuthority {
    /// Display name.
    pub name: String,
    /// Certificates of this service are for TLS authentication only, not for signatures.
    pub authentication_only: bool,
    /// The trust anchor; `None` when its certificate was left out.
    pub top: Option<Authority>,
    /// Authorities below it.
    pub intermediates: Vec<Authority>,
    /// The class name of the certificate profile.
    pub profile_class: String,
    /// The format new requests are made in, from version 6 on.
    pub default_csr_format: Option<CsrFormat>,
    /// Where certificates are ordered automatically, from version 3 on.
    pub acme: Option<AcmeServer>,
}

/// A certification authority with its OCSP responders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Its certificate.
    pub certificate: Certificate,
    /// Its responders.
    pub responders: Vec<OcspResponder>,
}

/// An OCSP responder of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspResponder {
    /// Where it answers.
    pub url: String,
    /// The certificate it signs with, when it is not the authority's.
    pub certificate: Option<Certificate>,
    /// Whether asking it costs money, from version 6 on.
    pub cost: Option<CostType>,
}

/// Whether using a trust service costs money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CostType {
    /// It is free.
    Free,
    /// It is paid for.
    Paid,
    /// Nobody said.
    Undefined,
}

/// The format of a certificate request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CsrFormat {
    /// Armoured text.
    Pem,
    /// Binary.
    Der,
}

/// An ACME server of a certification service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeServer {
    /// Its directory.
    pub directory_url: String,
    /// Addresses to open a firewall for, separated by commas.
    pub ip_address: Option<String>,
    /// The profile for authentication certificates, from version 4 on.
    pub authentication_profile_id: Option<String>,
    /// The profile for signing certificates, from version 4 on.
    pub signing_profile_id: Option<String>,
}

/// An approved time-stamping service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedTimestamper {
    /// Display name.
    pub name: String,
    /// Where it answers.
    pub url: String,
    /// The certificate it signs with.
    pub certificate: Certificate,
    /// Whether using it costs money, from version 6 on.
    pub cost: Option<CostType>,
}

/// A member of the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its identifier.
    pub id: MemberId,
    /// Its name.
    pub name: String,
    /// What its class is called.
    pub class_description: String,
    /// Its subsystems.
    pub subsystems: Vec<Subsystem>,
}

/// A subsystem of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subsystem {
    /// Its code.
    pub code: String,
    /// Its name, from version 5 on.
    pub name: Option<String>,
}

/// A registered server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityServer {
    /// Its identifier: the owner and the server code.
    pub id: ServerId,
    /// Host name or IP address, without port.
    pub address: Option<String>,
    /// Hashes of its authentication certificates: SHA-1 in version 2, SHA-256 above.
    pub auth_certificate_hashes: Vec<Vec<u8>>,
    /// Registered clients; the owner is one without being listed.
    pub clients: Vec<ClientId>,
    /// Set while the server is in maintenance, from version 5 on.
    pub maintenance: Option<Maintenance>,
}

/// A server's maintenance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// What its administrator says.
    pub message: Option<String>,
}

/// A global group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalGroup {
    /// Its identifier.
    pub id: GlobalGroupId,
    /// What it is for.
    pub description: String,
    /// Its members, of this and of other instances.
    pub members: Vec<ClientId>,
}

/// A member class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberClass {
    /// Its code.
    pub code: String,
    /// What it is called.
    pub description: String,
}

impl SharedParams {
    /// Reads shared-params.xml of a version, announced as of `instance`.
    ///
    /// # Errors
    /// When it is not what the schema of that version says, or of another instance.
    pub fn from_xml(bytes: &[u8], version: Version, instance: &str) -> Result<Self, Error> {
        let document = schema::SHARED.parse(bytes, version.number())?;
        let conf = document.root();
        let found = value::text(conf, "instanceIdentifier")?;
        super::check_instance(instance, &found)?;

        let mut reader = Reader {
            instance: found,
            clients: HashMap::new(),
            left_out: Vec::new(),
        };
        let sources = reader.each(conf, "source", Reader::source)?;
        let authorities = reader.each(conf, "approvedCA", Reader::approved_authority)?;
        let timestampers = reader.each(conf, "approvedTSA", Reader::timestamper)?;
        let members = reader.each(conf, "member", Reader::member)?;
        let servers = reader.each(conf, "securityServer", Reader::server)?;
        let groups = reader.each(conf, "globalGroup", Reader::group)?;
        let settings = value::required(conf, "globalSettings")?;
        Ok(Self {
            sources,
            authorities,
            timestampers: timestampers.into_iter().flatten().collect(),
            members,
            servers,
            groups,
            member_classes: reader.each(settings, "memberClass", Reader::member_class)?,
            ocsp_freshness_seconds: value::seconds(value::required(
                settings,
                "ocspFreshnessSeconds",
            )?)?,
            instance: reader.instance,
            left_out: reader.left_out,
        })
    }

    /// Writes shared-params.xml of a version, 5 or above: what older versions cannot say would be
    /// lost silently, and their certificate hashes differ.
    ///
    /// # Errors
    /// When the version is below 5, or a server's owner or client is no member or subsystem here.
    pub fn to_xml(&self, version: Version) -> Result<Vec<u8>, Error> {
        super::write::shared(self, version)
    }
}

/// Carries what reading one element needs from others.
struct Reader {
    instance: String,
    /// Members and subsystems by their `xs:ID`.
    clients: HashMap<String, ClientId>,
    left_out: Vec<LeftOut>,
}

impl Reader {
    fn each<T>(
        &mut self,
        parent: Node<'_>,
        name: &'static str,
        read: fn(&mut Self, Node<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        value::all(parent, name)
            .map(|node| read(self, node))
            .collect()
    }

    fn source(&mut self, node: Node<'_>) -> Result<ConfigurationSource, Error> {
        let address = value::text(node, "address")?;
        let place = format!("source {address:?}");
        Ok(ConfigurationSource {
            internal_certificates: self.certificates(node, "internalVerificationCert", &place)?,
            external_certificates: self.certificates(node, "externalVerificationCert", &place)?,
            address,
        })
    }

    fn approved_authority(&mut self, node: Node<'_>) -> Result<ApprovedAuthority, Error> {
        let name = value::text(node, "name")?;
        let place = format!("approvedCA {name:?}");
        let top = self.authority(value::required(node, "topCA")?, &place)?;
        let mut intermediates = Vec::new();
        for intermediate in value::all(node, "intermediateCA") {
            intermediates.extend(self.authority(intermediate, &place)?);
        }
        Ok(ApprovedAuthority {
            authentication_only: match node.child("", "authenticationOnly") {
                Some(flag) => value::boolean(flag)?,
                None => false,
            },
            top,
            intermediates,
            profile_class: value::text(node, "certificateProfileInfo")?
                .trim()
                .to_owned(),
            default_csr_format: value::optional_text(node, "defaultCsrFormat").map(|format| {
                if format == "DER" {
                    CsrFormat::Der
                } else {
                    CsrFormat::Pem
                }
            }),
            acme: node.child("", "acmeServer").map(acme_server).transpose()?,
            name,
        })
    }

    /// `None` when the certificate cannot be read: there is nothing to trust then.
    fn authority(&mut self, node: Node<'_>, place: &str) -> Result<Option<Authority>, Error> {
        let Some(certificate) = self.certificate(value::required(node, "cert")?, place)? else {
            return Ok(None);
        };
        let mut responders = Vec::new();
        for ocsp in value::all(node, "ocsp") {
            responders.push(OcspResponder {
                url: value::text(ocsp, "url")?,
                certificate: match ocsp.child("", "cert") {
                    Some(cert) => self.certificate(cert, place)?,
                    None => None,
                },
                cost: cost(ocsp),
            });
        }
        Ok(Some(Authority {
            certificate,
            responders,
        }))
    }

    fn timestamper(&mut self, node: Node<'_>) -> Result<Option<ApprovedTimestamper>, Error> {
        let name = value::text(node, "name")?;
        let place = format!("approvedTSA {name:?}");
        let certificate = self.certificate(value::required(node, "cert")?, &place)?;
        let url = value::text(node, "url")?;
        Ok(certificate.map(|certificate| ApprovedTimestamper {
            name,
            url,
            certificate,
            cost: cost(node),
        }))
    }

    fn member(&mut self, node: Node<'_>) -> Result<Member, Error> {
        let class = value::required(node, "memberClass")?;
        let id = MemberId::new(
            &self.instance,
            &value::text(class, "code")?,
            &value::text(node, "memberCode")?,
        )
        .map_err(|source| Error::Identifier {
            element: "member",
            source,
        })?;
        self.refer(node, ClientId::from(id.clone()))?;

        let mut subsystems = Vec::new();
        for subsystem in value::all(node, "subsystem") {
            let code = value::text(subsystem, "subsystemCode")?;
            let client =
                ClientId::new(id.clone(), Some(&code)).map_err(|source| Error::Identifier {
                    element: "subsystem",
                    source,
                })?;
            self.refer(subsystem, client)?;
            subsystems.push(Subsystem {
                code,
                name: value::optional_text(subsystem, "subsystemName"),
            });
        }
        Ok(Member {
            id,
            name: value::text(node, "name")?,
            class_description: value::text(class, "description")?,
            subsystems,
        })
    }

    /// Remembers the element's `id`, which servers refer to.
    fn refer(&mut self, node: Node<'_>, client: ClientId) -> Result<(), Error> {
        let Some(id) = node.attribute("", "id") else {
            return Ok(());
        };
        match self.clients.insert(id.trim().to_owned(), client) {
            None => Ok(()),
            Some(_) => Err(Error::DuplicateId { id: id.to_owned() }),
        }
    }

    fn server(&mut self, node: Node<'_>) -> Result<SecurityServer, Error> {
        let owner = self.referred(&value::text(node, "owner")?, "owner")?;
        if owner.subsystem().is_some() {
            return Err(Error::Reference {
                element: "owner",
                id: value::text(node, "owner")?,
            });
        }
        let id = ServerId::new(owner.member().clone(), &value::text(node, "serverCode")?).map_err(
            |source| Error::Identifier {
                element: "securityServer",
                source,
            },
        )?;
        Ok(SecurityServer {
            id,
            address: value::optional_text(node, "address"),
            auth_certificate_hashes: value::all(node, "authCertHash")
                .map(value::base64)
                .collect::<Result<_, _>>()?,
            clients: value::all(node, "client")
                .map(|client| self.referred(&client.text(), "client"))
                .collect::<Result<_, _>>()?,
            maintenance: node.child("", "inMaintenanceMode").map(|mode| Maintenance {
                message: value::optional_text(mode, "message"),
            }),
        })
    }

    fn referred(&self, id: &str, element: &'static str) -> Result<ClientId, Error> {
        self.clients
            .get(id.trim())
            .cloned()
            .ok_or_else(|| Error::Reference {
                element,
                id: id.to_owned(),
            })
    }

    fn group(&mut self, node: Node<'_>) -> Result<GlobalGroup, Error> {
        let id = GlobalGroupId::new(&self.instance, &value::text(node, "groupCode")?).map_err(
            |source| Error::Identifier {
                element: "globalGroup",
                source,
            },
        )?;
        let mut members = Vec::new();
        for member in value::all(node, "groupMember") {
            match value::client(member, "groupMember")? {
                Some(client) => members.push(client),
                None => self.left_out.push(LeftOut {
                    place: format!("globalGroup {:?}", id.code()),
                    reason: "a member of type SUBSYSTEM without a subsystem code".to_owned(),
                }),
            }
        }
        Ok(GlobalGroup {
            id,
            description: value::text(node, "description")?,
            members,
        })
    }

    fn member_class(&mut self, node: Node<'_>) -> Result<MemberClass, Error> {
        Ok(MemberClass {
            code: value::text(node, "code")?,
            description: value::text(node, "description")?,
        })
    }

    fn certificates(
        &mut self,
        node: Node<'_>,
        name: &'static str,
        place: &str,
    ) -> Result<Vec<Certificate>, Error> {
        let mut certificates = Vec::new();
        for cert in value::all(node, name) {
            certificates.extend(self.certificate(cert, place)?);
        }
        Ok(certificates)
    }

    fn certificate(&mut self, node: Node<'_>, place: &str) -> Result<Option<Certificate>, Error> {
        match value::certificate(node)? {
            Ok(certificate) => Ok(Some(certificate)),
            Err(error) => {
                self.left_out.push(LeftOut {
                    place: place.to_owned(),
                    reason: error.to_string(),
                });
                Ok(None)
            }
        }
    }
}

fn acme_server(node: Node<'_>) -> Result<AcmeServer, Error> {
    Ok(AcmeServer {
        directory_url: value::text(node, "directoryURL")?,
        ip_address: value::optional_text(node, "ipAddress"),
        authentication_profile_id: value::optional_text(node, "authenticationCertificateProfileId"),
        signing_profile_id: value::optional_text(node, "signingCertificateProfileId"),
    })
}

fn cost(node: Node<'_>) -> Option<CostType> {
    value::optional_text(node, "costType").map(|word| match word.as_str() {
        "FREE" => CostType::Free,
        "PAID" => CostType::Paid,
        _ => CostType::Undefined,
    })
}
