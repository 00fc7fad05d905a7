//! Bounds of what is unpacked to disk, and a temporary file that keeps them.

use std::fs::File;
use std::io::{self, Write};

use super::Error;

/// How much may be unpacked to disk at one time: an archive of a mebibyte can hold a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    max: u64,
    pub(super) left: u64,
    /// The auditor can allow more.
    is_option: bool,
}

impl Room {
    /// Where nobody can say otherwise.
    pub(super) const FIXED: Self = Self {
        max: UNPACK_BYTES_MAX,
        left: UNPACK_BYTES_MAX,
        is_option: false,
    };

    /// As `--unpack-max` says.
    pub(super) fn given(bytes: Option<u64>) -> Self {
        let max = bytes.unwrap_or(UNPACK_BYTES_MAX);
        Self {
            max,
            left: max,
            is_option: true,
        }
    }

    /// What remains beside a file of so many octets.
    pub(super) fn beside(self, bytes: u64) -> Self {
        Self {
            left: self.left.saturating_sub(bytes),
            ..self
        }
    }

    pub(super) fn exceeded(self) -> String {
        let hint = match self.is_option {
            true => "; --unpack-max allows more",
            false => "",
        };
        format!(
            "it is larger than {} when unpacked{hint}",
            size_text(self.max)
        )
    }
}

/// A temporary file being written, in bounds. What fails here is our disk, and not what was given.
pub(super) struct Unpacked<W = File> {
    out: W,
    room: Room,
    is_exceeded: bool,
    failure: Option<io::Error>,
}

impl<W> Unpacked<W> {
    pub(super) fn new(out: W, room: Room) -> Self {
        Self {
            out,
            room,
            is_exceeded: false,
            failure: None,
        }
    }

    /// The file. The inner error: there is more than may be unpacked; what was written is no whole.
    pub(super) fn finish(self) -> Result<Result<W, String>, Error> {
        match self.failure {
            Some(error) => Err(Error::Temporary(error)),
            None if self.is_exceeded => Ok(Err(self.room.exceeded())),
            None => Ok(Ok(self.out)),
        }
    }
}

impl<W: Write> Write for Unpacked<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let bytes = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        if bytes > self.room.left {
            self.is_exceeded = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        match self.out.write(octets) {
            Ok(written) => {
                let bytes = u64::try_from(written).unwrap_or(u64::MAX);
                self.room = self.room.beside(bytes);
                Ok(written)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(error);
                Err(kind.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A number of octets, as people write it: `500M`, `16G`, or without a letter.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = SIZES
        .iter()
        .find_map(|(letter, unit)| Some((text.strip_suffix(*letter)?, *unit)))
        .unwrap_or((text, 1));
    let is_number = !number.is_empty() && number.bytes().all(|octet| octet.is_ascii_digit());
    let number = number.parse::<u64>().ok().filter(|_| is_number);
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "write it as 500M, 16G or 2T".to_owned())
}

fn size_text(bytes: u64) -> String {
    let whole = SIZES.iter().find_map(|(letter, unit)| {
        let count = bytes.checked_div(*unit).filter(|count| *count > 0)?;
        (bytes.checked_rem(*unit) == Some(0)).then(|| format!("{count} {letter}iB"))
    });
    whole.unwrap_or_else(|| format!("{bytes} bytes"))
}

/// More than a body may be when nodes are not told otherwise.
const UNPACK_BYTES_MAX: u64 = 16 << 30;
const SIZES: [(char, u64); 4] = [
    ('T', 1 << 40),
    ('G', 1 << 30),
    ('M', 1 << 20),
    ('K', 1 << 10),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_no_failure_of_the_document() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _octets: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut file = Unpacked::new(Full, Room::FIXED);
        io::copy(&mut &[0; 10][..], &mut file).unwrap_err();
        let Err(error) = file.finish() else {
            panic!("nothing was written");
        };
        assert!(matches!(error, Error::Temporary(_)), "{error:?}");
        assert!(error.to_string().contains("no room"), "{error}");
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [("0", 0), ("7", 7), ("3K", 3 << 10), ("16G", 16 << 30)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "G", "-1", "+1", "1.5G", "16 G", "16GB", "99999999999T"] {
            parse_size(text).unwrap_err();
        }
    }
}
