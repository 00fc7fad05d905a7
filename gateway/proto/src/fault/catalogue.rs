//! Every code that can appear in message exchange, in both spellings.
//!
//! Release 7.8 of X-Road renamed all codes from `CamelCase` to `snake_case`; the spelling is not
//! negotiated, so both are met in one network. We write the new one and never rewrite a received
//! one; comparing goes through [`Code::canonical`](super::Code::canonical).

/// Prefix: the consumer's information system is at fault.
pub const CLIENT: &str = "client";
/// Prefix: the consumer's node failed.
pub const SERVER_CLIENTPROXY: &str = "server.clientproxy";
/// Prefix: the provider's node failed.
pub const SERVER_SERVERPROXY: &str = "server.serverproxy";
/// Prefix: the provider's monitoring failed.
pub const SERVER_SERVERPROXY_OPMONITOR: &str = "server.serverproxy.opmonitor";
/// Prefix: the keys of a node failed.
pub const SIGNER: &str = "signer";

/// Declares one constant per code and the table of both spellings.
macro_rules! catalogue {
    ($($name:ident = $modern:literal, $legacy:literal;)*) => {
        $(
            #[doc = concat!("`", $modern, "`, before 7.8 `", $legacy, "`.")]
            pub const $name: &str = $modern;
        )*

        /// All codes as (7.8 and later, 7.7 and earlier); an empty second place means the code
        /// is new.
        pub const ALL: &[(&str, &str)] = &[$(($modern, $legacy)),*];
    };
}

catalogue! {
    // generic
    IO_ERROR = "io_error", "IOError";
    NETWORK_ERROR = "network_error", "NetworkError";
    INTERNAL_ERROR = "internal_error", "InternalError";
    BAD_REQUEST = "bad_request", "BadRequest";
    NOT_FOUND = "not_found", "NotFound";
    HTTP_ERROR = "http_error", "HttpError";
    UNKNOWN_HOST = "unknown_host", "";
    DATABASE_ERROR = "database_error", "DatabaseError";
    INVALID_REQUEST = "invalid_request", "InvalidRequest";
    // verification
    CANNOT_CREATE_SIGNATURE = "cannot_create_signature", "CannotCreateSignature";
    CERT_VALIDATION = "cert_validation", "CertValidation";
    INCORRECT_VALIDATION_INFO = "incorrect_validation_info", "IncorrectValidationInfo";
    CANNOT_CREATE_CERT_PATH = "cannot_create_cert_path", "CannotCreateCertPath";
    INCORRECT_CERTIFICATE = "incorrect_certificate", "IncorrectCertificate";
    INVALID_SIGNATURE_VALUE = "invalid_signature_value", "InvalidSignatureValue";
    MALFORMED_SIGNATURE = "malformed_signature", "MalformedSignature";
    INVALID_XML = "invalid_xml", "InvalidXml";
    INVALID_REFERENCE = "invalid_reference", "InvalidReference";
    INVALID_CERT_PATH = "invalid_cert_path", "InvalidCertPath";
    SIGNATURE_VERIFICATION = "signature_verification", "SignatureVerification";
    INVALID_HASH_CHAIN = "invalid_hash_chain", "InvalidHashChain";
    MALFORMED_HASH_CHAIN = "malformed_hash_chain", "MalformedHashChain";
    HASHCHAIN_UNUSED_INPUTS = "hashchain_unused_inputs", "HashChainUnusedInputs";
    INVALID_HASH_CHAIN_REF = "invalid_hash_chain_ref", "InvalidHashChainRef";
    // message
    SSL_AUTHENTICATION_FAILED = "ssl_authentication_failed", "SslAuthenticationFailed";
    LOGGING_FAILED = "logging_failed", "LoggingFailed";
    TIMESTAMPING_FAILED = "timestamping_failed", "TimestampingFailed";
    INVALID_CONTENT_TYPE = "invalid_content_type", "InvalidContentType";
    INVALID_SOAP_ACTION = "invalid_soap_action", "InvalidSoapAction";
    INVALID_HTTP_METHOD = "invalid_http_method", "InvalidHttpMethod";
    INVALID_MESSAGE = "invalid_message", "InvalidMessage";
    INVALID_SECURITY_SERVER = "invalid_security_server", "InvalidSecurityServer";
    MIME_PARSING_FAILED = "mime_parsing_failed", "MimeParsingFailed";
    MISSING_HEADER = "missing_header", "MissingHeader";
    MISSING_HEADER_FIELD = "missing_header_field", "MissingHeaderField";
    DUPLICATE_HEADER_FIELD = "duplicate_header_field", "DuplicateHeaderField";
    MISSING_BODY = "missing_body", "MissingBody";
    INVALID_BODY = "invalid_body", "InvalidBody";
    INCONSISTENT_HEADERS = "inconsistent_headers", "InconsistentHeaders";
    INCONSISTENT_RESPONSE = "inconsistent_response", "InconsistentResponse";
    MISSING_SOAP = "missing_soap", "MissingSoap";
    INVALID_SOAP = "invalid_soap", "InvalidSoap";
    MISSING_REST = "missing_rest", "MissingRest";
    ACCESS_DENIED = "access_denied", "AccessDenied";
    SERVICE_DISABLED = "service_disabled", "ServiceDisabled";
    SERVICE_FAILED = "service_failed", "ServiceFailed";
    MISSING_SIGNATURE = "missing_signature", "MissingSignature";
    UNKNOWN_SERVICE = "unknown_service", "UnknownService";
    INVALID_PROTOCOL_VERSION = "invalid_protocol_version", "InvalidProtocolVersion";
    INVALID_CLIENT_IDENTIFIER = "invalid_client_identifier", "InvalidClientIdentifier";
    SERVICE_TYPE = "service_type", "ServiceType";
    CLIENT_PROXY_VERSION_NOT_SUPPORTED = "client_proxy_version_not_supported", "ClientProxyVersionNotSupported";
    // configuration
    UNKNOWN_MEMBER = "unknown_member", "UnknownMember";
    MALFORMED_SERVER_CONF = "malformed_server_conf", "MalformedServerConf";
    MALFORMED_GLOBAL_CONF = "malformed_global_conf", "MalformedGlobalConf";
    MALFORMED_OPTIONAL_PARTS_CONF = "malformed_optional_parts_conf", "MalformedOptionalPartsConf";
    GLOBAL_CONF_OUTDATED = "global_conf_outdated", "OutdatedGlobalConf";
    SERVICE_MISSING_URL = "service_missing_url", "ServiceMissingUrl";
    SERVICE_MALFORMED_URL = "service_malformed_url", "ServiceMalformedUrl";
    HSM_NON_OPERATIONAL = "hsm_non_operational", "HSMNonOperational";
    MAINTENANCE_MODE = "maintenance_mode", "MaintenanceMode";
    // signer
    KEY_NOT_FOUND = "key_not_found", "KeyNotFound";
    CERT_NOT_FOUND = "cert_not_found", "CertNotFound";
    CSR_NOT_FOUND = "csr_not_found", "CsrNotFound";
    TOKEN_NOT_FOUND = "token_not_found", "TokenNotFound";
    TOKEN_NOT_ACTIVE = "token_not_active", "TokenNotActive";
    TOKEN_NOT_INITIALIZED = "token_not_initialized", "TokenNotInitialized";
    TOKEN_NOT_AVAILABLE = "token_not_available", "TokenNotAvailable";
    TOKEN_READONLY = "token_readonly", "TokenReadOnly";
    CANNOT_SIGN = "cannot_sign", "CannotSign";
    UNSUPPORTED_SIGN_ALGORITHM = "unsupported_sign_algorithm", "UnsupportedSignAlgorithm";
    FAILED_TO_GENERATE_PRIVATE_KEY = "failed_to_generate_private_key", "FailedToGeneratePrivateKey";
    CERT_EXISTS = "cert_exists", "CertExists";
    WRONG_CERT_USAGE = "wrong_cert_usage", "WrongCertUsage";
    LOGIN_FAILED = "login_failed", "LoginFailed";
    LOGOUT_FAILED = "logout_failed", "LogoutFailed";
    PIN_INCORRECT = "pin_incorrect", "PinIncorrect";
    CERT_IMPORT_FAILED = "cert_import_failed", "CertImportFailed";
    TOKEN_PIN_POLICY_FAILURE = "token_pin_policy_failure", "TokenPinPolicyFailure";
    // message log
    TIMESTAMPER_FAILED = "timestamper_failed", "TimestamperFailed";
    // ASiC
    ASIC_MIME_TYPE_NOT_FOUND = "asic_mime_type_not_found", "AsicMimeTypeNotFound";
    ASIC_SIGNATURE_NOT_FOUND = "asic_signature_not_found", "AsicSignatureNotFound";
    ASIC_MESSAGE_NOT_FOUND = "asic_message_not_found", "AsicMessageNotFound";
    ASIC_INVALID_MIME_TYPE = "asic_invalid_mime_type", "AsicInvalidMimeType";
    ASIC_HASH_CHAIN_RESULT_NOT_FOUND = "asic_hash_chain_result_not_found", "AsicHashChainResultNotFound";
    ASIC_HASH_CHAIN_NOT_FOUND = "asic_hash_chain_not_found", "AsicHashChainNotFound";
    ASIC_TIMESTAMP_NOT_FOUND = "asic_timestamp_not_found", "AsicTimestampNotFound";
    ASIC_MANIFEST_NOT_FOUND = "asic_manifest_not_found", "AsicManifestNotFound";
}

