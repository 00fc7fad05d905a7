//! Making signatures.
//!
//! The document is written so that the parts that are signed stand there in canonical form already,
//! but for the namespace declarations of the root, which canonicalisation repeats at each apex: no
//! canonicalisation runs when signing. Everything that depends on the certificate alone is prepared
//! once, in [`SigningContext`].

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use certs_keys::{
    Digest, DigestAlgorithm, Hasher, SignatureAlgorithm, SigningKey, default_algorithm,
};
use certs_x509::{Certificate, ocsp};
use gateway_xml::escape_text;
use jiff::Timestamp;

use crate::encoding::base64;
use crate::names::{MESSAGE_URI, SIGNATURE_CHAIN_URI, SIGNATURE_RESULT_URI};
use crate::{Error, Parts, Seal, hashchain};

/// Whose key, with what the verifier will need, prepared for signing.
#[derive(Clone)]
pub struct SigningContext {
    key: Arc<dyn SigningKey>,
    certificate: Certificate,
    intermediates: Vec<Certificate>,
    ocsp_responses: Vec<ocsp::Response>,
    algorithm: SignatureAlgorithm,
    template: Arc<Template>,
}

/// What stays the same from signature to signature.
struct Template {
    /// Start of the signed information, up to the URI of the first reference.
    signed_info: String,
    /// Signed properties between the signing time and the format of the signed object.
    signing_certificate: String,
    /// The certificate, after the signature value.
    key_info: String,
    /// From the end of the signed properties to the end of the document.
    unsigned: String,
}

impl SigningContext {
    /// Prepares the signatures of one key.
    ///
    /// `intermediates`: the authorities between the certificate and its top one, neither included.
    /// `ocsp_responses`: that of the certificate first, then one per intermediate.
    ///
    /// # Errors
    ///
    /// When the key is not that of the certificate, the certificate is not for signing, there is no
    /// OCSP response, or a name of an issuer cannot stand in XML.
    pub fn new(
        key: Arc<dyn SigningKey>,
        certificate: Certificate,
        intermediates: Vec<Certificate>,
        ocsp_responses: Vec<ocsp::Response>,
    ) -> Result<Self, Error> {
        if key.public_key().spki_der() != certificate.public_key().spki_der() {
            return Err(Error::OtherKey);
        }
        if !certificate.is_signing().map_err(Error::Certificate)? {
            return Err(Error::NotASigningCertificate);
        }
        if ocsp_responses.is_empty() {
            return Err(Error::NoOcspResponse);
        }
        let algorithm = default_algorithm(key.public_key(), DIGEST);
        let template = Template::new(algorithm, &certificate, &intermediates, &ocsp_responses)?;
        let template = Arc::new(template);
        Ok(Self {
            key,
            certificate,
            intermediates,
            ocsp_responses,
            algorithm,
            template,
        })
    }

    /// The signing key.
    pub fn key(&self) -> &Arc<dyn SigningKey> {
        &self.key
    }

    /// The certificate of the key.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The authorities between the certificate and its top one.
    pub fn intermediates(&self) -> &[Certificate] {
        &self.intermediates
    }

    /// The OCSP responses that go into every signature.
    pub fn ocsp_responses(&self) -> &[ocsp::Response] {
        &self.ocsp_responses
    }
}

impl fmt::Debug for SigningContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningContext")
            .field("certificate", &self.certificate)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Signs one or several messages at once: one signature, a seal per message in their order.
///
/// One message without attachments gets a signature over itself; anything else gets one over the
/// result of a hash chain, with a chain per message (PR-MESSTRANSP, signature profile).
///
/// # Errors
///
/// When a digest is not of SHA-512 or the key refuses.
pub fn sign(
    context: &SigningContext,
    messages: &[Parts],
    now: Timestamp,
) -> Result<Vec<Seal>, Error> {
    // A chain declares one algorithm for parts and signature, and other servers hash parts with
    // SHA-512, so nothing else can be verified by them.
    let digests = messages
        .iter()
        .flat_map(|parts| parts.attachments.iter().chain([&parts.message]));
    if digests
        .into_iter()
        .any(|digest| digest.algorithm() != DIGEST)
    {
        return Err(Error::Unsignable {
            reason: "a digest is not of SHA-512",
        });
    }
    match messages {
        [] => Ok(Vec::new()),
        [
            Parts {
                message,
                attachments,
            },
        ] if attachments.is_empty() => {
            let signature = document(context, MESSAGE_URI, "text/xml", message, now)?;
            Ok(vec![Seal {
                signature,
                chain: None,
            }])
        }
        _ => {
            let (result, chains) = hashchain::build(messages, SIGNATURE_CHAIN_URI, MESSAGE_URI)?;
            let digest = Digest::of(DIGEST, &result);
            let media_type = "application/hash-chain-result";
            let signature = document(context, SIGNATURE_RESULT_URI, media_type, &digest, now)?;
            let seal = |chain| Seal {
                signature: signature.clone(),
                chain: Some((result.clone(), chain)),
            };
            Ok(chains.into_iter().map(seal).collect())
        }
    }
}

