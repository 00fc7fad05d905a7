//! Seeds are good: a fuzzer that begins with refused inputs stays at the door.

use bytes::Bytes;
use conformance_fuzz::Target;
use gateway_globalconf::params::{PrivateParams, SharedParams, Version};
use gateway_globalconf::{Anchor, disk::Metadata};
use gateway_proto::Limits;
use gateway_proto::{envelope, rest, soap};
use gateway_seal::{Rules, VerifiedSignature};

/// How many seeds of a target are accepted, of how many.
#[track_caller]
fn check(target: &str, accepted: usize, accepts: impl Fn(&[u8]) -> bool) {
    let seeds = Target::find(target).unwrap().seeds().unwrap();
    let found = seeds.iter().filter(|seed| accepts(seed)).count();
    assert_eq!(found, accepted, "of {} seeds of {target}", seeds.len());
}

#[test]
fn messages_are_messages() {
    let message = |seed: &[u8]| {
        let bytes = Bytes::copy_from_slice(seed);
        matches!(
            soap::parse(bytes, "text/xml", &Limits::default()),
            Ok(soap::Parsed::Message(_))
        )
    };
    check("soap_envelope", 4, message);
    check("rest_request", 2, |seed| {
        rest::Request::from_block(Bytes::copy_from_slice(seed)).is_ok()
    });
    check("rest_response", 2, |seed| {
        rest::Response::from_block(Bytes::copy_from_slice(seed)).is_ok()
    });
    check("soap_fault", 3, |seed| {
        let bytes = Bytes::copy_from_slice(seed);
        gateway_proto::fault::Fault::from_xml(bytes, "text/xml", &Limits::default()).is_ok()
    });
    check("envelope", 5, |seed| {
        let line = seed.iter().position(|byte| *byte == b'\n').unwrap();
        let content_type = std::str::from_utf8(&seed[..line]).unwrap();
        let mut decoder = envelope::Decoder::new(content_type, &Limits::default()).unwrap();
        decoder.push(Bytes::copy_from_slice(&seed[line + 1..]));
        decoder.finish();
        loop {
            match decoder.next_part() {
                Ok(Some(envelope::Part::End)) => return true,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return false,
            }
        }
    });
}

#[test]
fn what_is_signed_verifies() {
    check("signature", 3, |seed| {
        VerifiedSignature::verify(seed, Rules::Wire, &certs_x509::Memo::default()).is_ok()
    });
    check("hash_chain", 5, |seed| {
        let mut halves = seed.split(|byte| *byte == 0);
        let (_, chain) = (halves.next().unwrap(), halves.next().unwrap());
        gateway_seal::hashchain::data_references(chain).is_ok_and(|parts| !parts.is_empty())
    });
    check("stamped_signature", 3, |seed| {
        gateway_asic::stamping::embed(seed, b"token").is_ok()
    });
    check("zip_archive", 12, |seed| {
        use gateway_asic::zip::{Archive, Limits};
        let read = |limits| {
            let archive = Archive::open(seed.to_vec(), limits)?;
            let mut entries = archive.entries().iter();
            entries.try_for_each(|entry| archive.read(entry).map(drop))
        };
        read(&Limits::CONTAINER).is_ok() || read(&Limits::ARCHIVE).is_ok()
    });
    // Half of them are lists of files.
    check("asic_container", 8, |seed| {
        let limits = gateway_asic::zip::Limits::CONTAINER;
        let container = gateway_asic::container::open(seed.to_vec(), &limits);
        let conf = conformance_fuzz::made::configuration();
        container.is_ok_and(|container| gateway_asic::verify::verify(&container, conf).is_ok())
    });
    check("certificate_request", 2, |seed| {
        certs_x509::request::verify(seed).is_ok()
    });
}

#[test]
fn what_an_archive_is_made_of_is_read() {
    use gateway_evidence::archive::{Archiver, Options, openpgp::PublicKey};
    check("linking_info", 3, |seed| {
        gateway_asic::linking::Info::parse(seed).is_ok()
    });
    check("openpgp_key", 4, |seed| PublicKey::read(seed).is_ok());
    check("archive_openpgp", 3, conformance_fuzz::made::is_archive);
    check("archive_state", 3, |seed| {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("archive");
        std::fs::create_dir(&archive).unwrap();
        std::fs::write(archive.join("state.json"), seed).unwrap();
        let log = folder.path().join("log");
        let log = gateway_messagelog::MessageLog::open(&log, Default::default()).unwrap();
        Archiver::new(log, Options::new(archive)).last_run().is_ok()
    });
}

