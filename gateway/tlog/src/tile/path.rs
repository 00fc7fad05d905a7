//! The paths of a log's files. Each file has one path, and no other text is taken for it.

use super::{Bundle, Error, Tile, WIDTH_MAX, text};

/// A file of a log, by its path below the prefix of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// `checkpoint`
    Checkpoint,
    /// `tile/<level>/<index>`
    Hashes(Tile),
    /// `tile/entries/<index>`
    Entries(Bundle),
}

impl Resource {
    /// The file that has this path.
    ///
    /// # Errors
    /// The path is not written as [`Resource::path`] writes it.
    pub fn from_path(path: &str) -> Result<Self, Error> {
        if path == CHECKPOINT {
            return Ok(Self::Checkpoint);
        }
        if path.len() > PATH_BYTES_MAX {
            return Err(Error::Path);
        }
        let path = path.strip_prefix(TILE).ok_or(Error::Path)?;
        let (level, path) = path.split_once('/').ok_or(Error::Path)?;
        let (index, width) = match path.split_once(PARTIAL) {
            Some((index, width)) => (index, read_width(width).ok_or(Error::Path)?),
            None => (path, WIDTH_MAX),
        };
        let index = read_index(index).ok_or(Error::Path)?;
        if level == ENTRIES {
            return Bundle::new(index, width).map(Self::Entries);
        }
        let level = text::number(level).and_then(|level| u8::try_from(level).ok());
        let tile = Tile::new(level.ok_or(Error::Path)?, index, width);
        tile.map(Self::Hashes).map_err(|_| Error::Path)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Checkpoint => CHECKPOINT.to_owned(),
            Self::Hashes(tile) => tile.path(),
            Self::Entries(bundle) => bundle.path(),
        }
    }
}

/// The path of what has this index and width below `tile/<level>/`.
pub(super) fn write(level: &str, index: u64, width: u16) -> String {
    let mut path = format!("{TILE}{level}/{}", write_index(index));
    if width < WIDTH_MAX {
        path.push_str(PARTIAL);
        path.push_str(&width.to_string());
    }
    path
}

/// In groups of three digits, all but the last behind an `x`: `x001/234`.
fn write_index(index: u64) -> String {
    let mut rest = index;
    let mut groups = Vec::new();
    loop {
        let mark = if groups.is_empty() { "" } else { "x" };
        groups.push(format!("{mark}{:03}", rest % 1000));
        rest /= 1000;
        if rest == 0 {
            groups.reverse();
            return groups.join("/");
        }
    }
}

fn read_index(written: &str) -> Option<u64> {
    let mut index = 0_u64;
    for group in written.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    // An `x` too many or too few, or a group of zeros in front.
    (write_index(index) == written).then_some(index)
}

fn read_width(written: &str) -> Option<u16> {
    let width = u16::try_from(text::number(written)?).ok()?;
    (1..WIDTH_MAX).contains(&width).then_some(width)
}

pub(super) const ENTRIES: &str = "entries";
const CHECKPOINT: &str = "checkpoint";
const TILE: &str = "tile/";
const PARTIAL: &str = ".p/";
/// No index of 64 bits takes more.
const PATH_BYTES_MAX: usize = 64;
