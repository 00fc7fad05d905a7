//! What a folder holds when it is opened: the durable end is found, a torn end is cut off.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::format::{self, DurableEnd, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_LENGTH, SegmentHeader};
use super::medium::Medium;
use super::walk::{self, Found, Walker};
use super::writer::{self, Resume, Writer};
use super::{Damage, DamageKind, OnDamage, Options, Recovery, Torn};
use crate::{Error, file};

/// Opens the folder for writing.
pub(super) fn open(
    medium: Arc<dyn Medium>,
    dir: &Path,
    options: &Options,
) -> Result<(Writer, Recovery), Error> {
    drop_stubs(dir)?;
    let mut numbers = segment_numbers(dir)?;
    let mut recovery = Recovery::default();
    let mark = writer::read_mark(dir);
    drop_unfinished(dir, &mut numbers, mark, &mut recovery)?;
    let Some(last) = numbers.last().copied() else {
        if let Some(mark) = mark.filter(|mark| mark.ordinal > 0) {
            // There were durable records, and there is no segment any more.
            found_damage(
                &mut recovery,
                options,
                Damage {
                    segment: mark.segment,
                    offset: 0,
                    ordinal: Some(mark.ordinal),
                    kind: DamageKind::SegmentMissing,
                },
            )?;
        }
        let segment = SegmentHeader {
            number: mark.map_or(1, |mark| mark.segment.saturating_add(1)),
            first_ordinal: mark.map_or(1, |mark| mark.ordinal.saturating_add(1)),
            chain: format::new_chain(),
            erased: false,
        };
        let writer = Writer::begin(medium, dir, options.segment_bytes_max, segment)?;
        return Ok((writer, recovery));
    };
    for damage in headers(dir, &numbers)? {
        found_damage(&mut recovery, options, damage)?;
    }
    let last = read_last(dir, last, mark)?;
    for damage in last.damages {
        found_damage(&mut recovery, options, damage)?;
    }
    if let (Some(resume), true) = (last.resume, recovery.damages.is_empty()) {
        if let Some(bytes) = last.torn_bytes {
            let torn = keep_torn(dir, resume.end, bytes)?;
            tracing::warn!(
                segment = torn.segment,
                offset = torn.offset,
                bytes,
                "a torn end was cut off"
            );
            recovery.torn = Some(torn);
        }
        let writer = Writer::resume(medium, dir, options.segment_bytes_max, resume)?;
        return Ok((writer, recovery));
    }
    // Damaged: it stays as it is, and the log goes on behind it.
    let segment = SegmentHeader {
        number: last.number.saturating_add(1),
        first_ordinal: last.ordinal.saturating_add(1),
        chain: last.chain.unwrap_or_else(format::new_chain),
        erased: false,
    };
    let writer = Writer::begin(medium, dir, options.segment_bytes_max, segment)?;
    Ok((writer, recovery))
}

