//! Signed documents, judged and told.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Seek as _};

use gateway_asic::report::{CertificateFacts, Covered, Part, Report, TimeStamp};
use gateway_asic::zip::{Content, Limits, Source};
use gateway_asic::{container, verify};
use gateway_globalconf::Snapshot;
use serde_json::{Value, json};

use super::Error;
use super::unpacked::{Room, Unpacked};

/// A signed document, and what came out for it.
#[derive(Debug)]
pub(super) struct Document {
    /// The name of its file.
    pub(super) name: String,
    pub(super) verdict: Result<Box<Report>, Refused>,
}

/// Why a document does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The code that other verifiers use for it.
    pub(super) code: String,
    /// What is wrong, whose fault it is, what to do.
    pub(super) explanation: String,
}

/// Judges one container.
pub(super) fn judge(name: &str, source: impl Into<Source>, conf: &Snapshot) -> Document {
    let verdict = container::open(source, &Limits::CONTAINER)
        .and_then(|container| verify::verify(&container, conf));
    Document {
        name: name.to_owned(),
        verdict: verdict.map(Box::new).map_err(|error| Refused::of(&error)),
    }
}

/// Judges a container that lies in another file.
pub(super) fn nested(
    name: &str,
    content: Content,
    bytes: u64,
    room: Room,
    conf: &Snapshot,
) -> Result<Document, Error> {
    Ok(match taken_out_within(content, bytes, room)? {
        Ok(source) => judge(name, source, conf),
        Err(reason) => Document::unreadable(name, &reason),
    })
}

/// A file that lies in another one, to be read by position: small ones in memory, long ones in a file
/// without name. The inner error: it is not as it says.
pub(super) fn taken_out(content: Content, bytes: u64) -> Result<Result<Source, String>, Error> {
    taken_out_within(content, bytes, Room::FIXED)
}

fn taken_out_within(
    content: impl Read,
    bytes: u64,
    room: Room,
) -> Result<Result<Source, String>, Error> {
    // What it says of itself, before anything is written; what it really is, while it is written.
    if bytes > room.left {
        return Ok(Err(room.exceeded()));
    }
    taken_out_by(content, bytes <= MEMORY_BYTES_MAX, room)
}

fn taken_out_by(
    mut content: impl Read,
    is_short: bool,
    room: Room,
) -> Result<Result<Source, String>, Error> {
    if is_short {
        let mut octets = Vec::new();
        return Ok(match content.read_to_end(&mut octets) {
            Ok(_) => Ok(octets.into()),
            Err(error) => Err(error.to_string()),
        });
    }
    let mut file = Unpacked::new(temporary()?, room);
    let copied = io::copy(&mut content, &mut file);
    match file.finish()? {
        Ok(file) => match copied {
            Ok(_) => rewound(file).map(Ok),
            Err(error) => Ok(Err(error.to_string())),
        },
        Err(reason) => Ok(Err(reason)),
    }
}

/// A file without name, gone with its last handle.
pub(super) fn temporary() -> Result<File, Error> {
    tempfile::tempfile().map_err(Error::Temporary)
}

/// What was written to it, to be read.
pub(super) fn rewound(mut file: File) -> Result<Source, Error> {
    file.rewind()
        .and_then(|()| Source::file(file))
        .map_err(Error::Temporary)
}

impl Refused {
    fn of(error: &verify::Error) -> Self {
        Self {
            code: error.code(),
            explanation: error.explanation(),
        }
    }
}

impl Document {
    /// One whose octets cannot be had.
    pub(super) fn unreadable(name: &str, reason: &str) -> Self {
        Self {
            name: name.to_owned(),
            verdict: Err(Refused {
                code: "io_error".to_owned(),
                explanation: reason.to_owned(),
            }),
        }
    }

    pub(super) fn holds(&self) -> bool {
        self.verdict.is_ok()
    }

    /// What people read: the verdict, then what it is about.
    pub(super) fn text(&self, place: &str) -> String {
        match &self.verdict {
            Ok(report) => {
                let mut text = format!("holds  {place}\n");
                report_text(&mut text, report);
                text
            }
            Err(Refused { code, explanation }) => {
                format!("FAILS  {place}\n  {code}: {}\n", printable(explanation))
            }
        }
    }

