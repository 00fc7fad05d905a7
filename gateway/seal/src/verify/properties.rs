//! The elements of XAdES 1.3.2 (ETSI TS 101 903, section 7).

use certs_keys::{Digest, constant_time_eq};
use certs_x509::{Certificate, Memo, ocsp};
use gateway_xml::{Document, Node};
use jiff::Timestamp;

use super::{Rules, check_digest};
use crate::Error;
use crate::names::XADES;
use crate::structure::{digest_pair, octets, sequence};

/// `xades:QualifyingProperties`.
pub(super) struct QualifyingProperties<'d>(Node<'d>);

/// `xades:SignedProperties`.
pub(super) struct SignedProperties<'d> {
    node: Node<'d>,
    signature_properties: Option<Node<'d>>,
}

impl<'d> QualifyingProperties<'d> {
    pub(super) const fn new(node: Node<'d>) -> Self {
        Self(node)
    }

    /// The signed properties, which must speak of the signature of this identifier.
    pub(super) fn signed_properties(
        &self,
        signature_id: Option<&str>,
    ) -> Result<SignedProperties<'d>, Error> {
        let target = self
            .0
            .attribute("", "Target")
            .and_then(|target| target.strip_prefix('#'));
        if target.is_none() || target != signature_id {
            return Err("the properties are of another signature".into());
        }
        let mut children = sequence(self.0)?;
        let node = children.required(XADES, "SignedProperties", "no SignedProperties")?;
        let _unsigned = children.optional(XADES, "UnsignedProperties");
        children.finish()?;

        let mut children = sequence(node)?;
        let signature_properties = children.optional(XADES, "SignedSignatureProperties");
        let _objects = children.optional(XADES, "SignedDataObjectProperties");
        children.finish()?;
        if let Some(properties) = signature_properties {
            check_known(properties)?;
        }
        Ok(SignedProperties {
            node,
            signature_properties,
        })
    }

    /// The certificates that `CompleteCertificateRefs` refers to, each found by its identifier and
    /// of the digest stated.
    pub(super) fn extra_certificates(
        &self,
        document: &Document,
        memo: &Memo,
    ) -> Result<Vec<Certificate>, Error> {
        let wrong = |reason| Error::ExtraCertificate { reason };
        let references = self
            .unsigned()
            .and_then(|properties| properties.child(XADES, "CompleteCertificateRefs"))
            .and_then(|references| references.child(XADES, "CertRefs"));
        let mut certificates = Vec::new();
        let references = references.iter().flat_map(Node::children);
        for reference in references.filter(|child| child.is(XADES, "Cert")) {
            if certificates.len() >= CERTIFICATES_MAX {
                return Err(wrong("too many"));
            }
            let uri = reference
                .attribute("", "URI")
                .ok_or_else(|| wrong("a reference without a URI"))?;
            let id = uri
                .strip_prefix('#')
                .ok_or_else(|| wrong("a reference to something outside"))?;
            let value = document
                .by_id(id)?
                .filter(|node| node.local_name() == "EncapsulatedX509Certificate")
                .ok_or_else(|| wrong("not there"))?;
            let der = octets(value)?;
            let expected = certificate_digest(reference)?;
            if Digest::of(expected.algorithm(), &der) != expected {
                return Err(wrong("of another digest"));
            }
            certificates.push(memo.certificate(&der).map_err(Error::Certificate)?);
        }
        Ok(certificates)
    }

    /// At least one.
    pub(super) fn ocsp_responses(&self, memo: &Memo) -> Result<Vec<ocsp::Response>, Error> {
        let values = self
            .unsigned()
            .and_then(|properties| properties.child(XADES, "RevocationValues"))
            .and_then(|values| values.child(XADES, "OCSPValues"));
        let mut responses = Vec::new();
        let values = values.iter().flat_map(Node::children);
        for value in values.filter(|child| child.is(XADES, "EncapsulatedOCSPValue")) {
            if responses.len() >= CERTIFICATES_MAX {
                return Err("too many OCSP responses".into());
            }
            responses.push(
                memo.response(&octets(value)?)
                    .map_err(Error::OcspResponse)?,
            );
        }
        if responses.is_empty() {
            Err(Error::NoOcspResponse)
        } else {
            Ok(responses)
        }
    }

    /// Whether a time stamp can be put into the unsigned properties: the document has them once, and
    /// no time stamp.
    pub(super) fn take_time_stamp(&self, document: &'d Document) -> bool {
        let mut places = 0_usize;
        for node in document.root().descendants() {
            if node.is(XADES, "SignatureTimeStamp") {
                return false;
            }
            if node.is(XADES, "UnsignedSignatureProperties") {
                places = places.saturating_add(1);
            }
        }
        places == 1 && self.unsigned().is_some()
    }

    fn unsigned(&self) -> Option<Node<'d>> {
        self.0
            .child(XADES, "UnsignedProperties")?
            .child(XADES, "UnsignedSignatureProperties")
    }
}

