//! The files of one container: which there are, and that those that belong together are there.

use std::fmt;

use bytes::Bytes;
use gateway_seal::Seal;

use crate::make::{
    self, ASIC_MANIFEST, MANIFEST, MEDIA_TYPE_FILE, MESSAGE, SIGNATURE, SIGNATURE_CHAIN,
    SIGNATURE_RESULT, STAMP_CHAIN, STAMP_RESULT, TOKEN,
};
use crate::verify::Error;
use crate::verify::structure::{self, EmbeddedToken};
use crate::zip::{Archive, Content, Entry, Limits, Source};

/// A container whose parts are all there. Nothing of it is verified: see
/// [`verify`](crate::verify::verify).
pub struct Container {
    archive: Archive,
    message: Bytes,
    signature: Bytes,
    chain: Option<(Bytes, Bytes)>,
    token: Token,
    stamp_chain: Option<(Bytes, Bytes)>,
    manifest: Option<Bytes>,
    asic_manifest: Option<Bytes>,
    attachments: Vec<Entry>,
    foreign: Vec<Entry>,
}

/// Where a time-stamp token was found.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) der: Bytes,
    /// The signature holds one too.
    pub(crate) second: bool,
}

/// Opens a container: its structure, the files that must be there, and those that come in pairs.
/// The message, the signature and the chains are read; attachments are left where they are.
///
/// # Errors
///
/// When it is not a ZIP file as one must be, or a file is missing.
pub fn open(source: impl Into<Source>, limits: &Limits) -> Result<Container, Error> {
    let archive = Archive::open(source, limits).map_err(Error::Zip)?;
    check_mime_type(&archive)?;
    let message = required(&archive, MESSAGE)?;
    let signature = required(&archive, SIGNATURE)?;
    let chain = pair(&archive, SIGNATURE_RESULT, SIGNATURE_CHAIN)?;
    let token = token(&archive, &signature)?;
    let stamp_chain = pair(&archive, STAMP_RESULT, STAMP_CHAIN)?;
    let asic_manifest = optional(&archive, ASIC_MANIFEST)?;
    let manifest = optional(&archive, MANIFEST)?;
    let attachments = attachments(&archive)?;
    let foreign = archive
        .entries()
        .iter()
        .filter(|entry| !KNOWN.contains(&entry.name()) && attachment_number(entry.name()).is_none())
        .cloned()
        .collect();
    Ok(Container {
        archive,
        message,
        signature,
        chain,
        token,
        stamp_chain,
        manifest,
        asic_manifest,
        attachments,
        foreign,
    })
}

impl Container {
    /// The message: a SOAP envelope or a REST block.
    pub const fn message(&self) -> &Bytes {
        &self.message
    }

    /// The signature document, with the time stamp if it holds one.
    pub const fn signature(&self) -> &Bytes {
        &self.signature
    }

    /// Signature and hash chain, as they travelled.
    pub fn seal(&self) -> Seal {
        Seal {
            signature: self.signature.clone(),
            chain: self.chain.clone(),
        }
    }

    /// The DER of the time-stamp token.
    pub const fn token(&self) -> &Bytes {
        &self.token.der
    }

    /// The attachments, or the body of a REST message, in their order.
    pub fn attachments(&self) -> &[Entry] {
        &self.attachments
    }

    /// Files that are none of a signed document.
    pub fn foreign(&self) -> &[Entry] {
        &self.foreign
    }

    /// The content of an attachment, or of another entry, as a stream.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn content(&self, entry: &Entry) -> Result<Content, Error> {
        self.archive.content(entry).map_err(Error::Zip)
    }

    pub(crate) const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// `(result, chain)` of the signature.
    pub(crate) fn chain(&self) -> Option<(&[u8], &[u8])> {
        self.chain
            .as_ref()
            .map(|(result, chain)| (&**result, &**chain))
    }

    /// `(result, chain)` of the time stamp.
    pub(crate) fn stamp_chain(&self) -> Option<(&[u8], &[u8])> {
        self.stamp_chain
            .as_ref()
            .map(|(result, chain)| (&**result, &**chain))
    }

    pub(crate) const fn found_token(&self) -> &Token {
        &self.token
    }

    pub(crate) const fn manifest(&self) -> Option<&Bytes> {
        self.manifest.as_ref()
    }

    pub(crate) const fn asic_manifest(&self) -> Option<&Bytes> {
        self.asic_manifest.as_ref()
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the message: it may be personal.
        f.debug_struct("Container")
            .field("archive", &self.archive)
            .finish_non_exhaustive()
    }
}