    /// One line for a list of what failed; `None`: nothing did.
    pub(super) fn failure(&self) -> Option<String> {
        let refused = self.verdict.as_ref().err()?;
        Some(format!("{}: {}", refused.code, refused.explanation))
    }

    pub(super) fn json(&self) -> Value {
        match &self.verdict {
            Ok(report) => {
                let mut document = report_json(report);
                if let Some(fields) = document.as_object_mut() {
                    fields.insert("kind".to_owned(), "container".into());
                    fields.insert("ok".to_owned(), true.into());
                    fields.insert("name".to_owned(), self.name.clone().into());
                }
                document
            }
            Err(Refused { code, explanation }) => json!({
                "kind": "container", "ok": false, "name": self.name,
                "code": code, "reason": explanation,
            }),
        }
    }
}

fn report_text(text: &mut String, report: &Report) {
    let Report {
        message,
        signer,
        status,
        timestamp,
        covered,
        uncovered,
        warnings,
    } = report;
    let mut line = |name: &str, value: &str| line(text, name, value);
    line(
        "message",
        &format!("{} {}", message.protocol, message.direction),
    );
    if let Some(client) = &message.client {
        line("client", &client.to_string());
    }
    if let Some(service) = &message.service {
        line("service", &service.to_string());
    }
    line("message id", &message.id);
    if let Some(id) = &message.request_id {
        line("request id", id);
    }
    line("signed by", &signer.id.member().to_string());
    if signer.id.subsystem().is_some() {
        line("on behalf of", &signer.id.to_string());
    }
    let certificate = &signer.certificate;
    line(
        "certificate",
        &format!("{} (serial {})", certificate.subject, certificate.serial),
    );
    line("issued by", &certificate.issuer);
    line(
        "valid",
        &format!("{} to {}", certificate.not_before, certificate.not_after),
    );
    let responder = status.responder.as_ref();
    let responder = responder.map_or("the issuer or one it named", |facts| &facts.subject);
    line(
        "status then",
        &format!("good by OCSP of {}, from {responder}", status.produced_at),
    );
    let TimeStamp {
        time, authority, ..
    } = timestamp;
    line("stamped at", &time.to_string());
    line("stamped by", &authority.subject);
    for part in covered {
        line("covers", &covered_text(part));
    }
    for file in uncovered {
        line(
            "not covered",
            &format!("{}, {} bytes: {}", file.name, file.bytes, file.reason),
        );
    }
    for warning in warnings {
        line("warning", &warning.to_string());
    }
}

fn covered_text(covered: &Covered) -> String {
    let name = &covered.name;
    match (covered.part, &covered.digest) {
        (Part::Verified { bytes }, _) => format!("{name}, {bytes} bytes, verified"),
        (Part::NotKept, None) => format!("{name}, signed but not kept"),
        (Part::NotKept, Some(digest)) => format!(
            "{name}, signed but not kept; its {} is {}",
            digest.algorithm(),
            hex::encode(digest.as_bytes())
        ),
    }
}

fn report_json(report: &Report) -> Value {
    let covered = report.covered.iter().map(|covered| {
        let bytes = match covered.part {
            Part::Verified { bytes } => Some(bytes),
            Part::NotKept => None,
        };
        json!({
            "name": covered.name,
            "verified": bytes.is_some(),
            "bytes": bytes,
            "algorithm": covered.digest.map(|digest| digest.algorithm().name()),
            "digest": covered.digest.map(|digest| hex::encode(digest.as_bytes())),
        })
    });
    let uncovered = report.uncovered.iter().map(
        |file| json!({ "name": file.name, "bytes": file.bytes, "reason": file.reason.to_string() }),
    );
    let warnings = report.warnings.iter().map(ToString::to_string);
    json!({
        "protocol": report.message.protocol.to_string(),
        "direction": report.message.direction.to_string(),
        "client": report.message.client.as_ref().map(ToString::to_string),
        "service": report.message.service.as_ref().map(ToString::to_string),
        "message_id": report.message.id,
        "request_id": report.message.request_id,
        "signer": {
            "id": report.signer.id.to_string(),
            "member": report.signer.id.member().to_string(),
            "claimed_time": report.signer.claimed_time.map(|time| time.to_string()),
            "certificate": certificate_json(&report.signer.certificate),
        },
        "status": {
            "produced_at": report.status.produced_at.to_string(),
            "this_update": report.status.this_update.to_string(),
            "next_update": report.status.next_update.map(|time| time.to_string()),
            "responder": report.status.responder.as_ref().map(certificate_json),
        },
        "time_stamp": {
            "time": report.timestamp.time.to_string(),
            "serial": report.timestamp.serial,
            "policy": report.timestamp.policy,
            "authority": certificate_json(&report.timestamp.authority),
        },
        "covered": covered.collect::<Vec<_>>(),
        "not_covered": uncovered.collect::<Vec<_>>(),
        "warnings": warnings.collect::<Vec<_>>(),
    })
}