impl<'d> SignedProperties<'d> {
    pub(super) const fn node(&self) -> Node<'d> {
        self.node
    }

    /// Where the signed properties name the signing certificate, it must be the one that was used
    /// (section 7.2.2: one of those named). Nothing else binds the certificate to the signature.
    pub(super) fn check_signing_certificate(
        &self,
        certificate: &Certificate,
        rules: Rules,
    ) -> Result<(), Error> {
        for name in ["SigningCertificate", "SigningCertificateV2"] {
            let Some(named) = self
                .signature_properties
                .and_then(|node| node.child(XADES, name))
            else {
                continue;
            };
            let mut matches = false;
            for reference in named.children().take(CERTIFICATES_MAX) {
                let digest = certificate_digest(reference)?;
                check_digest(digest.algorithm(), rules, "the signing certificate")?;
                let actual = Digest::of(digest.algorithm(), certificate.der());
                matches |= constant_time_eq(actual.as_bytes(), digest.as_bytes());
            }
            if !matches {
                return Err(Error::OtherCertificate);
            }
        }
        Ok(())
    }

    /// `None` also for a time without its zone, which is no point in time.
    pub(super) fn signing_time(&self) -> Option<Timestamp> {
        let node = self.signature_properties?.child(XADES, "SigningTime")?;
        node.content().trim().parse().ok()
    }
}

/// The signature's own signed properties: each of those known, at most once.
fn check_known(properties: Node<'_>) -> Result<(), Error> {
    if properties.has_text() {
        return Err("text between elements".into());
    }
    let mut seen = Vec::new();
    for child in properties.children() {
        let name = child.local_name();
        if child.namespace() != XADES || !SIGNATURE_PROPERTIES.contains(&name) {
            return Err("an unknown signed property".into());
        }
        if seen.contains(&name) {
            return Err("a signed property twice".into());
        }
        seen.push(name);
    }
    Ok(())
}

/// The `xades:CertDigest` of a `xades:Cert`.
fn certificate_digest(reference: Node<'_>) -> Result<Digest, Error> {
    if !reference.is(XADES, "Cert") {
        return Err("an unknown reference to a certificate".into());
    }
    let digest = reference
        .child(XADES, "CertDigest")
        .ok_or("a certificate without a digest")?;
    let mut children = sequence(digest)?;
    let pair = digest_pair(&mut children)?;
    children.finish()?;
    Ok(pair)
}

const SIGNATURE_PROPERTIES: [&str; 8] = [
    "SigningTime",
    "SigningCertificate",
    "SigningCertificateV2",
    "SignaturePolicyIdentifier",
    "SignatureProductionPlace",
    "SignatureProductionPlaceV2",
    "SignerRole",
    "SignerRoleV2",
];
/// Further certificates, or OCSP responses: no path is that long.
const CERTIFICATES_MAX: usize = 30;
