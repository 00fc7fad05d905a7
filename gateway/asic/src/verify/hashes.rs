//! Digests of the files of a container, each computed once: a document may ask for the same one a
//! thousand times.

use std::collections::HashMap;
use std::io::Read;

use certs_keys::{Digest, DigestAlgorithm, Hasher};

use super::Error;
use crate::container::Container;
use crate::zip::{self, Entry};

/// Digests computed so far.
#[derive(Debug)]
pub(super) struct Hashes<'c> {
    container: &'c Container,
    known: HashMap<(String, DigestAlgorithm), Digest>,
    message: HashMap<DigestAlgorithm, Digest>,
}

impl<'c> Hashes<'c> {
    pub(super) fn new(container: &'c Container) -> Self {
        Self {
            container,
            known: HashMap::new(),
            message: HashMap::new(),
        }
    }

    pub(super) const fn container(&self) -> &'c Container {
        self.container
    }

    /// The digest of the message.
    pub(super) fn of_message(&mut self, algorithm: DigestAlgorithm) -> Digest {
        let message = self.container.message();
        let known = self.message.entry(algorithm);
        *known.or_insert_with(|| Digest::of(algorithm, message))
    }

    /// The digest of an entry, which is read as a stream.
    pub(super) fn of(
        &mut self,
        entry: &Entry,
        algorithm: DigestAlgorithm,
    ) -> Result<Digest, Error> {
        let key = (entry.name().to_owned(), algorithm);
        if let Some(digest) = self.known.get(&key) {
            return Ok(*digest);
        }
        let mut content = self.container.content(entry)?;
        let digest = digest(&mut content, Hasher::new(algorithm)).map_err(Error::Zip)?;
        self.known.insert(key, digest);
        Ok(digest)
    }
}

/// Hashes all that a stream gives.
pub(crate) fn digest(content: &mut dyn Read, mut hasher: Hasher) -> Result<Digest, zip::Error> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = content.read(&mut buffer).map_err(zip_error)?;
        match buffer.get(..length) {
            None | Some([]) => return Ok(hasher.finish()),
            Some(piece) => hasher.update(piece),
        }
    }
}

/// Errors of the format come wrapped.
fn zip_error(error: std::io::Error) -> zip::Error {
    match error.downcast::<zip::Error>() {
        Ok(error) => error,
        Err(error) => zip::Error::Io(error),
    }
}

const BUFFER_BYTES: usize = 64 << 10;
