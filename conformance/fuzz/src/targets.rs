//! The targets, a file per subject.

mod adapter;
mod archive;
mod asic;
mod authority;
mod basis;
mod document;
mod globalconf;
mod log;
mod message;
mod multipart;
mod net;
mod policy;
mod rest;
mod rules;
mod seal;
mod tlog;
mod x509;
mod xml;

pub use adapter::{adapter_description, adapter_request, adapter_statement, adapter_value};
pub use archive::{archive_openpgp, archive_state, linking_info, openpgp_key};
pub use asic::{stamped_signature, zip_archive};
pub use authority::{ocsp_responder, timestamper};
pub use basis::{basis_block, basis_headers};
pub use document::asic_container;
pub use globalconf::{
    anchor, directory_content, disk_metadata, optional_params, private_params, shared_params,
    signed_directory,
};
pub use log::{log_record, log_segment};
pub use message::{identifier, media_type, soap_action, soap_envelope, soap_fault};
pub use multipart::{envelope, mime_multipart, soap_multipart};
pub use net::{ocsp_port_answer, request_framing};
pub use policy::{path_pattern, service_path};
pub use rest::{rest_client_request, rest_request, rest_response};
pub use rules::{consent_artefact, feed_line, feed_page, person_locator, rules_part, strict_json};
pub use seal::{hash_chain, signature};
pub use tlog::{add_checkpoint, signed_note, tlog_proof, tlog_tile};
pub use x509::{
    certificate, certificate_request, name, ocsp_request, ocsp_response, public_key,
    signature_value, timestamp_query, timestamp_response, timestamp_token,
};
pub use xml::{xml_document, xml_reader, xml_text};
pub(crate) use {globalconf::frame, log::segment};