/// The signature document over one object.
fn document(
    context: &SigningContext,
    uri: &str,
    media_type: &str,
    digest: &Digest,
    now: Timestamp,
) -> Result<Bytes, Error> {
    let template = &*context.template;
    let properties = format!(
        " Id=\"signed-properties\"><xades:SignedSignatureProperties>\
         <xades:SigningTime>{now:.3}</xades:SigningTime>{}\
         <xades:SignedDataObjectProperties>\
         <xades:DataObjectFormat ObjectReference=\"#signature-reference-0\">\
         <xades:MimeType>{media_type}</xades:MimeType></xades:DataObjectFormat>\
         </xades:SignedDataObjectProperties></xades:SignedProperties>",
        template.signing_certificate,
    );
    let properties_digest = apex_digest("<xades:SignedProperties", &properties);
    let signed_info = format!(
        "{}{uri}\">{}{}</ds:DigestValue></ds:Reference>\
         <ds:Reference Id=\"signature-reference-1\" \
         Type=\"http://uri.etsi.org/01903#SignedProperties\" URI=\"#signed-properties\">\
         {}{}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        template.signed_info,
        digest_start(),
        base64(digest.as_bytes()),
        digest_start(),
        base64(properties_digest.as_bytes()),
    );
    let signed = apex_digest("<ds:SignedInfo", &signed_info);
    let value = context
        .key
        .sign(context.algorithm, &signed)
        .map_err(Error::Key)?
        .to_xmldsig();
    let value = base64(&value);

    let pieces = [
        DECLARATION,
        ROOT,
        NAMESPACES,
        "><ds:Signature Id=\"signature\"><ds:SignedInfo",
        &signed_info,
        "<ds:SignatureValue Id=\"signature-value\">",
        &value,
        "</ds:SignatureValue>",
        &template.key_info,
        "<ds:Object><xades:QualifyingProperties Target=\"#signature\"><xades:SignedProperties",
        &properties,
        &template.unsigned,
    ];
    Ok(Bytes::from(pieces.concat()))
}

/// The digest of an element as the apex of its canonical form: all namespaces of the root in scope
/// are declared in its start tag (Canonical XML 1.0, section 2.4).
fn apex_digest(start: &str, rest: &str) -> Digest {
    let mut hasher = Hasher::new(DIGEST);
    for piece in [start, NAMESPACES, rest] {
        hasher.update(piece.as_bytes());
    }
    hasher.finish()
}

impl Template {
    fn new(
        algorithm: SignatureAlgorithm,
        certificate: &Certificate,
        intermediates: &[Certificate],
        ocsp_responses: &[ocsp::Response],
    ) -> Result<Self, Error> {
        let Some(algorithm) = algorithm.uri() else {
            return Err(Error::Unsignable {
                reason: "the key has no algorithm for signatures",
            });
        };
        let signed_info = format!(
            "><ds:CanonicalizationMethod \
             Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\">\
             </ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{algorithm}\"></ds:SignatureMethod>\
             <ds:Reference Id=\"signature-reference-0\" URI=\"",
        );
        let signing_certificate = format!(
            "<xades:SigningCertificate><xades:Cert>{}</xades:Cert></xades:SigningCertificate>\
             <xades:SignaturePolicyIdentifier><xades:SignaturePolicyId><xades:SigPolicyId>\
             <xades:Identifier Qualifier=\"OIDAsURN\">urn:oid:1.3.6.1.4.1.3516.16.2\
             </xades:Identifier><xades:Description>Profile for High Performance Digital Signatures \
             (version 1.2)</xades:Description></xades:SigPolicyId><xades:SigPolicyHash>{}\
             {POLICY_DIGEST}</ds:DigestValue></xades:SigPolicyHash><xades:SigPolicyQualifiers>\
             <xades:SigPolicyQualifier><xades:SPURI>https://repo.cyber.ee/dsig-profile-1.2.pdf\
             </xades:SPURI></xades:SigPolicyQualifier></xades:SigPolicyQualifiers>\
             </xades:SignaturePolicyId></xades:SignaturePolicyIdentifier>\
             </xades:SignedSignatureProperties>",
            certificate_id(certificate)?,
            digest_start(),
        );
        let key_info = format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>\
             </ds:KeyInfo>",
            base64(certificate.der()),
        );
        let unsigned = format!(
            "<xades:UnsignedProperties><xades:UnsignedSignatureProperties>{}\
             <xades:RevocationValues><xades:OCSPValues>{}</xades:OCSPValues>\
             </xades:RevocationValues></xades:UnsignedSignatureProperties>\
             </xades:UnsignedProperties></xades:QualifyingProperties></ds:Object></ds:Signature>\
             </asic:XAdESSignatures>",
            certificate_values(intermediates)?,
            ocsp_values(ocsp_responses),
        );
        Ok(Self {
            signed_info,
            signing_certificate,
            key_info,
            unsigned,
        })
    }
}

