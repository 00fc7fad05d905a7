//! Pages: made by the registry, verified by nodes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateway_tlog::note::{Error as NoteError, Kind, Note, Signer, Verifier};
use jiff::Timestamp;

use super::{AHEAD_SECONDS_MAX, Entry, Error, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX, Page, read_line};

/// The text of the note.
struct Head<'t> {
    instance: &'t str,
    number: u64,
    hash: [u8; 32],
    signed_at: Timestamp,
    complete: bool,
}

impl Page {
    /// Reads a page and verifies its head.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn verify(
        bytes: &[u8],
        key: &Verifier,
        instance: &str,
        now: Timestamp,
    ) -> Result<Self, Error> {
        if bytes.len() > PAGE_BYTES_MAX {
            return Err(Error::Form);
        }
        let (note, lines) = split(bytes).ok_or(Error::Form)?;
        let note = Note::parse(note).map_err(Error::Note)?;
        check_signed(&note, key)?;
        let head = Head::read(note.text()).ok_or(Error::Form)?;
        if head.instance != instance {
            return Err(Error::Instance);
        }
        let ahead = head.signed_at.as_second().saturating_sub(now.as_second());
        if ahead > AHEAD_SECONDS_MAX {
            return Err(Error::Future {
                signed_at: head.signed_at,
            });
        }
        Ok(Self {
            number: head.number,
            hash: head.hash,
            signed_at: head.signed_at,
            complete: head.complete,
            entries: read_entries(lines, head.number)?,
        })
    }

    /// Whether there is nothing behind it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Its entries with their lines, to be kept.
    #[must_use]
    pub fn entries(&self) -> &[(Entry, Vec<u8>)] {
        &self.entries
    }

    /// When it was signed.
    #[must_use]
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// The number of the last entry given, or of the one before where none is.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// Makes a page: the head at the last of these lines, signed, and the lines.
///
/// # Errors
/// When the key's name cannot stand in a note, or the page would not be read: too many lines
/// ([`lines_that_fit`]), a line that is none, a number that is not that of the last.
pub fn make_page(
    instance: &str,
    number: u64,
    hash: &[u8; 32],
    complete: bool,
    lines: &[Vec<u8>],
    signer: &Signer,
    now: Timestamp,
) -> Result<Vec<u8>, Error> {
    let head = Head {
        instance,
        number,
        hash: *hash,
        signed_at: whole_seconds(now).ok_or(Error::Form)?,
        complete,
    };
    let text = head.write();
    // An instance of more than one line would be another head.
    let same = Head::read(&text).is_some_and(|read| read.instance == instance);
    if !same || lines_that_fit(lines) < lines.len() {
        return Err(Error::Form);
    }
    let note = Note::sign(&text, &[signer]).map_err(Error::Note)?;
    let mut page = note.to_bytes();
    let behind = page.len();
    for line in lines {
        page.extend_from_slice(line);
        page.push(b'\n');
    }
    read_entries(page.get(behind..).unwrap_or_default(), number)?;
    Ok(page)
}

/// How many of these lines, from the first, fit a page.
#[must_use]
pub fn lines_that_fit(lines: &[Vec<u8>]) -> usize {
    let mut bytes = HEAD_BYTES_MAX;
    let fits = |line: &&Vec<u8>| {
        bytes = bytes.saturating_add(line.len()).saturating_add(1);
        bytes <= PAGE_BYTES_MAX
    };
    lines.iter().take(PAGE_ENTRIES_MAX).take_while(fits).count()
}

/// The note, which is the text, an empty line and one signature line, and what stands behind it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = |(at, octet): (usize, &u8)| (*octet == b'\n').then(|| at.saturating_add(1));
    let mut ends = bytes
        .iter()
        .take(HEAD_BYTES_MAX)
        .enumerate()
        .filter_map(ends);
    bytes.split_at_checked(ends.nth(NOTE_LINES.saturating_sub(1))?)
}

fn check_signed(note: &Note, key: &Verifier) -> Result<(), Error> {
    if key.kind() != Kind::Ed25519 {
        let found = key.kind();
        return Err(Error::Note(NoteError::WrongKind { found }));
    }
    if note.signatures().len() != 1 {
        return Err(Error::Form);
    }
    let verified = note.verify(std::slice::from_ref(key));
    verified.map(|_| ()).map_err(Error::Note)
}

/// Lines numbered up to that of the head, without a gap.
fn read_entries(lines: &[u8], last: u64) -> Result<Vec<(Entry, Vec<u8>)>, Error> {
    let mut entries = Vec::new();
    for line in lines.split_inclusive(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\n").ok_or(Error::Form)?;
        if entries.len() == PAGE_ENTRIES_MAX {
            return Err(Error::Form);
        }
        entries.push((read_line(line)?, line.to_vec()));
    }
    let mut number = last;
    for (entry, _) in entries.iter().rev() {
        if entry.number != number || number == 0 {
            return Err(Error::Form);
        }
        number = number.saturating_sub(1);
    }
    Ok(entries)
}

impl<'t> Head<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let lines: Vec<&str> = text.strip_suffix('\n')?.split('\n').collect();
        let [format, instance, number, hash, signed_at, complete] = *lines else {
            return None;
        };
        let head = Self {
            instance,
            number: number.parse().ok()?,
            hash: STANDARD.decode(hash).ok()?.try_into().ok()?,
            signed_at: signed_at.parse().ok()?,
            complete: match complete {
                COMPLETE => true,
                MORE => false,
                _ => return None,
            },
        };
        // Numbers and times have more than one form: only ours is read.
        let same = format == FORMAT && !instance.is_empty() && head.write() == text;
        (same && whole_seconds(head.signed_at) == Some(head.signed_at)).then_some(head)
    }

    fn write(&self) -> String {
        let Self {
            instance,
            number,
            hash,
            signed_at,
            complete,
        } = self;
        let hash = STANDARD.encode(hash);
        let complete = if *complete { COMPLETE } else { MORE };
        format!("{FORMAT}\n{instance}\n{number}\n{hash}\n{signed_at}\n{complete}\n")
    }
}

fn whole_seconds(time: Timestamp) -> Option<Timestamp> {
    Timestamp::from_second(time.as_second()).ok()
}

const FORMAT: &str = "karvan-feed/1";
const COMPLETE: &str = "complete";
const MORE: &str = "more";
/// Six lines of text, an empty one, and the signature.
const NOTE_LINES: usize = 8;
/// The longest note. Bytes.
const HEAD_BYTES_MAX: usize = 4096;
