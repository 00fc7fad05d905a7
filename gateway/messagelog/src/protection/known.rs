//! Which keys a log was sealed with, so that it is not opened without them.
//!
//! A node that cannot read what it logged would neither find nor time-stamp it, and one that seals
//! with a mistaken key would tell only when something has to be read. So `keys` in the folder of
//! the log holds a line for each key before anything is sealed with it: its name, and a check value
//! that tells nothing of the key. Once nothing sealed with a key is left, its line may be removed.

use std::fs;
use std::path::Path;

use gateway_store::file;

use super::{NamedKey, Protection};
use crate::Error;
use crate::bodies::hex;

/// Holds the keys against those known, and makes the one that will seal known. Blocks.
///
/// # Errors
/// A key that was used is not there or is another one, or the file cannot be read or written.
pub(crate) fn check(dir: &Path, protection: Option<&Protection>) -> Result<(), Error> {
    let path = dir.join(KEYS);
    let mut text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(Error::content("read", &path, source)),
    };
    let keys = protection.map_or(&[][..], |protection| &protection.keys);
    let mut is_sealing_known = false;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_ascii_whitespace();
        let (Some(id), Some(value)) = (words.next(), words.next()) else {
            return Err(Error::Key {
                reason: format!("{} has a line without name and check value", path.display()),
            });
        };
        let key_id = id.to_owned();
        match keys.iter().position(|key| key.id == id) {
            None => return Err(Error::KeyMissing { key_id }),
            Some(at) => {
                if keys.get(at).map(check_value).as_deref() != Some(value) {
                    return Err(Error::NotOpened { key_id });
                }
                is_sealing_known |= at == 0;
            }
        }
    }
    if let (Some(protection), false) = (protection, is_sealing_known) {
        let key = protection.sealing();
        let line = [&key.id, " ", &check_value(key), "\n"].concat();
        text.push_str(&line);
        file::replace_secret(&path, text.as_bytes())?;
    }
    Ok(())
}

fn check_value(key: &NamedKey) -> String {
    hex(&key.key.fingerprint(PURPOSE_CHECK))
}

pub(crate) const KEYS: &str = "keys";
const PURPOSE_CHECK: &[u8] = b"karvan message log key check 1";
