//! An S3-compatible store that finished files are copied to.

use std::fmt;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gateway_net::{Client, ServerTrust};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, BackoffConfig, GetOptions, MultipartUpload, ObjectStore as _,
    PutMultipartOptions, PutOptions, PutPayload, RetryConfig,
};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use super::http::Connections;

/// Where files are copied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Base URL, e.g. `https://s3.example.org`; the bucket follows in the path.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// What names begin with, e.g. `node-1/archive`; folders are separated by `/`.
    pub prefix: String,
    /// The region, as requests are signed for it.
    pub region: String,
}

/// What allows us to write there.
pub struct Access {
    /// The access key's id.
    pub key_id: String,
    /// The secret that requests are signed with.
    pub secret: Zeroizing<String>,
}

/// A store; requests are signed, and so is what they carry.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<AmazonS3>,
    prefix: Path,
    part_bytes_min: u64,
}

/// A file that the store has shown to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its length there.
    pub bytes: u64,
    /// The store's mark of this very content.
    pub etag: Option<String>,
    /// It was there before.
    pub already: bool,
}

/// Why a file is not in the store.
#[derive(Debug)]
pub enum Error {
    /// The store cannot be used as it is described.
    Setup(object_store::Error),
    /// The file here cannot be read.
    Read(std::io::Error),
    /// The file here is shorter or longer than it was made.
    Changed {
        /// As it was made.
        bytes: u64,
    },
    /// The store did not answer, or refused.
    Store(object_store::Error),
    /// Something else has the name already; it is left as it is.
    Taken {
        /// The name in the store.
        name: String,
    },
    /// It was sent, but what the store has is not that.
    Unconfirmed {
        /// The name in the store.
        name: String,
        /// What differs.
        reason: &'static str,
    },
}

impl Store {
    /// A store behind this client. Over https, `trust` says whom to believe.
    ///
    /// # Errors
    /// The description cannot be used.
    pub fn new(
        place: &Place,
        access: Access,
        client: Client,
        trust: ServerTrust,
    ) -> Result<Self, Error> {
        let plain = place.endpoint.starts_with("http://");
        let inner = AmazonS3Builder::new()
            .with_endpoint(&place.endpoint)
            .with_allow_http(plain)
            .with_bucket_name(&place.bucket)
            .with_region(&place.region)
            .with_access_key_id(access.key_id)
            .with_secret_access_key(access.secret.as_str())
            .with_http_connector(Connections { client, trust })
            .with_retry(RETRY)
            .build()
            .map_err(Error::Setup)?;
        let prefix = Path::parse(&place.prefix).map_err(|error| Error::Setup(error.into()))?;
        Ok(Self {
            inner: Arc::new(inner),
            prefix,
            part_bytes_min: PART_BYTES_MIN,
        })
    }

    /// Whether the store has a file of this name and content.
    ///
    /// # Errors
    /// It does not tell.
    pub async fn has(&self, name: &str, bytes: u64, sha256: &str) -> Result<bool, Error> {
        let there = self.look(&self.prefix.clone().join(name)).await?;
        Ok(there.is_some_and(|there| there.is(bytes, sha256).is_ok()))
    }

    #[cfg(test)]
    pub(super) fn with_parts_of(mut self, bytes: u64) -> Self {
        self.part_bytes_min = bytes;
        self
    }

    /// Copies a file there, in parts when it is long, and asks what the store has then.
    ///
    /// Its digest travels with it: by it the store's copy is known again after a crash, and nothing
    /// else of that name is taken for it. The store itself checks each request's body against the
    /// digest that is signed with it.
    ///
    /// # Errors
    /// The store does not have it, or something else under its name.
    pub async fn put(
        &self,
        file: &FilePath,
        name: &str,
        bytes: u64,
        sha256: &str,
    ) -> Result<Stored, Error> {
        let path = self.prefix.clone().join(name);
        match self.look(&path).await? {
            Some(there) if there.is(bytes, sha256).is_ok() => return Ok(there.stored(true)),
            Some(_) => {
                return Err(Error::Taken {
                    name: path.to_string(),
                });
            }
            None => {}
        }
        let attributes = Attributes::from_iter([
            (Attribute::ContentType, content_type(name)),
            (Attribute::Metadata(DIGEST.into()), sha256.to_owned().into()),
        ]);
        let mut file = File::open(file).await.map_err(Error::Read)?;
        let part_bytes = self.part_bytes_min.max(bytes.div_ceil(PARTS_MAX));
        let etag = match bytes <= part_bytes {
            true => self.whole(&path, &mut file, bytes, attributes).await?,
            false => {
                self.in_parts(&path, &mut file, bytes, part_bytes, attributes)
                    .await?
            }
        };
        let unconfirmed = |reason| Error::Unconfirmed {
            name: path.to_string(),
            reason,
        };
        let there = self
            .look(&path)
            .await?
            .ok_or_else(|| unconfirmed("there is nothing of that name"))?;
        there.is(bytes, sha256).map_err(unconfirmed)?;
        match (&etag, &there.etag) {
            (Some(given), Some(shown)) if given != shown => {
                Err(unconfirmed("its ETag is not the one of what was sent"))
            }
            _ => Ok(there.stored(false)),
        }
    }

