//! Containers from a message, its signature and its time stamp.

use std::fmt;
use std::io::{Read, Write};

use bytes::Bytes;
use jiff::Timestamp;

use crate::zip::{Options, Writer};
use crate::{Error, manifest, stamping};

/// All that a container holds, attachments apart.
#[derive(Clone)]
pub struct Signed {
    /// The SOAP envelope or the REST block, as signed.
    pub message: Bytes,
    /// The signature document as logged, without a time stamp.
    pub signature: Bytes,
    /// `(result, chain)` of a batch signature.
    pub chain: Option<(Bytes, Bytes)>,
    /// The time stamp over the signature.
    pub stamp: Stamped,
    /// When the record was logged: the time of every entry.
    pub time: Timestamp,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the message: it may be personal.
        f.debug_struct("Signed")
            .field("message_bytes", &self.message.len())
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// A time stamp over a signature.
#[derive(Clone, Debug)]
pub enum Stamped {
    /// Over the signature value: goes into the signature.
    Single {
        /// The DER of the token.
        token: Bytes,
    },
    /// Over the result of a hash chain of signatures.
    Batch {
        /// The DER of the token.
        token: Bytes,
        /// What the token is over.
        result: Bytes,
        /// The chain from the signature document to the result.
        chain: Bytes,
    },
}

/// An attachment: how many octets, and where they come from.
pub type Attachment<'a> = (u64, Box<dyn Read + 'a>);

/// Writes a container and returns its length. The same input gives the same octets.
///
/// Entries and their order are those of other nodes; the first is the media type, compressed like
/// all others, and the last are the attachments.
///
/// # Errors
///
/// When the output cannot be written, an attachment cannot be read or is not of its length, or the
/// signature has no place for the time stamp.
pub fn write(
    signed: &Signed,
    attachments: &mut dyn Iterator<Item = Attachment<'_>>,
    out: impl Write,
) -> Result<u64, Error> {
    // How many there are stands in front of them.
    let attachments: Vec<_> = attachments.collect();
    let signature = match &signed.stamp {
        Stamped::Single { token } => stamping::embed(&signed.signature, token)?,
        Stamped::Batch { .. } => signed.signature.clone(),
    };
    let time = signed.time;
    let mut zip = Writer::new(out, Options::container());
    zip.file(MEDIA_TYPE_FILE, time, MEDIA_TYPE.as_bytes())?;
    zip.file(MESSAGE, time, &signed.message)?;
    zip.file(SIGNATURE, time, &signature)?;
    if let Some((result, chain)) = &signed.chain {
        zip.file(SIGNATURE_RESULT, time, result)?;
        zip.file(SIGNATURE_CHAIN, time, chain)?;
    }
    if let Stamped::Batch { result, chain, .. } = &signed.stamp {
        zip.file(STAMP_RESULT, time, result)?;
        zip.file(STAMP_CHAIN, time, chain)?;
    }
    let listed = manifest::open_document(signed, attachments.len());
    zip.file(MANIFEST, time, listed.as_bytes())?;
    if let Stamped::Batch { token, result, .. } = &signed.stamp {
        let stamped = manifest::time_stamped(result);
        zip.file(ASIC_MANIFEST, time, stamped.as_bytes())?;
        zip.file(TOKEN, time, token)?;
    }
    for (index, (expected, content)) in attachments.into_iter().enumerate() {
        // One more shows that there is more, without reading all of it.
        let mut content = content.take(expected.saturating_add(1));
        let actual = zip.stream(&attachment(index), time, &mut content)?;
        if actual != expected {
            return Err(Error::AttachmentLength {
                number: index.saturating_add(1),
                expected,
                actual,
            });
        }
    }
    let (_, bytes) = zip.finish()?;
    Ok(bytes)
}

/// The name of the attachment with this index, the first being 0.
pub(crate) fn attachment(index: usize) -> String {
    format!("attachment{}", index.saturating_add(1))
}

pub(crate) const MEDIA_TYPE_FILE: &str = "mimetype";
pub(crate) const MEDIA_TYPE: &str = "application/vnd.etsi.asic-e+zip";
pub(crate) const MESSAGE: &str = "message.xml";
pub(crate) const SIGNATURE: &str = "META-INF/signatures.xml";
pub(crate) const SIGNATURE_RESULT: &str = "sig-hashchainresult.xml";
pub(crate) const SIGNATURE_CHAIN: &str = "sig-hashchain.xml";
pub(crate) const STAMP_RESULT: &str = "ts-hashchainresult.xml";
pub(crate) const STAMP_CHAIN: &str = "ts-hashchain.xml";
pub(crate) const MANIFEST: &str = "META-INF/manifest.xml";
pub(crate) const ASIC_MANIFEST: &str = "META-INF/ASiCManifest.xml";
pub(crate) const TOKEN: &str = "META-INF/timestamp.tst";

#[cfg(test)]
mod tests;
