//! Writing a signed directory, octet for octet as a registry does (PR-GCONF 2.3 to 2.5).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs_keys::{Digest, DigestAlgorithm, SigningKey, default_algorithm};
use certs_x509::Certificate;
use jiff::Timestamp;

use super::Error;
use crate::params::Version;

/// What a directory announces.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The version its parts are written in.
    pub version: Version,
    /// Until when it may be used; written in whole seconds.
    pub expires_at: Timestamp,
    /// Its parts.
    pub parts: Vec<Part>,
}

/// One announced part.
#[derive(Clone, Debug)]
pub struct Part {
    /// The content identifier.
    pub identifier: String,
    /// The instance it is of.
    pub instance: String,
    /// Its path on the server, from `/`.
    pub location: String,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// The two MIME boundaries of a directory.
#[derive(Clone, Debug)]
pub struct Boundaries {
    outer: String,
    inner: String,
}

impl Boundaries {
    /// Two boundaries of 20 letters from random octets, never the same.
    pub fn new(random: [u8; 40]) -> Self {
        let letter = |octet: &u8| char::from(b'a'.saturating_add(octet % 26));
        let mut letters = random.iter().map(letter);
        let outer = std::iter::once('o')
            .chain(letters.by_ref().take(19))
            .collect();
        Self {
            outer,
            inner: std::iter::once('i').chain(letters.take(19)).collect(),
        }
    }
}

impl Part {
    /// Announces bytes, by their SHA-512.
    pub fn new(identifier: &str, instance: &str, location: &str, bytes: &[u8]) -> Self {
        Self {
            identifier: identifier.to_owned(),
            instance: instance.to_owned(),
            location: location.to_owned(),
            digest: Digest::of(DigestAlgorithm::Sha512, bytes),
        }
    }
}

impl Directory {
    /// Writes and signs the directory: SHA-512, PKCS#1 v1.5 for RSA keys, ECDSA in DER for others.
    ///
    /// # Errors
    /// When a value cannot stand in a header, or the key cannot sign.
    pub fn sign(
        &self,
        key: &dyn SigningKey,
        certificate: &Certificate,
        boundaries: &Boundaries,
    ) -> Result<Vec<u8>, Error> {
        let signed = self.signed_octets(boundaries)?;
        let algorithm = default_algorithm(key.public_key(), DigestAlgorithm::Sha512);
        let uri = algorithm.uri().ok_or(Error::Unwritable {
            what: "the signature algorithm",
        })?;
        let digest = Digest::of(algorithm.digest(), &signed);
        let signature = key.sign(algorithm, &digest).map_err(Error::Signing)?;
        let certificate_hash = Digest::of(DigestAlgorithm::Sha512, certificate.der());

        let Boundaries { outer, inner } = boundaries;
        let mut out = format!(
            "Content-Type: multipart/related; charset=UTF-8; boundary={outer}\r\n\r\n\
             --{outer}\r\n\
             Content-Type: multipart/mixed; charset=UTF-8; boundary={inner}\r\n\r\n"
        )
        .into_bytes();
        out.extend_from_slice(&signed);
        let tail = format!(
            "\r\n--{outer}\r\n\
             Content-Type: application/octet-stream\r\n\
             Content-Transfer-Encoding: base64\r\n\
             Signature-Algorithm-Id: {uri}\r\n\
             Verification-certificate-hash: {}; hash-algorithm-id=\"{}\"\r\n\r\n\
             {}\r\n\
             --{outer}--\r\n",
            STANDARD.encode(certificate_hash.as_bytes()),
            DigestAlgorithm::Sha512.uri(),
            STANDARD.encode(signature.to_der()),
        );
        out.extend_from_slice(tail.as_bytes());
        Ok(out)
    }

    /// The octets that are signed: from the first inner delimiter to the line end after the last.
    pub(super) fn signed_octets(&self, boundaries: &Boundaries) -> Result<Vec<u8>, Error> {
        let inner = &boundaries.inner;
        let expires_at = self.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ");
        let mut out = format!(
            "--{inner}\r\nExpire-date: {expires_at}\r\nVersion: {}\r\n\r\n",
            self.version.number()
        );
        for part in &self.parts {
            out.push_str(&format!(
                "--{inner}\r\n\
                 Content-type: application/octet-stream\r\n\
                 Content-transfer-encoding: base64\r\n\
                 Content-identifier: {}; instance={}\r\n\
                 Content-location: {}\r\n\
                 Hash-algorithm-id: {}\r\n\r\n\
                 {}\r\n",
                header_safe(&part.identifier, "the content identifier")?,
                quoted(&part.instance)?,
                header_safe(&part.location, "the location of a part")?,
                part.digest.algorithm().uri(),
                STANDARD.encode(part.digest.as_bytes()),
            ));
        }
        out.push_str(&format!("--{inner}--\r\n"));
        Ok(out.into_bytes())
    }
}

/// Single quotes as registries write them; readers that take them for ordinary characters would
/// cut the value at a semicolon, so one that holds such gets double quotes.
fn quoted(instance: &str) -> Result<String, Error> {
    let instance = header_safe(instance, "the instance identifier")?;
    match instance.contains([';', '\'', '"', '\\']) {
        false => Ok(format!("'{instance}'")),
        true => Ok(format!(
            "\"{}\"",
            instance.replace('\\', "\\\\").replace('"', "\\\"")
        )),
    }
}

fn header_safe<'a>(text: &'a str, what: &'static str) -> Result<&'a str, Error> {
    match text.chars().any(char::is_control) || text.trim() != text || text.is_empty() {
        true => Err(Error::Unwritable { what }),
        false => Ok(text),
    }
}