    /// What the store has under a name.
    async fn look(&self, path: &Path) -> Result<Option<There>, Error> {
        let head = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        match self.inner.get_opts(path, head).await {
            Ok(found) => Ok(Some(There {
                bytes: found.meta.size,
                etag: found.meta.e_tag,
                sha256: found
                    .attributes
                    .get(&Attribute::Metadata(DIGEST.into()))
                    .map(|digest| digest.to_string()),
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::Store(error)),
        }
    }

    async fn whole(
        &self,
        path: &Path,
        file: &mut File,
        bytes: u64,
        attributes: Attributes,
    ) -> Result<Option<String>, Error> {
        let payload = read(file, bytes).await?.ok_or(Error::Changed { bytes })?;
        end(file, bytes).await?;
        let options = PutOptions {
            attributes,
            ..PutOptions::default()
        };
        let put = self.inner.put_opts(path, payload.into(), options).await;
        Ok(put.map_err(Error::Store)?.e_tag)
    }

    /// One part in memory at a time. What was begun and failed is taken back, so that it costs no
    /// space there.
    async fn in_parts(
        &self,
        path: &Path,
        file: &mut File,
        bytes: u64,
        part_bytes: u64,
        attributes: Attributes,
    ) -> Result<Option<String>, Error> {
        let options = PutMultipartOptions {
            attributes,
            ..PutMultipartOptions::default()
        };
        let upload = self.inner.put_multipart_opts(path, options).await;
        let mut upload = upload.map_err(Error::Store)?;
        let sent = send_parts(&mut *upload, file, bytes, part_bytes).await;
        if sent.is_err() {
            // The first error is the one to tell; the store forgets such parts by its own rules.
            let _aborted = upload.abort().await;
        }
        sent
    }
}

async fn send_parts(
    upload: &mut dyn MultipartUpload,
    file: &mut File,
    bytes: u64,
    part_bytes: u64,
) -> Result<Option<String>, Error> {
    let mut left = bytes;
    while left > 0 {
        let length = left.min(part_bytes);
        let part = read(file, length).await?.ok_or(Error::Changed { bytes })?;
        upload
            .put_part(PutPayload::from_bytes(part))
            .await
            .map_err(Error::Store)?;
        left = left.saturating_sub(length);
    }
    end(file, bytes).await?;
    Ok(upload.complete().await.map_err(Error::Store)?.e_tag)
}

/// So many octets of the file; `None` when it ends before.
async fn read(file: &mut File, length: u64) -> Result<Option<Bytes>, Error> {
    let mut buffer = BytesMut::with_capacity(usize::try_from(length).unwrap_or_default());
    let mut part = file.take(length);
    while part.read_buf(&mut buffer).await.map_err(Error::Read)? > 0 {}
    let whole = u64::try_from(buffer.len()).is_ok_and(|read| read == length);
    Ok(whole.then(|| buffer.freeze()))
}

/// Nothing follows.
async fn end(file: &mut File, bytes: u64) -> Result<(), Error> {
    match file.read(&mut [0]).await.map_err(Error::Read)? {
        0 => Ok(()),
        _ => Err(Error::Changed { bytes }),
    }
}

/// What the store shows of a file.
struct There {
    bytes: u64,
    etag: Option<String>,
    sha256: Option<String>,
}

impl There {
    fn is(&self, bytes: u64, sha256: &str) -> Result<(), &'static str> {
        if self.bytes != bytes {
            return Err("its length is another");
        }
        match &self.sha256 {
            Some(shown) if shown == sha256 => Ok(()),
            Some(_) => Err("its digest is another"),
            None => Err("it has no digest"),
        }
    }

    fn stored(self, already: bool) -> Stored {
        Stored {
            bytes: self.bytes,
            etag: self.etag,
            already,
        }
    }
}

fn content_type(name: &str) -> object_store::AttributeValue {
    match name.ends_with(".gpg") {
        true => "application/octet-stream".into(),
        false => "application/zip".into(),
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(_) => f.write_str("the store cannot be used as it is described"),
            Self::Read(_) => f.write_str("the archive file cannot be read"),
            Self::Changed { bytes } => {
                write!(f, "the archive file is not of {bytes} octets any more")
            }
            Self::Store(_) => f.write_str("the store did not take the archive file"),
            Self::Taken { name } => {
                write!(f, "the store has something else under the name {name}")
            }
            Self::Unconfirmed { name, reason } => {
                write!(f, "the store does not have {name} as it was sent: {reason}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Setup(source) | Self::Store(source) => Some(source),
            Self::Read(source) => Some(source),
            Self::Changed { .. } | Self::Taken { .. } | Self::Unconfirmed { .. } => None,
        }
    }
}

/// The name of the digest among the object's own data (`x-amz-meta-sha256`).
const DIGEST: &str = "sha256";
/// S3: parts but the last have at least 5 MiB, and there are at most 10 000.
const PART_BYTES_MIN: u64 = 8 << 20;
const PARTS_MAX: u64 = 9_000;
/// What fails now is tried again with the next run; this is for a moment's trouble.
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(50),
        max_backoff: Duration::from_secs(2),
        base: 2.0,
    },
    max_retries: 2,
    retry_timeout: Duration::from_secs(60),
};