/// Codes below `logging_failed` that 7.8 added; they have no older spelling.
pub const MESSAGE_LOG: &[&str] = &[
    "mlog.timestamp_request_timed_out",
    "mlog.malformed_timestamp_server_url",
    "mlog.timestamping_non_ok_response",
    "mlog.log_manager_unavailable",
    "mlog.no_timestamping_provider_found",
    "mlog.timestamp_token_signer_info_not_found",
    "mlog.tsp_certificate_not_found",
    "mlog.adding_signature_to_ts_token_failed",
    "mlog.timestamp_token_encoding_failed",
    "mlog.updating_message_signature_failed",
    "mlog.no_log_records_specified",
    "mlog.message_log_record_not_found",
    "mlog.failed_to_build_signature_hash_chain",
    "mlog.failed_to_prepare_signature_data",
    "mlog.no_signature_hashes_specified",
    "mlog.calculating_message_digest_failed",
    "mlog.reading_timestamp_response_failed",
    "mlog.timestamp_provider_connection_failed",
    "mlog.timestamp_response_object_creation_failed",
    "mlog.timestamp_non_granted_response",
    "mlog.timestamp_record_save_failure",
    "mlog.timestamp_response_validation_failed",
    "mlog.timestamp_signer_verification_failed",
];

/// The 7.8 spelling of one segment of a code, in either spelling and any case.
pub(super) fn modern(segment: &str) -> Option<&'static str> {
    ALL.iter()
        .find(|(modern, legacy)| {
            segment.eq_ignore_ascii_case(modern)
                || !legacy.is_empty() && segment.eq_ignore_ascii_case(legacy)
        })
        .map(|(modern, _)| *modern)
}