/// `CompleteCertificateRefs` and `CertificateValues`; nothing when there is nothing to refer to.
fn certificate_values(intermediates: &[Certificate]) -> Result<String, Error> {
    if intermediates.is_empty() {
        return Ok(String::new());
    }
    let mut references = String::new();
    let mut values = String::new();
    for (number, certificate) in (1_u32..).zip(intermediates) {
        // No white space inside: other servers take the first and the last child as they come.
        references.push_str(&format!(
            "<xades:Cert URI=\"#encapsulated-cert-{number}\">{}</xades:Cert>",
            certificate_id(certificate)?,
        ));
        values.push_str(&format!(
            "<xades:EncapsulatedX509Certificate Id=\"encapsulated-cert-{number}\">{}\
             </xades:EncapsulatedX509Certificate>",
            base64(certificate.der()),
        ));
    }
    Ok(format!(
        "<xades:CompleteCertificateRefs Id=\"complete-certificate-refs\"><xades:CertRefs>\
         {references}</xades:CertRefs></xades:CompleteCertificateRefs>\
         <xades:CertificateValues>{values}</xades:CertificateValues>",
    ))
}

fn ocsp_values(responses: &[ocsp::Response]) -> String {
    (1_u32..)
        .zip(responses)
        .map(|(number, response)| {
            format!(
                "<xades:EncapsulatedOCSPValue Id=\"ocsp-response-{number}\">{}\
                 </xades:EncapsulatedOCSPValue>",
                base64(response.der()),
            )
        })
        .collect()
}

/// `CertDigest` and `IssuerSerial`.
fn certificate_id(certificate: &Certificate) -> Result<String, Error> {
    let issuer = certificate.issuer().rfc2253();
    // Tab, line feed and carriage return would be allowed, and survive; but no name has them.
    if issuer
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
    {
        return Err(Error::Unsignable {
            reason: "an issuer name that cannot stand in XML",
        });
    }
    Ok(format!(
        "<xades:CertDigest>{}{}</ds:DigestValue></xades:CertDigest><xades:IssuerSerial>\
         <ds:X509IssuerName>{}</ds:X509IssuerName><ds:X509SerialNumber>{}</ds:X509SerialNumber>\
         </xades:IssuerSerial>",
        digest_start(),
        base64(Digest::of(DIGEST, certificate.der()).as_bytes()),
        escape_text(&issuer),
        certificate.serial_decimal(),
    ))
}

/// `DigestMethod`, and `DigestValue` up to its content.
const fn digest_start() -> &'static str {
    "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha512\"></ds:DigestMethod>\
     <ds:DigestValue>"
}

const DIGEST: DigestAlgorithm = DigestAlgorithm::Sha512;
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>";
/// No white space behind it: some schema validators take the first node for the signature.
const ROOT: &str = "<asic:XAdESSignatures";
/// Sorted by prefix, as the canonical form wants them.
const NAMESPACES: &str = " xmlns:asic=\"http://uri.etsi.org/02918/v1.2.1#\" \
                          xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
                          xmlns:xades=\"http://uri.etsi.org/01903/v1.3.2#\" \
                          xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
/// Of the policy document, as the profile fixes it.
const POLICY_DIGEST: &str =
    "BuO0EDNfkxSVlUbxCzmQPzX1AUF1/xx9ytWHk3/6SAOePxQiniEfDYk+90QeYb3lWpV3Izhuz9fKaYyE+lTcXw==";
