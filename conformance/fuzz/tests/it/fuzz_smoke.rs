//! A few hundred mutations of every target's seeds: the same ones in every run, as far as the seeds
//! are the same.

use std::panic::catch_unwind;

use conformance_fuzz::mutate::{Random, mutate};
use conformance_fuzz::{TARGETS, Target};

use crate::vectors;

/// Runs one target; what makes it panic is shown in hexadecimal digits.
fn run(name: &str) {
    let target = Target::find(name).unwrap();
    let mut seeds = target.seeds().unwrap();
    seeds.extend(vectors::seeds(name));
    assert!(!seeds.is_empty());
    for seed in &seeds {
        check(target, seed);
    }
    let mut random = Random::of(name.as_bytes());
    for round in 0..MUTATIONS {
        let seed = &seeds[round % seeds.len()];
        let other = &seeds[random.below(seeds.len())];
        check(target, &mutate(&mut random, seed, other));
    }
}

fn check(target: &Target, input: &[u8]) {
    if catch_unwind(|| (target.run)(input)).is_err() {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        panic!(
            "{} panics on these {} bytes: {hex}",
            target.name,
            input.len()
        );
    }
}

macro_rules! smoke {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name));
            }
        )*

        #[test]
        fn no_target_is_forgotten() {
            let run = [$(stringify!($name)),*];
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, run);
        }
    };
}

smoke! {
    xml_reader xml_document xml_text
    soap_envelope soap_multipart soap_fault soap_action
    rest_request rest_response rest_client_request
    mime_multipart media_type envelope identifier
    request_framing ocsp_port_answer
    signature hash_chain stamped_signature zip_archive asic_container
    linking_info archive_openpgp openpgp_key archive_state
    anchor signed_directory directory_content shared_params private_params optional_params
    disk_metadata
    certificate name public_key signature_value certificate_request
    ocsp_request ocsp_response timestamp_query timestamp_response timestamp_token
    ocsp_responder timestamper
    service_path path_pattern
    basis_block basis_headers
    strict_json rules_part consent_artefact feed_page feed_line person_locator
    log_segment log_record
    signed_note tlog_tile tlog_proof add_checkpoint
    adapter_description adapter_statement adapter_value adapter_request
}

const MUTATIONS: usize = 1000;
