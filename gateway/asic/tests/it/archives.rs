//! Archive files: written, verified, refused; downloads.

use std::fs::File;

use bytes::Bytes;
use certs_keys::DigestAlgorithm;
use gateway_asic::archive::{Archive, Error, Finished, Report, Start, Writer, verify};
use gateway_asic::linking::Previous;
use gateway_asic::names::{self, Direction};
use gateway_asic::zip::{self, Limits, Options, Source};
use jiff::Timestamp;

use crate::country::{Country, NOW, Stamp, seconds};

/// Name, time of the record, container.
type Record = (String, Timestamp, Bytes);

fn records(country: &Country) -> Vec<Record> {
    let (request, response) = country.rest("r-1", Some("{}"));
    let sealed = [
        (
            "s-1",
            Direction::Request,
            country.soap_request("s-1", &["one"]),
        ),
        (
            "s-1",
            Direction::Response,
            country.soap_response("s-1", &[]),
        ),
        ("r-1", Direction::Request, request),
        ("r-1", Direction::Response, response),
    ];
    (0_i64..)
        .zip(sealed)
        .map(|(index, (id, direction, sealed))| {
            let name = names::container(id, direction, index as u64 + 1);
            let container = country.container(&sealed, Stamp::Batch, NOW);
            (name, NOW + seconds(10 - index), container)
        })
        .collect()
}

fn write(records: &[Record], previous: Option<Previous>) -> Finished<Vec<u8>> {
    let mut writer = Writer::new(Vec::new(), DigestAlgorithm::Sha512, previous);
    for (name, time, container) in records {
        let bytes = writer.add(name, *time, &mut &container[..]).unwrap();
        assert_eq!(bytes, container.len() as u64);
    }
    let sum: usize = records
        .iter()
        .map(|(_, _, container)| container.len())
        .sum();
    assert_eq!(writer.container_bytes(), sum as u64);
    assert_eq!(writer.containers(), records.len());
    let finished = writer.finish().unwrap();
    assert_eq!(finished.bytes, finished.out.len() as u64);
    finished
}

fn judge(country: &Country, file: &[u8], start: Start<'_>) -> Result<Report, Error> {
    let source = Bytes::copy_from_slice(file);
    verify(
        source,
        start,
        &Limits::ARCHIVE,
        &Limits::CONTAINER,
        &country.conf(),
    )
}

