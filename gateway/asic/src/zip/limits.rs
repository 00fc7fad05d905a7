//! How much is read, and which names entries may have.

/// What an archive may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole file.
    pub archive_bytes_max: u64,
    /// Entries, directories counted.
    pub entries_max: u64,
    /// Octets of the central directory: it is held in memory.
    pub directory_bytes_max: u64,
    /// Octets of the name of an entry.
    pub name_bytes_max: usize,
    /// Octets of one entry, read as a stream.
    pub entry_bytes_max: u64,
    /// Octets of one entry that [`Archive::read`](super::Archive::read) takes into memory.
    pub memory_bytes_max: u64,
    /// Octets of all entries together.
    pub total_bytes_max: u64,
    /// How many times larger than stored an entry of more than a mebibyte may be. Deflate itself
    /// cannot do more than 1032. A message that somebody made to compress well is evidence too, so
    /// a lower bound is for those who may refuse it.
    pub ratio_max: u64,
    /// Which names entries may have.
    pub names: Names,
}

/// Which names entries may have. All are of visible ASCII characters, without the backslash and
/// without what gives a path a meaning: nothing absolute, no `.` and `..`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// As in a container: flat, or in `META-INF/`.
    #[default]
    Container,
    /// Flat, as in an archive of containers.
    Flat,
    /// In folders, as in a copy of a configuration.
    Folders,
}

impl Limits {
    /// Of one container: its attachments can be large, the rest is not.
    pub const CONTAINER: Self = Self {
        archive_bytes_max: 1 << 40,
        entries_max: 10_000,
        directory_bytes_max: 4 << 20,
        name_bytes_max: 256,
        entry_bytes_max: 1 << 40,
        memory_bytes_max: 64 << 20,
        total_bytes_max: 1 << 41,
        ratio_max: 1032,
        names: Names::Container,
    };
    /// Of an archive of containers.
    pub const ARCHIVE: Self = Self {
        archive_bytes_max: 1 << 41,
        entries_max: 200_000,
        directory_bytes_max: 128 << 20,
        name_bytes_max: 512,
        entry_bytes_max: 1 << 40,
        memory_bytes_max: 64 << 20,
        total_bytes_max: 1 << 41,
        ratio_max: 1032,
        names: Names::Flat,
    };
}

impl Names {
    /// Whether an entry may have this name; if so, as text.
    pub(super) fn check(self, name: &[u8]) -> Result<&str, &'static str> {
        if name.is_empty() {
            return Err("is empty");
        }
        // Nothing outside ASCII: no two spellings of one name, no question of its encoding.
        if !name.iter().all(u8::is_ascii_graphic) {
            return Err("has other than visible ASCII characters");
        }
        let name = str::from_utf8(name).map_err(|_| "is not UTF-8")?;
        if name.starts_with('/') {
            return Err("is absolute");
        }
        if name.contains(['\\', ':']) {
            return Err("has a backslash or a colon");
        }
        let flat = match self {
            Self::Flat => name,
            Self::Folders => {
                let (folders, file) = name.rsplit_once('/').unwrap_or(("-", name));
                if folders.split('/').any(|one| matches!(one, "" | "." | "..")) {
                    return Err("has a folder that is no name");
                }
                file
            }
            Self::Container if name == META_INF => return Ok(name),
            Self::Container => name.strip_prefix(META_INF).unwrap_or(name),
        };
        if flat.contains('/') {
            return Err("is in a folder");
        }
        if matches!(flat, "" | "." | "..") {
            return Err("is no name of a file");
        }
        // As a file it would stand where the folder does.
        if name.eq_ignore_ascii_case(META_INF.trim_end_matches('/')) {
            return Err("is that of a folder");
        }
        Ok(name)
    }
}

/// The folder of a container for what speaks about its other files.
pub(super) const META_INF: &str = "META-INF/";
