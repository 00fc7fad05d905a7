//! How certificates stand in rows and commands: as PEM; and how they are named. Older rows hold
//! base64 of their DER, which is read too.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs_x509::Certificate;
use serde::{Deserialize, Serialize};

/// The SHA-256 of a certificate in lower-case hex: names approved services in commands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a certificate.
    pub fn of(certificate: &Certificate) -> Self {
        let hash = certificate.sha256();
        Self(
            hash.as_bytes()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }

    /// From text: hex digits of either case, colons between bytes allowed.
    pub fn parse(text: &str) -> Option<Self> {
        let hex: String = text.chars().filter(|character| *character != ':').collect();
        let valid = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| Self(hex.to_ascii_lowercase()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is no SHA-256 in hex"))
    }
}

fn to_text(certificate: &Certificate) -> String {
    certificate.to_pem()
}

fn from_text<E: serde::de::Error>(text: &str) -> Result<Certificate, E> {
    if text.contains(PEM_BEGIN) {
        return Certificate::from_pem(text).map_err(E::custom);
    }
    let der = STANDARD.decode(text).map_err(E::custom)?;
    Certificate::from_der(&der).map_err(E::custom)
}

const PEM_BEGIN: &str = "-----BEGIN ";

pub(crate) mod certificate {
    use certs_x509::Certificate;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        certificate: &Certificate,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::to_text(certificate))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Certificate, D::Error> {
        super::from_text(&String::deserialize(deserializer)?)
    }
}

pub(crate) mod optional_certificate {
    use certs_x509::Certificate;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        certificate: &Option<Certificate>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        certificate
            .as_ref()
            .map(super::to_text)
            .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Certificate>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| super::from_text(&text)).transpose()
    }
}

pub(crate) mod certificates {
    use certs_x509::Certificate;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        certificates: &[Certificate],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(certificates.iter().map(super::to_text))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Certificate>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| super::from_text(text)).collect()
    }
}
