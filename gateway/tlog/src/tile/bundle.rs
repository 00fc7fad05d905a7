//! Bundles of entries.

use super::{Error, WIDTH_MAX, check_width, path};

/// Which entries are in a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bundle {
    index: u64,
    width: u16,
}

impl Bundle {
    /// The bundle with this index and so many entries.
    ///
    /// # Errors
    /// The width is not 1 to 256.
    pub fn new(index: u64, width: u16) -> Result<Self, Error> {
        check_width(width)?;
        Ok(Self { index, width })
    }

    /// Its index: it begins at entry 256 times that.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many entries it holds: 1 to 256.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// The index of its first entry; none beyond the range of numbers.
    #[must_use]
    pub fn first_entry(&self) -> Option<u64> {
        self.index.checked_mul(u64::from(WIDTH_MAX))
    }

    /// A log of `size` entries has all entries of it.
    #[must_use]
    pub fn is_in(&self, size: u64) -> bool {
        let end = self.first_entry();
        let end = end.and_then(|first| first.checked_add(u64::from(self.width)));
        end.is_some_and(|end| end <= size)
    }

    /// Its path below the prefix of the log: `tile/entries/x001/234.p/5`.
    #[must_use]
    pub fn path(&self) -> String {
        path::write(path::ENTRIES, self.index, self.width)
    }
}

/// The bytes of a bundle: each entry after its length in two octets.
///
/// # Errors
/// An entry is too long, or they are more than 256.
pub fn encode_entries<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, Error> {
    let found = entries.len();
    if found > usize::from(WIDTH_MAX) {
        return Err(Error::ManyEntries { found });
    }
    let mut bytes = Vec::new();
    for entry in entries {
        let entry = entry.as_ref();
        let found = entry.len();
        let length = u16::try_from(found).map_err(|_| Error::LongEntry { found })?;
        bytes.extend(length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// Reads the entries of a bundle that should have so many.
///
/// # Errors
/// The bytes are not exactly so many entries, or the width is not 1 to 256.
pub fn decode_entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, Error> {
    check_width(width)?;
    let wrong = Error::Entries { width };
    let mut rest = bytes;
    let mut entries = Vec::with_capacity(width.into());
    for _ in 0..width {
        let (length, after) = rest.split_first_chunk().ok_or(wrong)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or(wrong)?;
        entries.push(entry);
        rest = after;
    }
    match rest {
        [] => Ok(entries),
        _ => Err(wrong),
    }
}
