//! The two manifests of a container (ETSI TS 102 918, sections 6.1 and 6.2; OpenDocument 1.2,
//! part 3). Nothing depends on them: no verifier of these containers reads them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs_keys::{Digest, DigestAlgorithm};

use crate::make::{
    MEDIA_TYPE, MESSAGE, SIGNATURE_CHAIN, SIGNATURE_RESULT, STAMP_CHAIN, STAMP_RESULT, Signed,
    Stamped, TOKEN, attachment,
};

/// `META-INF/manifest.xml`: the files outside of `META-INF`. The order is that of other nodes.
pub(crate) fn open_document(signed: &Signed, attachments: usize) -> String {
    let is_signed_in_batch = signed.chain.is_some();
    let is_stamped_in_batch = matches!(signed.stamp, Stamped::Batch { .. });
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\" \
         manifest:version=\"1.2\">\n",
    );
    let mut push = |media_type: &str, path: &str| {
        xml.push_str(&format!(
            "    <manifest:file-entry manifest:media-type=\"{media_type}\" \
             manifest:full-path=\"{path}\"/>\n"
        ));
    };
    push(MEDIA_TYPE, "/");
    for (is_there, name) in [
        (is_signed_in_batch, SIGNATURE_CHAIN),
        (true, MESSAGE),
        (is_stamped_in_batch, STAMP_RESULT),
        (is_signed_in_batch, SIGNATURE_RESULT),
        (is_stamped_in_batch, STAMP_CHAIN),
    ] {
        if is_there {
            push("text/xml", name);
        }
    }
    for index in 0..attachments {
        push("application/octet-stream", &attachment(index));
    }
    xml.push_str("</manifest:manifest>\n");
    xml
}

/// `META-INF/ASiCManifest.xml`: what the time stamp is over. Always SHA-512.
pub(crate) fn time_stamped(result: &[u8]) -> String {
    let algorithm = DigestAlgorithm::Sha512;
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <asic:ASiCManifest xmlns:asic=\"http://uri.etsi.org/2918/v1.2.1#\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n\
         <asic:SigReference URI=\"{TOKEN}\" MimeType=\"vnd.etsi.timestamp-token\"/>\n\
         <asic:DataObjectReference URI=\"{STAMP_RESULT}\" MimeType=\"text/xml\">\n\
         <ds:DigestMethod Algorithm=\"{}\" />\n\
         <ds:DigestValue>{}</ds:DigestValue>\n\
         </asic:DataObjectReference>\n\
         </asic:ASiCManifest>",
        algorithm.uri(),
        STANDARD.encode(Digest::of(algorithm, result).as_bytes()),
    )
}
