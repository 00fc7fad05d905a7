//! The configuration anchor: where a configuration is downloaded and who signs it (PR-GCONF 2.2).

use certs_x509::Certificate;
use gateway_xml::Node;
use jiff::Timestamp;

use crate::Error;
use crate::params::{self, LeftOut, schema, value};

/// A configuration anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The instance whose configuration the sources serve.
    pub instance: String,
    /// When the anchor was made.
    pub generated_at: Option<Timestamp>,
    /// Where the configuration is served; one that every reader can use has an `http://` source
    /// first, since some derive the `https://` address from it and drop all others.
    pub sources: Vec<Source>,
}

/// One location of a configuration, with the certificates of the keys that sign it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The address of the signed directory, usually without `version`.
    pub download_url: String,
    /// Certificates as containers of public keys: neither their issuer nor their validity matters.
    pub verification_certificates: Vec<Certificate>,
}

impl Anchor {
    /// Reads an anchor file.
    ///
    /// # Errors
    /// When it is not what its schema says, or a certificate in it cannot be read.
    pub fn from_xml(bytes: &[u8]) -> Result<Self, Error> {
        let read = || {
            let document = schema::ANCHOR.parse(bytes, params::Version::OLDEST.number())?;
            let mut left_out = Vec::new();
            let anchor = read(document.root(), &mut left_out)?;
            match left_out.is_empty() {
                true => Ok(anchor),
                false => Err(params::Error::Value {
                    element: "verificationCert".to_owned(),
                    expected: "a certificate",
                }),
            }
        };
        read().map_err(Error::Anchor)
    }

    /// Writes an anchor file.
    pub fn to_xml(&self) -> Vec<u8> {
        params::write::anchor(self)
    }
}

/// Reads an anchor whose structure was checked, from a file or from private parameters.
pub(crate) fn read(node: Node<'_>, left_out: &mut Vec<LeftOut>) -> Result<Anchor, params::Error> {
    let instance = value::text(node, "instanceIdentifier")?;
    let mut sources = Vec::new();
    for source in value::all(node, "source") {
        let mut verification_certificates = Vec::new();
        for certificate in value::all(source, "verificationCert") {
            match value::certificate(certificate)? {
                Ok(certificate) => verification_certificates.push(certificate),
                Err(error) => left_out.push(LeftOut {
                    place: format!("configurationAnchor {instance:?}"),
                    reason: error.to_string(),
                }),
            }
        }
        let download_url = value::text(source, "downloadURL")?.trim().to_owned();
        sources.push(Source {
            download_url,
            verification_certificates,
        });
    }
    Ok(Anchor {
        generated_at: generated_at(node)?,
        instance,
        sources,
    })
}

/// `xs:dateTime`: with a zone, or without one, which is read as UTC.
fn generated_at(node: Node<'_>) -> Result<Option<Timestamp>, params::Error> {
    let Some(element) = node.child("", "generatedAt") else {
        return Ok(None);
    };
    let text = element.text();
    let text = text.trim();
    text.parse()
        .or_else(|_| format!("{text}Z").parse())
        .map(Some)
        .map_err(|_| value::wrong(element, "a date and time"))
}
