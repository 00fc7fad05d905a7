//! private-params.xml: what only the nodes of the own instance are told.

use certs_x509::Certificate;
use gateway_proto::id::ClientId;

use super::{Error, LeftOut, Version, schema, value};
use crate::{Anchor, anchor};

/// The private parameters of the own instance.
#[derive(Clone, Debug)]
pub struct PrivateParams {
    /// The own instance.
    pub instance: String,
    /// Anchors of the instances the registry trusts.
    pub trusted_anchors: Vec<Anchor>,
    /// Where servers register themselves and their clients.
    pub management_service: ManagementService,
    /// How often the log is time-stamped.
    pub timestamping_interval_seconds: u64,
    /// What could not be read and was left out.
    pub left_out: Vec<LeftOut>,
}

/// The registry's management services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagementService {
    /// Where authentication certificates are registered.
    pub registration_address: String,
    /// The TLS certificate of that address, pinned by equality.
    pub registration_certificate: Option<Certificate>,
    /// The client that provides the management services.
    pub provider: ClientId,
}

impl PrivateParams {
    /// Reads private-params.xml of a version, announced as of `instance`.
    ///
    /// # Errors
    /// When it is not what the schema of that version says, or of another instance.
    pub fn from_xml(bytes: &[u8], version: Version, instance: &str) -> Result<Self, Error> {
        let document = schema::PRIVATE.parse(bytes, version.number())?;
        let conf = document.root();
        let found = value::text(conf, "instanceIdentifier")?;
        super::check_instance(instance, &found)?;

        let mut left_out = Vec::new();
        let trusted_anchors = value::all(conf, "configurationAnchor")
            .map(|node| anchor::read(node, &mut left_out))
            .collect::<Result<_, _>>()?;
        let service = value::required(conf, "managementService")?;
        let provider = "managementRequestServiceProviderId";
        Ok(Self {
            instance: found,
            trusted_anchors,
            management_service: ManagementService {
                registration_address: value::text(service, "authCertRegServiceAddress")?,
                // Pinned by equality: one that cannot be read must not turn into "none pinned".
                registration_certificate: service
                    .child("", "authCertRegServiceCert")
                    .map(value::certificate)
                    .transpose()?
                    .transpose()
                    .map_err(|source| Error::Certificate {
                        element: "authCertRegServiceCert",
                        source,
                    })?,
                provider: value::client(value::required(service, provider)?, provider)?.ok_or(
                    Error::Value {
                        element: provider.to_owned(),
                        expected: "a client identifier",
                    },
                )?,
            },
            timestamping_interval_seconds: value::seconds(value::required(
                conf,
                "timeStampingIntervalSeconds",
            )?)?,
            left_out,
        })
    }

    /// Writes private-params.xml; versions 3 to 6 share its form.
    pub fn to_xml(&self) -> Vec<u8> {
        super::write::private(self)
    }
}