/// An archive file of any entries, with this linking information.
fn forge(records: &[Record], linking: Option<&str>) -> Vec<u8> {
    let mut writer = zip::Writer::new(Vec::new(), Options::archive());
    for (name, time, container) in records {
        writer.file(name, *time, container).unwrap();
    }
    if let Some(text) = linking {
        writer.file("linkinginfo", NOW, text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().0
}

#[test]
fn verifies_what_it_wrote() {
    let country = Country::new();
    let records = records(&country);
    let finished = write(&records, None);
    assert_eq!(finished.first, NOW + seconds(7));
    assert_eq!(finished.last, NOW + seconds(10));
    let name = finished.file_name(Some("DEV/COM/1111"));
    assert!(name.starts_with("mlog-DEV_COM_1111-20300101000007-20300101000010-"));
    assert!(name.contains(&finished.info.last_digest()[..16]));

    let report = judge(&country, &finished.out, Start::First).unwrap();
    assert!(report.holds());
    let linked = report.linked.unwrap();
    assert_eq!(linked.info, finished.info);
    assert!(linked.is_start_verified);
    let names: Vec<&str> = report
        .containers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let expected: Vec<&str> = records.iter().map(|(name, _, _)| name.as_str()).collect();
    assert_eq!(names, expected);
    assert_eq!(names[0], "s-1-request-1.asice");
    assert_eq!(report.foreign, Vec::<String>::new());
}

#[test]
fn the_same_containers_give_the_same_octets() {
    let country = Country::new();
    let records = records(&country);
    assert_eq!(write(&records, None).out, write(&records, None).out);
}

#[test]
fn the_linking_information_comes_last() {
    let country = Country::new();
    let finished = write(&records(&country), None);
    let archive = zip::Archive::open(Bytes::from(finished.out), &Limits::ARCHIVE).unwrap();
    let last = archive.entries().last().unwrap();
    assert_eq!(last.name(), "linkinginfo");
    assert_eq!(last.time(), Some(NOW + seconds(10)));
    assert_eq!(
        archive.read(last).unwrap(),
        finished.info.encode().as_bytes()
    );
}

#[test]
fn a_file_goes_on_from_the_one_before() {
    let country = Country::new();
    let records = records(&country);
    let first = write(&records[..2], None);
    let digest = first.info.last_digest().to_owned();
    let previous = Previous {
        digest: digest.clone(),
        file_name: first.file_name(None),
    };
    let second = write(&records[2..], Some(previous.clone()));
    let report = judge(&country, &second.out, Start::After(&digest)).unwrap();
    assert_eq!(report.linked.unwrap().info.previous, Some(previous));
    let upper = digest.to_uppercase();
    assert!(judge(&country, &second.out, Start::After(&upper)).is_ok());
    let report = judge(&country, &second.out, Start::Unknown).unwrap();
    assert!(!report.linked.unwrap().is_start_verified);

    // A file between them was lost, or somebody begins anew.
    let other = "0".repeat(128);
    for (file, start) in [
        (&second.out, Start::After(&other)),
        (&second.out, Start::First),
        (&first.out, Start::After(&digest)),
    ] {
        let error = judge(&country, file, start).unwrap_err();
        assert!(matches!(error, Error::Previous { .. }), "{error:?}");
    }
}

#[test]
fn refuses_containers_other_than_those_linked() {
    let country = Country::new();
    let records = records(&country);
    let text = write(&records, None).info.encode();
    let check = |records: &[Record], text: &str| {
        judge(&country, &forge(records, Some(text)), Start::First).unwrap_err()
    };
    // One changed, in the middle.
    let mut changed = records.clone();
    changed[1].2 = records[2].2.clone();
    let error = check(&changed, &text);
    assert!(matches!(error, Error::Digest { name } if name == records[1].0));
    // One too few, and one too many.
    let error = check(&records[1..], &text);
    assert!(matches!(error, Error::Missing { name } if name == records[0].0));
    let mut more = records.clone();
    more.push(("x-request-9.asice".to_owned(), NOW, records[0].2.clone()));
    let error = check(&more, &text);
    assert!(matches!(error, Error::Unlinked { name } if name == "x-request-9.asice"));
    // In another order.
    let mut reordered = records.clone();
    reordered.swap(1, 2);
    let error = check(&reordered, &text);
    assert!(matches!(error, Error::Order { .. }));
    // Under another name.
    let mut swapped = records.clone();
    swapped[0].0 = records[1].0.clone();
    swapped[1].0 = records[0].0.clone();
    let error = check(&swapped, &text);
    assert!(matches!(error, Error::Order { .. }));
    // The last line taken away, with its container: only the next file, or who holds the last
    // digest, can tell; without its container it is seen.
    let cut: String = text.split_inclusive('\n').take(4).collect();
    let error = check(&records, &cut);
    assert!(matches!(error, Error::Unlinked { .. }));
    // A digest changed.
    let digest = write(&records, None).info.links[2].digest.clone();
    let error = check(&records, &text.replace(&digest, &"0".repeat(128)));
    assert!(matches!(error, Error::Digest { name } if name == records[2].0));
    let error = check(&records, "no linking information");
    assert!(matches!(error, Error::Linking(_)));
}

#[test]
fn every_container_has_a_verdict_of_its_own() {
    let country = Country::new();
    let mut records = records(&country);
    let broken = crate::files::Files::of(&records[1].2)
        .replacing("message.xml", "lookupResponse", "lookupRespons3")
        .zip();
    records[1].2 = broken;
    records[2].2 = Bytes::from_static(b"no container");
    // It was archived so: the chain holds.
    let finished = write(&records, None);
    let report = judge(&country, &finished.out, Start::First).unwrap();
    assert!(!report.holds());
    let codes: Vec<Option<String>> = report
        .containers
        .iter()
        .map(|(_, verdict)| verdict.as_ref().err().map(|error| error.code()))
        .collect();
    assert_eq!(codes[0], None);
    assert!(codes[1].is_some());
    assert_eq!(codes[2].as_deref(), Some("io_error"));
    assert_eq!(codes[3], None);
}

#[test]
fn a_download_is_containers_without_a_chain() {
    let country = Country::new();
    let records = records(&country);
    let mut with_note = records[..2].to_vec();
    with_note.push(("note.txt".to_owned(), NOW, Bytes::from_static(b"x")));
    let download = forge(&with_note, None);
    let report = judge(&country, &download, Start::Unknown).unwrap();
    assert!(report.holds());
    assert_eq!(report.linked, None);
    assert_eq!(report.containers.len(), 2);
    assert_eq!(report.foreign, ["note.txt"]);
    // Whoever asks for a chain is told that there is none: it may have been taken away.
    for start in [Start::First, Start::After("00")] {
        let error = judge(&country, &download, start).unwrap_err();
        assert!(matches!(error, Error::NoLinkingInfo));
    }
}

#[test]
fn refuses_a_file_without_containers() {
    let country = Country::new();
    let empty = forge(&[], Some("- - SHA-512\n"));
    let error = judge(&country, &empty, Start::First).unwrap_err();
    assert!(matches!(error, Error::NoContainer));
    let error = judge(&country, b"no archive", Start::First).unwrap_err();
    assert!(matches!(error, Error::Zip(_)));
    let writer = Writer::new(Vec::new(), DigestAlgorithm::Sha512, None);
    assert!(matches!(writer.finish(), Err(Error::NoContainer)));
}

#[test]
fn refuses_to_write_the_same_name_twice() {
    let mut writer = Writer::new(Vec::new(), DigestAlgorithm::Sha512, None);
    writer.add("a.asice", NOW, &mut &b"one"[..]).unwrap();
    let error = writer.add("a.asice", NOW, &mut &b"two"[..]).unwrap_err();
    assert!(matches!(error, Error::Zip(_)));
}

#[test]
fn reads_from_a_file() {
    let country = Country::new();
    let finished = write(&records(&country), None);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(finished.file_name(None));
    std::fs::write(&path, &finished.out).unwrap();
    let source = Source::file(File::open(&path).unwrap()).unwrap();
    let archive = Archive::open(source, &Limits::ARCHIVE).unwrap();
    assert!(archive.has_links());
    let linked = archive.links(Start::First).unwrap();
    assert_eq!(linked.info, finished.info);
    let entry = &archive.containers()[0];
    let container = archive.container(entry, &Limits::CONTAINER).unwrap();
    assert!(container.message().starts_with(b"<e:Envelope"));
}
