use proptest::prelude::*;

use super::*;

fn fault(code: &str, string: &str) -> Fault {
    Fault::new(
        Code::new(code),
        string,
        Uuid::from_u128(0x3c0d1b52_6a0e_4a3e_9b0c_0a6f9a5d7c11),
    )
}

#[track_caller]
fn check_prefix(code: &str, prefix: &str, expected: &str) {
    assert_eq!(Code::new(code).with_prefix(prefix).as_str(), expected);
}

#[track_caller]
fn check_canonical(code: &str, expected: &str) {
    assert_eq!(Code::new(code).canonical(), expected);
}

#[track_caller]
fn check_accept(accept: &[&str], content_type: &str) {
    assert_eq!(
        fault("server.clientproxy.io_error", "x")
            .to_rest_error(accept)
            .0,
        content_type
    );
}

#[test]
fn prefixes_by_whole_segments() {
    check_prefix(
        "access_denied",
        "server.serverproxy",
        "server.serverproxy.access_denied",
    );
    check_prefix(
        "server.serverproxy.x",
        "server.serverproxy",
        "server.serverproxy.x",
    );
    check_prefix("client", "client", "client");
    check_prefix(
        "client_proxy_version_not_supported",
        "client",
        "client.client_proxy_version_not_supported",
    );
}

#[test]
fn both_spellings_have_one_canonical_form() {
    check_canonical(
        "Server.ServerProxy.ServiceFailed.HttpError",
        "server.serverproxy.service_failed.http_error",
    );
    check_canonical(
        "Server.ClientProxy.OutdatedGlobalConf",
        "server.clientproxy.global_conf_outdated",
    );
    check_canonical("Signer.HSMNonOperational", "signer.hsm_non_operational");
    check_canonical(
        "server.clientproxy.logging_failed.mlog.no_log_records_specified",
        "server.clientproxy.logging_failed.mlog.no_log_records_specified",
    );
    check_canonical("soap:Server", "soap:server");
    check_canonical("", "");
    for (modern, legacy) in catalogue::ALL {
        check_canonical(modern, modern);
        if !legacy.is_empty() {
            check_canonical(legacy, modern);
        }
    }
}

#[test]
fn a_server_fault_is_told_by_its_first_segment_in_any_case() {
    assert_eq!(fault("server.clientproxy.io_error", "").rest_status(), 500);
    assert_eq!(fault("Server.ServerProxy.IOError", "").rest_status(), 500);
    assert_eq!(fault("client.invalid_soap", "").rest_status(), 400);
    assert_eq!(fault("serverless", "").rest_status(), 400);
    assert_eq!(fault("ü", "").rest_status(), 400);
}

#[test]
fn writes_the_soap_fault_byte_for_byte() {
    let text = "not allowed: SERVICE:DEV/GOV/2222/TESTPROV/lookup/v1";
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\"><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>server.serverproxy.access_denied</faultcode><faultstring>not allowed: SERVICE:DEV/GOV/2222/TESTPROV/lookup/v1</faultstring><faultactor></faultactor><detail><faultDetail xmlns=\"\">3c0d1b52-6a0e-4a3e-9b0c-0a6f9a5d7c11</faultDetail></detail></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>";
    assert_eq!(
        fault("server.serverproxy.access_denied", text).to_xml(),
        expected
    );
}

#[test]
fn writes_rest_errors_as_json_and_xml() {
    let fault = fault(
        "server.serverproxy.access_denied",
        "a \"b\" <c> & 100% {}\u{1}",
    );
    let (_, json) = fault.to_rest_error(&["*/*"]);
    assert_eq!(
        String::from_utf8(json).unwrap(),
        r#"{"type":"server.serverproxy.access_denied","message":"a \"b\" <c> & 100% {}\u0001","detail":"3c0d1b52-6a0e-4a3e-9b0c-0a6f9a5d7c11"}"#
    );
    let (_, xml) = fault.to_rest_error(&["text/xml"]);
    assert_eq!(
        String::from_utf8(xml).unwrap(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?><error><type>server.serverproxy.access_denied</type><message>a &quot;b&quot; &lt;c&gt; &amp; 100% {}\u{FFFD}</message><detail>3c0d1b52-6a0e-4a3e-9b0c-0a6f9a5d7c11</detail></error>"
    );
    let bare = Fault {
        string: None,
        detail: None,
        ..fault
    };
    let (_, json) = bare.to_rest_error(&[]);
    assert_eq!(
        String::from_utf8(json).unwrap(),
        r#"{"type":"server.serverproxy.access_denied","message":null,"detail":null}"#
    );
}

#[test]
fn the_first_xml_type_in_accept_selects_xml() {
    check_accept(&[], "application/json");
    check_accept(&["*/*"], "application/json");
    check_accept(&["text/html"], "application/json");
    check_accept(&["application/json, text/xml"], "text/xml;charset=utf-8");
    check_accept(
        &["application/json", "TEXT/XML;q=0.1"],
        "text/xml;charset=utf-8",
    );
    check_accept(&["text/*"], "text/xml;charset=utf-8");
    check_accept(
        &["a, application/xml , text/xml"],
        "application/xml;charset=utf-8",
    );
}

proptest! {
    #[test]
    fn any_text_gives_a_fault_that_reads_back(string in "\\PC*", code in "[a-z_.%:A-Z]{1,40}") {
        let ours = fault(&code, &string);
        let xml = ours.to_xml();
        let read = Fault::from_xml(xml.clone(), "text/xml", &Limits::default()).unwrap();
        prop_assert_eq!(read.code, ours.code);
        prop_assert_eq!(read.string, ours.string);
        prop_assert_eq!(read.detail, ours.detail);
        prop_assert_eq!(read.original, Some(xml));
    }

    #[test]
    fn control_characters_never_break_the_document(string in "(?s).*") {
        let xml = fault("client.x", &string).to_xml();
        prop_assert!(Fault::from_xml(xml, "text/xml", &Limits::default()).is_ok());
    }
}
