//! Containers that another implementation made, read from the folder that `KARVAN_XROAD_VECTORS`
//! names; not run without it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use gateway_asic::report::{Direction, Form, Part, Protocol, Stamped, Unsigned, Warning};
use gateway_asic::verify::{Blame, Error};
use gateway_globalconf::Snapshot;

use crate::country::{check_refused, judge, open};
use crate::files::Files;

struct Vectors {
    folder: PathBuf,
    conf: Snapshot,
}

impl Vectors {
    fn find() -> Option<Self> {
        let Some(folder) = std::env::var_os("KARVAN_XROAD_VECTORS") else {
            eprintln!("not run: KARVAN_XROAD_VECTORS is not set");
            return None;
        };
        let folder = PathBuf::from(folder).join("asic");
        let root = folder.join("globalconf");
        let names = [
            "instance-identifier",
            "DEV/shared-params.xml",
            "DEV/shared-params.xml.metadata",
        ];
        let files: BTreeMap<_, _> = names
            .iter()
            .map(|name| ((*name).to_owned(), std::fs::read(root.join(name)).unwrap()))
            .collect();
        // Without an expiry the time of reading does not matter.
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let conf = Snapshot::from_files(&files, now).unwrap();
        Some(Self { folder, conf })
    }

    fn read(&self, name: &str) -> Bytes {
        read(&self.folder.join(format!("{name}.asice")))
    }
}

fn read(path: &Path) -> Bytes {
    std::fs::read(path).unwrap().into()
}

/// One that is put into the folder later has no verdict here, and fails.
#[test]
fn every_container_of_the_folder_has_the_verdict_stated_for_it() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(&vectors.folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "asice")
        {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let verdict = judge(&read(&path), &vectors.conf);
            found.insert(name, verdict.map(drop).map_err(|error| error.code()));
        }
    }
    let refused = |code: &str| Err(code.to_owned());
    let expected = [
        ("attachments", refused("asic_message_not_found")),
        ("invalid-digest", refused("invalid_signature_value")),
        ("invalid-not-signed-hashchain", Ok(())),
        ("valid-batch-ts", Ok(())),
        ("valid-non-batch-rest", Ok(())),
        ("valid-signed-hashchain", Ok(())),
        ("valid-signed-message", Ok(())),
    ]
    .map(|(name, verdict)| (name.to_owned(), verdict));
    assert_eq!(found, BTreeMap::from(expected));
}

#[test]
fn accepts_a_signed_message() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let report = judge(&vectors.read("valid-signed-message"), &vectors.conf).unwrap();
    assert_eq!(report.message.protocol, Protocol::Soap);
    assert_eq!(report.message.direction, Direction::Request);
    assert_eq!(report.message.id, "dd19fe68-7d37-41bd-b79c-8948ccdb36da");
    assert_eq!(report.signer.id.to_rest(), "DEV/COM/4321/TestClient");
    assert_eq!(report.signer.form, Form::Direct);
    assert_eq!(report.timestamp.over, Stamped::Signature);
    assert_eq!(
        report.timestamp.authority.issuer,
        report.signer.certificate.issuer
    );
    assert!(report.status.responder.is_some());
    assert_eq!(report.uncovered, []);
    assert_eq!(report.warnings, []);
}

#[test]
fn accepts_a_batch_signature_whose_attachment_was_not_kept() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let report = judge(&vectors.read("valid-signed-hashchain"), &vectors.conf).unwrap();
    assert_eq!(report.signer.form, Form::Chain);
    let not_kept: Vec<_> = report.not_kept().collect();
    assert_eq!(not_kept.len(), 1);
    assert_eq!(not_kept[0].name, "/attachment1");
    let digest = not_kept[0].digest.unwrap();
    assert!(hex(digest.as_bytes()).starts_with("628676e9a0422ee195d16f49ec21fa"));
}

#[test]
fn accepts_a_batch_time_stamp() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let report = judge(&vectors.read("valid-batch-ts"), &vectors.conf).unwrap();
    assert_eq!(report.timestamp.over, Stamped::Chain);
    assert_eq!(report.message.id, "366462d3-8c68-4bf4-a418-641bbdf1004c");
    assert_eq!(report.warnings, []);
}

