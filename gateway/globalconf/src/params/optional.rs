//! The optional parts a registry may add, and what their absence means.

use gateway_proto::id::ClientId;

use super::{Error, schema, value};

/// fetchinterval-params.xml: how often OCSP responses are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchInterval {
    /// The interval.
    pub seconds: u64,
}

/// nextupdate-params.xml: whether nextUpdate of OCSP responses is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextUpdate {
    /// It is.
    pub verify: bool,
}

/// monitoring-params.xml: who may query the monitoring of every node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Monitoring {
    /// That client.
    pub client: Option<ClientId>,
}

impl Default for FetchInterval {
    fn default() -> Self {
        Self { seconds: 1200 }
    }
}

impl Default for NextUpdate {
    fn default() -> Self {
        Self { verify: true }
    }
}

impl FetchInterval {
    /// Reads the part.
    ///
    /// # Errors
    /// When it is not what its schema says.
    pub fn from_xml(bytes: &[u8]) -> Result<Self, Error> {
        let document = schema::FETCH_INTERVAL.parse(bytes, 2)?;
        let interval = value::required(document.root(), "ocspFetchInterval")?;
        Ok(Self {
            seconds: value::seconds(interval)?,
        })
    }

    /// Writes the part.
    pub fn to_xml(&self) -> Vec<u8> {
        super::write::optional("ocspFetchInterval", &self.seconds.to_string())
    }
}

impl NextUpdate {
    /// Reads the part.
    ///
    /// # Errors
    /// When it is not what its schema says.
    pub fn from_xml(bytes: &[u8]) -> Result<Self, Error> {
        let document = schema::NEXT_UPDATE.parse(bytes, 2)?;
        let verify = value::required(document.root(), "verifyNextUpdate")?;
        Ok(Self {
            verify: value::boolean(verify)?,
        })
    }

    /// Writes the part.
    pub fn to_xml(&self) -> Vec<u8> {
        super::write::optional("verifyNextUpdate", &self.verify.to_string())
    }
}

impl Monitoring {
    /// Reads the part.
    ///
    /// # Errors
    /// When it is not what its schema says.
    pub fn from_xml(bytes: &[u8]) -> Result<Self, Error> {
        let document = schema::MONITORING.parse(bytes, 2)?;
        let client = value::required(document.root(), "monitoringClient")?;
        let name = "monitoringClientId";
        let client = client
            .child("", name)
            .map(|id| value::client(id, name))
            .transpose()?;
        Ok(Self {
            client: client.flatten(),
        })
    }
}