fn check_mime_type(archive: &Archive) -> Result<(), Error> {
    let found = required(archive, MEDIA_TYPE_FILE)?;
    match found.eq_ignore_ascii_case(MEDIA_TYPE.as_bytes()) {
        true => Ok(()),
        false => Err(Error::MimeType {
            found: printable(&found),
        }),
    }
}

/// Beside the signature, or in it.
fn token(archive: &Archive, signature: &Bytes) -> Result<Token, Error> {
    let beside = archive.entry(TOKEN).map(|entry| small(archive, entry));
    let Some(der) = beside.transpose()?.filter(|der| !der.is_empty()) else {
        return match structure::embedded_token(signature)? {
            EmbeddedToken::None => Err(Error::NoTimeStamp),
            EmbeddedToken::One(der) => Ok(Token { der, second: false }),
            EmbeddedToken::More(der) => Ok(Token { der, second: true }),
        };
    };
    // What the signature holds besides proves nothing, and need not be readable.
    let second = !matches!(
        structure::embedded_token(signature),
        Ok(EmbeddedToken::None)
    );
    Ok(Token { der, second })
}

fn required(archive: &Archive, name: &'static str) -> Result<Bytes, Error> {
    optional(archive, name)?.ok_or(Error::Missing { name })
}

/// A file that is there must hold something.
fn optional(archive: &Archive, name: &'static str) -> Result<Option<Bytes>, Error> {
    let Some(entry) = archive.entry(name) else {
        return Ok(None);
    };
    let content = match name {
        MESSAGE => archive.read(entry).map_err(Error::Zip)?,
        _ => small(archive, entry)?,
    };
    match content.trim_ascii().is_empty() {
        true => Err(Error::Missing { name }),
        false => Ok(Some(content)),
    }
}

/// The content of a file that is small in every document; read also when it is empty, for it could
/// hide others.
fn small(archive: &Archive, entry: &Entry) -> Result<Bytes, Error> {
    archive
        .read_at_most(entry, SMALL_BYTES_MAX)
        .map_err(Error::Zip)
}

/// Both or none.
fn pair(
    archive: &Archive,
    result: &'static str,
    chain: &'static str,
) -> Result<Option<(Bytes, Bytes)>, Error> {
    match (optional(archive, result)?, optional(archive, chain)?) {
        (None, None) => Ok(None),
        (Some(result), Some(chain)) => Ok(Some((result, chain))),
        (None, Some(_)) => Err(Error::Missing { name: result }),
        (Some(_), None) => Err(Error::Missing { name: chain }),
    }
}

/// By number; one may be absent only with all that follow it, since a signature counts from 1.
fn attachments(archive: &Archive) -> Result<Vec<Entry>, Error> {
    let mut numbered: Vec<(u64, &Entry)> = archive
        .entries()
        .iter()
        .filter_map(|entry| Some((attachment_number(entry.name())?, entry)))
        .collect();
    numbered.sort_by_key(|(number, _)| *number);
    for ((number, entry), expected) in numbered.iter().zip(1_u64..) {
        if *number != expected {
            return Err(Error::AttachmentGap {
                missing: expected,
                name: entry.name().to_owned(),
            });
        }
    }
    Ok(numbered
        .into_iter()
        .map(|(_, entry)| entry.clone())
        .collect())
}

/// `attachment1`, `attachment2` …
fn attachment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("attachment")?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}

fn printable(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets)
        .chars()
        .filter(|c| !c.is_control())
        .take(TEXT_CHARS_MAX)
        .collect()
}

/// The media type of a container, and the content of its file `mimetype`.
pub const MEDIA_TYPE: &str = make::MEDIA_TYPE;

const KNOWN: [&str; 10] = [
    MEDIA_TYPE_FILE,
    MESSAGE,
    SIGNATURE,
    SIGNATURE_RESULT,
    SIGNATURE_CHAIN,
    STAMP_RESULT,
    STAMP_CHAIN,
    MANIFEST,
    ASIC_MANIFEST,
    TOKEN,
];
/// As much as is read of a hash chain; of all others it is less.
const SMALL_BYTES_MAX: u64 = 4 << 20;
const TEXT_CHARS_MAX: usize = 80;