#[test]
fn accepts_a_signature_over_message_and_attachment_themselves() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let container = vectors.read("valid-non-batch-rest");
    let report = judge(&container, &vectors.conf).unwrap();
    assert_eq!(report.message.protocol, Protocol::Rest);
    assert_eq!(report.message.direction, Direction::Response);
    assert_eq!(report.signer.id.to_rest(), "DEV/COM/1234/TestService");
    assert_eq!(report.signer.form, Form::Direct);
    assert_eq!(report.covered.len(), 2);
    assert_eq!(report.covered[1].part, Part::Verified { bytes: 84 });

    // The other verifier cannot do without it; here it is signed and not kept.
    let without = Files::of(&container).without("attachment1").zip();
    let report = judge(&without, &vectors.conf).unwrap();
    assert_eq!(report.not_kept().count(), 1);
    let changed = Files::of(&container).with("attachment1", "{}").zip();
    check_refused(&changed, &vectors.conf, "invalid_signature_value");
    let further = Files::of(&container).with("attachment2", "{}").zip();
    let error = check_refused(&further, &vectors.conf, "malformed_signature");
    assert!(matches!(
        error,
        Error::Signature(gateway_seal::Error::Uncovered { .. })
    ));
}

#[test]
fn refuses_a_changed_digest() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    check_refused(
        &vectors.read("invalid-digest"),
        &vectors.conf,
        "invalid_signature_value",
    );
}

#[test]
fn accepts_the_signature_beside_an_unsigned_chain_and_names_the_chain() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let container = vectors.read("invalid-not-signed-hashchain");
    let report = judge(&container, &vectors.conf).unwrap();
    let mut named: Vec<_> = report
        .uncovered
        .iter()
        .map(|file| (file.name.as_str(), file.reason))
        .collect();
    named.sort_by_key(|(name, _)| *name);
    assert_eq!(
        named,
        [
            ("hashchain.xml", Unsigned::Foreign),
            ("hashchainresult.xml", Unsigned::Foreign),
            ("sig-hashchain.xml", Unsigned::Chain),
            ("sig-hashchainresult.xml", Unsigned::Chain),
        ]
    );
    // What the chain states of an attachment is signed by nobody.
    assert_eq!(report.not_kept().count(), 0);
    assert!(!report.warnings.contains(&Warning::SecondTimeStamp));
}

/// Of 2012: the message has another name, a SOAP message of an old protocol that names no member, and
/// the signature covers a manifest instead of its properties, which servers of today neither make
/// nor accept. Nothing in it could say whose signature it must bear, so it is refused, and at the
/// first check: the message is not where it must be.
#[test]
fn refuses_the_format_of_2012() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    let container = vectors.read("attachments");
    let error = check_refused(&container, &vectors.conf, "asic_message_not_found");
    assert_eq!(error.blame(), Blame::Container);
    // Under its name of today it is refused all the same.
    let files = Files::of(&container);
    let (old, message) = files
        .0
        .iter()
        .find(|(name, _)| name.ends_with("message.xml"))
        .unwrap();
    let renamed = files.clone().without(old).with("message.xml", message);
    let error = judge(&renamed.zip(), &vectors.conf).unwrap_err();
    assert!(
        matches!(error, Error::NoTimeStamp | Error::Soap(_)),
        "{error:?}"
    );
}

/// No container of another implementation is read differently after it was taken apart and put
/// together again.
#[test]
fn verdicts_do_not_depend_on_the_zip_file() {
    let Some(vectors) = Vectors::find() else {
        return;
    };
    for name in [
        "valid-signed-message",
        "valid-signed-hashchain",
        "valid-batch-ts",
        "valid-non-batch-rest",
    ] {
        let container = vectors.read(name);
        let expected = judge(&container, &vectors.conf).unwrap();
        let again = Files::of(&container).zip();
        assert_ne!(again, container);
        assert_eq!(judge(&again, &vectors.conf).unwrap(), expected, "{name}");
        assert_eq!(open(&again).unwrap().foreign().len(), 0);
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
