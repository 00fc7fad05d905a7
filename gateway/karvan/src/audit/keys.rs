//! Keys given on the command line.

use std::path::Path;

use certs_keys::SecretKey;
use gateway_messagelog::Protection;

use super::{Error, file_error};

/// The keys of a sealed log, each `name=file` with 64 hexadecimal digits in the file.
pub(super) fn protection(keys: &[String]) -> Result<Option<Protection>, Error> {
    if keys.is_empty() {
        return Ok(None);
    }
    let mut read = Vec::with_capacity(keys.len());
    for key in keys {
        let (name, file) = key
            .split_once('=')
            .ok_or_else(|| Error::Use(format!("--key {key} is not name=file")))?;
        let path = Path::new(file);
        let mut text = std::fs::read_to_string(path).map_err(|source| file_error(path, source))?;
        text.truncate(text.trim_end().len());
        let secret = SecretKey::from_hex(text)
            .map_err(|_| Error::Use(format!("{file} does not hold 64 hexadecimal digits")))?;
        read.push((name.to_owned(), secret));
    }
    Protection::new(read)
        .map(Some)
        .map_err(|error| Error::Use(error.to_string()))
}