/// The numbers of the segments in a folder, ascending.
pub(super) fn segment_numbers(dir: &Path) -> Result<Vec<u64>, Error> {
    let entries = std::fs::read_dir(dir).map_err(|source| Error::io("read", dir, source))?;
    let mut numbers = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| Error::io("read", dir, source))?;
        numbers.extend(entry.file_name().to_str().and_then(format::segment_number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The header of a segment; `None` when it is unreadable.
pub(super) fn read_header(dir: &Path, number: u64) -> Result<Option<SegmentHeader>, Error> {
    let path = format::segment_path(dir, number);
    let mut file = File::open(&path).map_err(|source| Error::io("open", &path, source))?;
    let mut raw = [0; SEGMENT_HEADER_BYTES];
    match file.read_exact(&mut raw) {
        Ok(()) => Ok(SegmentHeader::decode(&raw).filter(|header| header.number == number)),
        Err(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(source) => Err(Error::io("read", &path, source)),
    }
}

/// What was to replace a segment when the power failed: the segment stands, so it is of no use.
fn drop_stubs(dir: &Path) -> Result<(), Error> {
    let entries = std::fs::read_dir(dir).map_err(|source| Error::io("read", dir, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| Error::io("read", dir, source))?;
        let name = entry.file_name();
        if name.to_str().and_then(format::stub_number).is_some() {
            let path = entry.path();
            std::fs::remove_file(&path).map_err(|source| Error::io("remove", &path, source))?;
        }
    }
    Ok(())
}

fn found_damage(recovery: &mut Recovery, options: &Options, damage: Damage) -> Result<(), Error> {
    tracing::error!(%damage, "the log is damaged");
    recovery.damages.push(damage);
    match options.on_damage {
        OnDamage::Refuse => Err(Error::Damaged(damage)),
        OnDamage::Continue => Ok(()),
    }
}

/// A segment whose header was never finished holds nothing: it is set aside.
fn drop_unfinished(
    dir: &Path,
    numbers: &mut Vec<u64>,
    mark: Option<DurableEnd>,
    recovery: &mut Recovery,
) -> Result<(), Error> {
    let Some(number) = numbers.last().copied() else {
        return Ok(());
    };
    let path = format::segment_path(dir, number);
    let length = path
        .metadata()
        .map_err(|source| Error::io("read", &path, source))?
        .len();
    let was_used = mark.is_some_and(|mark| mark.segment >= number);
    if length > SEGMENT_HEADER_LENGTH || was_used || read_header(dir, number)?.is_some() {
        return Ok(());
    }
    let kept = format::torn_path(dir, number, 0);
    std::fs::rename(&path, &kept).map_err(|source| Error::io("rename", &path, source))?;
    file::sync_dir(dir)?;
    numbers.pop();
    recovery.torn = Some(Torn {
        segment: number,
        offset: 0,
        bytes: length,
        kept: Some(kept),
    });
    Ok(())
}

/// The segments follow each other, and their headers can be read.
fn headers(dir: &Path, numbers: &[u64]) -> Result<Vec<Damage>, Error> {
    let mut damages = Vec::new();
    let mut before: Option<(u64, SegmentHeader)> = None;
    // Segments are never removed: what is gone from the front is missing, too.
    let mut expected = 1;
    for number in numbers.iter().copied() {
        let damage = |segment, kind| Damage {
            segment,
            offset: 0,
            ordinal: None,
            kind,
        };
        if number != expected {
            damages.push(damage(expected, DamageKind::SegmentMissing));
        }
        match read_header(dir, number)? {
            None => damages.push(damage(number, DamageKind::SegmentHeader)),
            Some(header) => {
                if before.is_some_and(|before| header.first_ordinal < before.1.first_ordinal) {
                    damages.push(damage(number, DamageKind::SegmentOrder));
                }
                before = Some((number, header));
            }
        }
        expected = number.saturating_add(1);
    }
    Ok(damages)
}

/// What the last segment holds.
struct Last {
    number: u64,
    /// Where to go on in it; `None` when its header is unreadable.
    resume: Option<Resume>,
    torn_bytes: Option<u64>,
    damages: Vec<Damage>,
    /// The highest ordinal seen, and the chain there when known.
    ordinal: u64,
    chain: Option<format::Hash>,
}

fn read_last(dir: &Path, number: u64, mark: Option<DurableEnd>) -> Result<Last, Error> {
    let marked = mark.map_or(0, |mark| mark.ordinal);
    let Some(mut walker) = Walker::open(dir, number, None)? else {
        // `headers` has told.
        return Ok(Last {
            number,
            resume: None,
            torn_bytes: None,
            damages: Vec::new(),
            ordinal: marked,
            chain: None,
        });
    };
    let mut durable: Option<u64> = None;
    let mut damages = Vec::new();
    let segment = *walker.segment();
    let mut last_offset = None;
    let mut torn_bytes = None;
    let mut before = (walker.offset(), walker.ordinal(), walker.chain());
    loop {
        match walker.step()? {
            Found::Record(whole) => last_offset = Some(whole.position.offset),
            Found::End => break,
            Found::Damage(damage) => {
                let durable = match durable {
                    Some(durable) => durable,
                    None => *durable.insert(walk::last_durable(dir, number, None)?.max(marked)),
                };
                if durable <= before.1 {
                    // Nobody was told that anything from here on is durable.
                    let path = format::segment_path(dir, number);
                    let length = path
                        .metadata()
                        .map_err(|source| Error::io("read", &path, source))?
                        .len();
                    torn_bytes = Some(length.saturating_sub(before.0));
                    break;
                }
                damages.push(damage);
            }
        }
        before = (walker.offset(), walker.ordinal(), walker.chain());
    }
    let (offset, ordinal, chain) = before;
    if segment.erased && damages.is_empty() {
        // Only closed segments are erased: there was one behind it.
        damages.push(Damage {
            segment: number.saturating_add(1),
            offset: 0,
            ordinal: ordinal.checked_add(1),
            kind: DamageKind::SegmentMissing,
        });
    }
    if marked > ordinal && damages.is_empty() {
        let kind = DamageKind::Truncated;
        damages.push(Damage {
            segment: number,
            offset,
            ordinal: ordinal.checked_add(1),
            kind,
        });
    }
    let resume = chain.map(|chain| Resume {
        segment,
        end: DurableEnd {
            segment: number,
            offset,
            ordinal,
        },
        chain,
        last_offset,
    });
    Ok(Last {
        number,
        resume,
        torn_bytes,
        damages,
        ordinal: ordinal.max(marked),
        chain,
    })
}

/// Copies a torn end beside the segment before it is cut off: it may be of use to somebody.
fn keep_torn(dir: &Path, end: DurableEnd, bytes: u64) -> Result<Torn, Error> {
    let mut torn = Torn {
        segment: end.segment,
        offset: end.offset,
        bytes,
        kept: None,
    };
    let path = format::segment_path(dir, end.segment);
    let io = |source| Error::io("read", &path, source);
    let mut from = File::open(&path).map_err(io)?;
    from.seek(SeekFrom::Start(end.offset)).map_err(io)?;
    let kept = format::torn_path(dir, end.segment, end.offset);
    let mut to: Option<File> = None;
    let mut buffer = vec![0; 64 << 10];
    let mut zeros = 0_u64;
    loop {
        let read = from.read(&mut buffer).map_err(io)?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        if to.is_none() && chunk.iter().all(|byte| *byte == 0) {
            zeros = zeros.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            continue;
        }
        let io = |source| Error::io("write", &kept, source);
        let file = match to.as_mut() {
            Some(file) => file,
            None => {
                let mut file = File::create(&kept).map_err(io)?;
                // The zeros before are kept as a hole.
                file.set_len(zeros).map_err(io)?;
                file.seek(SeekFrom::Start(zeros)).map_err(io)?;
                to.insert(file)
            }
        };
        file.write_all(chunk).map_err(io)?;
    }
    if let Some(file) = to {
        file.sync_all()
            .map_err(|source| Error::io("sync", &kept, source))?;
        file::sync_dir(dir)?;
        torn.kept = Some(kept);
    }
    Ok(torn)
}