fn certificate_json(facts: &CertificateFacts) -> Value {
    json!({
        "subject": facts.subject,
        "issuer": facts.issuer,
        "serial": facts.serial,
        "not_before": facts.not_before.to_string(),
        "not_after": facts.not_after.to_string(),
        "sha256": hex::encode(facts.sha256.as_bytes()),
    })
}

/// One fact of a verdict.
pub(super) fn line(text: &mut String, name: &str, value: &str) {
    let _infallible = writeln!(text, "  {name:<14}{}", printable(value));
}

/// What others wrote must not steer a terminal, nor turn the order of what is read.
pub(super) fn printable(text: &str) -> String {
    let shown = |letter: char| match letter.is_control() || turns(letter) {
        true => char::REPLACEMENT_CHARACTER,
        false => letter,
    };
    text.chars().map(shown).collect()
}

/// Separates lines, or changes the direction of writing (Unicode, UAX #9).
fn turns(letter: char) -> bool {
    matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

const MEMORY_BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_another_file_is_read_from_memory_or_disk_alike() {
        let octets: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        for is_short in [true, false] {
            let source = taken_out_by(&octets[..], is_short, Room::FIXED)
                .unwrap()
                .unwrap();
            assert_eq!(source.bytes(), 100_000);
        }
        let mut zip =
            gateway_asic::zip::Writer::new(Vec::new(), gateway_asic::zip::Options::archive());
        zip.file("x", jiff::Timestamp::UNIX_EPOCH, &octets).unwrap();
        let (packed, _) = zip.finish().unwrap();
        let source = taken_out_by(&packed[..], false, Room::FIXED)
            .unwrap()
            .unwrap();
        let archive = gateway_asic::zip::Archive::open(source, &Limits::ARCHIVE).unwrap();
        let read = archive.read(archive.entry("x").unwrap()).unwrap();
        assert_eq!(read, octets);
    }

    #[test]
    fn no_more_is_unpacked_than_may_be() {
        let room = Room::given(Some(1000));
        let too_large = "it is larger than 1000 bytes when unpacked; --unpack-max allows more";
        // By what it says, and by what it is.
        let refused = taken_out_within(&[0; 10][..], 1001, room).unwrap();
        assert_eq!(refused.unwrap_err(), too_large);
        let refused = taken_out_by(io::repeat(0), false, room).unwrap();
        assert_eq!(refused.unwrap_err(), too_large);
        let source = taken_out_by(io::repeat(0).take(1000), false, room).unwrap();
        assert_eq!(source.unwrap().bytes(), 1000);
        let beside = room.beside(600);
        let refused = taken_out_by(io::repeat(0).take(401), false, beside).unwrap();
        assert_eq!(refused.unwrap_err(), too_large);
        let refused = taken_out_within(io::empty(), 1 << 40, Room::FIXED).unwrap();
        assert_eq!(
            refused.unwrap_err(),
            "it is larger than 16 GiB when unpacked"
        );
    }

    #[test]
    fn a_document_that_cannot_be_read_is_a_finding() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _octets: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::InvalidData.into())
            }
        }
        assert!(taken_out_by(Broken, false, Room::FIXED).unwrap().is_err());
    }

    #[test]
    fn what_others_wrote_does_not_steer_a_terminal() {
        assert_eq!(
            printable("a\u{1b}[2Jb\n\u{85}c"),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}c"
        );
        assert_eq!(printable("AZ\u{202e}1\u{2028}ə"), "AZ\u{fffd}1\u{fffd}ə");
        let mut text = String::new();
        line(&mut text, "message id", "x\r\ny");
        assert_eq!(text, "  message id    x\u{fffd}\u{fffd}y\n");
    }
}
