//! How certificates stand in stored rows: base64 of their DER; and how they are named.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs_x509::Certificate;
use serde::{Deserialize, Serialize};

/// The SHA-256 of a certificate in lower-case hex: names approved services in commands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
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

fn to_text(certificate: &Certificate) -> String {
    STANDARD.encode(certificate.der())
}

fn from_text<E: serde::de::Error>(text: &str) -> Result<Certificate, E> {
    let der = STANDARD.decode(text).map_err(E::custom)?;
    Certificate::from_der(&der).map_err(E::custom)
}

pub(super) mod certificate {
    use certs_x509::Certificate;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::state) fn serialize<S: Serializer>(
        certificate: &Certificate,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::to_text(certificate))
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Certificate, D::Error> {
        super::from_text(&String::deserialize(deserializer)?)
    }
}

pub(super) mod optional_certificate {
    use certs_x509::Certificate;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::state) fn serialize<S: Serializer>(
        certificate: &Option<Certificate>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        certificate
            .as_ref()
            .map(super::to_text)
            .serialize(serializer)
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Certificate>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| super::from_text(&text)).transpose()
    }
}

pub(super) mod certificates {
    use certs_x509::Certificate;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::state) fn serialize<S: Serializer>(
        certificates: &[Certificate],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(certificates.iter().map(super::to_text))
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Certificate>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| super::from_text(text)).collect()
    }
}