#[test]
fn what_a_transparency_log_signs_is_accepted() {
    use gateway_tlog::{note::Note, proof::Proof, tile::Resource, witness::AddCheckpoint};
    check("signed_note", 4, |seed| Note::parse(seed).is_ok());
    check("tlog_tile", 7, |seed| {
        let line = seed.iter().position(|byte| *byte == b'\n').unwrap();
        Resource::from_path(std::str::from_utf8(&seed[..line]).unwrap()).is_ok()
    });
    check("tlog_proof", 4, |seed| Proof::decode(seed).is_ok());
    check("add_checkpoint", 5, |seed| {
        AddCheckpoint::decode(seed).is_ok()
    });
}

#[test]
fn configurations_are_read() {
    check("anchor", 1, |seed| Anchor::from_xml(seed).is_ok());
    check("disk_metadata", 2, |seed| {
        Metadata::from_json(seed, "x").is_ok()
    });
    check("shared_params", 2, |seed| {
        SharedParams::from_xml(seed, Version::CURRENT, "AZ")
            .is_ok_and(|read| read.left_out.is_empty() && !read.servers.is_empty())
    });
    check("private_params", 1, |seed| {
        PrivateParams::from_xml(seed, Version::CURRENT, "AZ").is_ok()
    });
    check("adapter_description", 2, |seed| {
        let text = std::str::from_utf8(seed).unwrap();
        adapters_sql::config::check("adapter.toml", text).is_ok()
    });
}

#[test]
fn what_a_registry_publishes_is_obeyed() {
    use certs_keys::Ed25519Key;
    use gateway_policy::feed::{Page, State};
    use gateway_policy::{json, locate, rules::Rules};
    use gateway_tlog::note::{Kind, Signer};
    check("rules_part", 2, |seed| Rules::read(seed, "AZ").is_ok());
    // Of the signed ones only what is signed is JSON.
    check("strict_json", 3, |seed| json::parse(seed, 100_000).is_ok());
    check("feed_line", 5, |seed| {
        State::new().replay_unchecked(seed).is_ok()
    });
    check("feed_page", 5, |seed| {
        let key = Ed25519Key::from_seed(&[4; 32]).unwrap();
        let signer = Signer::new(Kind::Ed25519, "AZ-feed", key).unwrap();
        Page::verify(seed, signer.verifier(), "AZ", jiff::Timestamp::MAX).is_ok()
    });
    let parts = Target::find("rules_part").unwrap().seeds().unwrap();
    let rules: Vec<_> = parts
        .iter()
        .map(|part| Rules::read(part, "AZ").unwrap())
        .collect();
    check("consent_artefact", 2, |seed| {
        let text = std::str::from_utf8(seed).unwrap();
        let verify = |rules| gateway_policy::consent::verify(text, rules).is_ok();
        rules.iter().any(verify)
    });
    check("person_locator", 5, |seed| {
        let line = seed.iter().position(|byte| *byte == b'\n').unwrap();
        let place = std::str::from_utf8(&seed[..line]).unwrap().to_owned();
        locate::Place::try_from(place).is_ok()
    });
}

#[test]
fn a_stated_basis_is_read() {
    check("basis_headers", 2, |seed| {
        let lines = std::str::from_utf8(seed).unwrap().lines();
        let headers: Vec<_> = lines.map(|line| line.split_once(':').unwrap()).collect();
        let client = [("x-road-client", "AZ/GOV/1/c")];
        let headers: Vec<_> = headers
            .iter()
            .chain(&client)
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect();
        let (id, path) = (uuid::Uuid::nil(), "/r1/AZ/GOV/2/s/code");
        let request = rest::Request::from_client("GET", path, None, &headers, id, id, "AZ");
        request
            .unwrap()
            .basis()
            .is_ok_and(|basis| !basis.is_empty())
    });
}
