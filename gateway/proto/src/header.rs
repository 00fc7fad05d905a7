//! Names of HTTP headers and the fixed values some carry.
//!
//! All names are lower case: deployed consumers look up response headers of a provider's node by
//! exactly this spelling.

/// Digest algorithm of message parts, node to node, e.g. `SHA-512` (PR-MESSTRANSP 3).
pub const HASH_ALGORITHM: &str = "x-hash-algorithm";
/// Version of the consumer's node, e.g. `7.8.0`.
pub const PROXY_VERSION: &str = "x-proxy-version";
/// The information system's own Content-Type, node to node.
pub const ORIGINAL_CONTENT_TYPE: &str = "x-original-content-type";
/// The information system's own SOAPAction, node to node.
pub const ORIGINAL_SOAP_ACTION: &str = "x-original-soapaction";
/// `REST` for REST messages; absent for SOAP.
pub const MESSAGE_TYPE: &str = "x-road-message-type";
/// The only value of [`MESSAGE_TYPE`]; compared exactly.
pub const MESSAGE_TYPE_REST: &str = "REST";
/// SOAP 1.1 action.
pub const SOAP_ACTION: &str = "soapaction";

/// REST: the consumer, `instance/class/code[/subsystem]` (PR-REST 4.3).
pub const CLIENT: &str = "x-road-client";
/// REST: the service, five components.
pub const SERVICE: &str = "x-road-service";
/// REST: the query id.
pub const ID: &str = "x-road-id";
/// The id of one exchange, made by the consumer's node.
pub const REQUEST_ID: &str = "x-road-request-id";
/// REST response: the hash of the request it answers.
pub const REQUEST_HASH: &str = "x-road-request-hash";
/// REST: the node the request must go through.
pub const SECURITY_SERVER: &str = "x-road-security-server";
/// REST: the party on whose behalf the consumer asks (PR-3RD).
pub const REPRESENTED_PARTY: &str = "x-road-represented-party";
/// REST: the person at the consumer who asks.
pub const USER_ID: &str = "x-road-userid";
/// REST: the case or document the question belongs to.
pub const ISSUE: &str = "x-road-issue";
/// REST: the fault code of an error made by X-Road, never by the service.
pub const ERROR: &str = "x-road-error";

/// Headers that never enter a REST message (PR-REST 4.3): they belong to one connection only.
pub const SKIPPED: [&str; 13] = [
    "transfer-encoding",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "upgrade",
    "connection",
    "user-agent",
    "host",
    "content-length",
    "server",
    "expect",
];

/// Whether a header is one of [`SKIPPED`].
pub fn is_skipped(name: &str) -> bool {
    SKIPPED
        .iter()
        .any(|skipped| name.eq_ignore_ascii_case(skipped))
}

/// Whether services may take two names of headers for the same: the case does not matter to any, and
/// `_` is `-` to those that get headers as variables (RFC 3875, section 4.1.18).
pub fn is_alike(one: &str, other: &str) -> bool {
    let folded = |byte: u8| match byte {
        b'_' => b'-',
        byte => byte.to_ascii_lowercase(),
    };
    one.bytes().map(folded).eq(other.bytes().map(folded))
}
