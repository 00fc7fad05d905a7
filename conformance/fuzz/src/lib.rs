//! What must hold of every parser of outside bytes, whatever the bytes.
//!
//! Each target is a function of a byte string that panics when a parser does, or when what it
//! accepted breaks an invariant: written and read again it is the same, cut into other chunks it is
//! the same, nothing signed says more than was signed. The targets know nothing of who feeds them:
//! `tests/it` runs them over seeds and a few hundred mutations each, `libfuzzer/` is the coverage
//! guided campaign.
//!
//! Seeds are small files of our own in `seeds/<target>/`, and what [`Target::made`] makes anew in
//! every process, because certificates and signatures must not be committed with an expiry date.
//! Where an input consists of several texts, they are separated by a zero byte or a line break, as
//! the target says.
//!
//! | module | subject |
//! |---|---|
//! | `targets` | the targets, a file per subject |
//! | `input` | taking an input apart, and cutting it into chunks |
//! | [`made`] | the authority, keys and messages that seeds are made with |
//! | [`mutate`] | deterministic mutations, for runs without a fuzzer |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "a panic is how a target tells its finding"
)]

mod input;
pub mod made;
pub mod mutate;
mod targets;

use std::path::{Path, PathBuf};

pub use targets::*;

/// A parser and what must hold of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the function, of the folder of its seeds and of its libFuzzer binary.
    pub name: &'static str,
    /// Parses an input, and checks what was accepted.
    pub run: fn(&[u8]),
    /// Seeds that are made, not stored.
    pub made: fn() -> Vec<Vec<u8>>,
}

impl Target {
    /// The target of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Where its stored seeds are.
    pub fn seeds_folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(self.name)
    }

    /// Its seeds, stored ones first, in a stable order.
    ///
    /// # Errors
    /// A stored seed cannot be read.
    pub fn seeds(&self) -> std::io::Result<Vec<Vec<u8>>> {
        let mut paths = Vec::new();
        let folder = self.seeds_folder();
        if folder.is_dir() {
            for entry in std::fs::read_dir(folder)? {
                paths.push(entry?.path());
            }
        }
        paths.sort();
        let stored: std::io::Result<Vec<_>> = paths.iter().map(std::fs::read).collect();
        let mut seeds = stored?;
        seeds.extend((self.made)());
        Ok(seeds)
    }
}

fn nothing() -> Vec<Vec<u8>> {
    Vec::new()
}

/// Every target.
pub const TARGETS: &[Target] = &[
    target("xml_reader", xml_reader, nothing),
    target("xml_document", xml_document, made::signature_documents),
    target("xml_text", xml_text, nothing),
    target("soap_envelope", soap_envelope, nothing),
    target("soap_multipart", soap_multipart, nothing),
    target("soap_fault", soap_fault, made::faults),
    target("soap_action", soap_action, nothing),
    target("rest_request", rest_request, nothing),
    target("rest_response", rest_response, nothing),
    target("rest_client_request", rest_client_request, nothing),
    target("mime_multipart", mime_multipart, nothing),
    target("media_type", media_type, nothing),
    target("envelope", envelope, made::envelopes),
    target("identifier", identifier, nothing),
    target("request_framing", request_framing, nothing),
    target("ocsp_port_answer", ocsp_port_answer, nothing),
    target("signature", signature, made::signature_documents),
    target("hash_chain", hash_chain, made::hash_chains),
    target(
        "stamped_signature",
        stamped_signature,
        made::signature_documents,
    ),
    target("zip_archive", zip_archive, made::containers),
    target("asic_container", asic_container, made::documents_and_files),
    target("linking_info", linking_info, made::linking_infos),
    target("archive_openpgp", archive_openpgp, made::encrypted_archives),
    target("openpgp_key", openpgp_key, made::openpgp_public_keys),
    target("archive_state", archive_state, made::archive_states),
    target("anchor", anchor, made::anchors),
    target("signed_directory", signed_directory, made::directories),
    target(
        "directory_content",
        directory_content,
        made::directory_contents,
    ),
    target("shared_params", shared_params, made::shared_params),
    target("private_params", private_params, made::private_params),
    target("optional_params", optional_params, nothing),
    target("disk_metadata", disk_metadata, nothing),
    target("certificate", certificate, made::certificates),
    target("name", name, made::names),
    target("public_key", public_key, made::public_keys),
    target("signature_value", signature_value, made::signature_values),
    target(
        "certificate_request",
        certificate_request,
        made::certificate_requests,
    ),
    target("ocsp_request", ocsp_request, made::ocsp_requests),
    target("ocsp_response", ocsp_response, made::ocsp_responses),
    target("timestamp_query", timestamp_query, made::timestamp_queries),
    target(
        "timestamp_response",
        timestamp_response,
        made::timestamp_responses,
    ),
    target("timestamp_token", timestamp_token, made::timestamp_tokens),
    target("ocsp_responder", ocsp_responder, made::ocsp_requests),
    target("timestamper", timestamper, made::timestamp_queries),
    target("service_path", service_path, nothing),
    target("path_pattern", path_pattern, nothing),
    target("basis_block", basis_block, nothing),
    target("basis_headers", basis_headers, nothing),
    target("strict_json", strict_json, made::consents),
    target("rules_part", rules_part, made::rules_parts),
    target("consent_artefact", consent_artefact, made::consents),
    target("feed_page", feed_page, made::feed_pages),
    target("feed_line", feed_line, made::feed_lines),
    target("person_locator", person_locator, nothing),
    target("log_segment", log_segment, made::log_segments),
    target("log_record", log_record, made::log_records),
    target("signed_note", signed_note, made::signed_notes),
    target("tlog_tile", tlog_tile, made::tlog_tiles),
    target("tlog_proof", tlog_proof, made::tlog_proofs),
    target("add_checkpoint", add_checkpoint, made::add_checkpoints),
    target("adapter_description", adapter_description, nothing),
    target("adapter_statement", adapter_statement, nothing),
    target("adapter_value", adapter_value, nothing),
    target("adapter_request", adapter_request, nothing),
];

const fn target(name: &'static str, run: fn(&[u8]), made: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, made }
}
