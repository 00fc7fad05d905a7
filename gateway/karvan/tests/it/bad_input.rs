//! What no client and no peer may do: each is refused in words, and the node serves the next one.

use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use certs_keys::{KeyKind, SigningKey, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name};
use gateway_net::{Client, ClientOptions, Identity, ServerTrust};
use jiff::{SignedDuration, Timestamp};

use crate::country::Running;
use crate::wire::{self, Answer};

/// Sends bytes; the answer has one of the statuses, or there is none where 0 is among them.
#[track_caller]
fn refused(running: &Running, address: SocketAddr, bytes: &[u8], statuses: &[u16]) {
    let answer = wire::raw(address, bytes).expect("an end");
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
    if answer.is_empty() {
        assert!(statuses.contains(&0), "no answer to {shown:?}");
    } else {
        let status = wire::parse(&answer).expect("an answer").status;
        assert!(statuses.contains(&status), "{status} to {shown:?}");
    }
    running.serves();
}

/// Sends SOAP to the portal's node; it is refused with a fault.
#[track_caller]
fn fault(running: &Running, content_type: &str, body: &[u8], code: &str) {
    let headers = [("Content-Type", content_type)];
    let answer = wire::post(running.country.clients("iria"), "/", &headers, body);
    check_fault(&answer, code);
    running.serves();
}

#[track_caller]
fn check_fault(answer: &Answer, code: &str) {
    let shown = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.fault().as_deref(), Some(code), "{shown}");
    assert!(
        !shown.contains("0TEST"),
        "the fault repeats the FIN: {shown}"
    );
}

#[test]
fn bad_http_is_refused_on_every_port() {
    let Some(running) = Running::shared() else {
        return;
    };
    let country = &running.country;
    let host = "Host: x\r\n";
    for address in [
        country.clients("iria"),
        country.ocsp("din"),
        country.registry(),
    ] {
        let send = |bytes: &[u8], statuses: &[u16]| refused(&running, address, bytes, statuses);
        send(b"\0\x01\x02\x03\r\n\r\n", &[0, 400]);
        send(b"nonsense\r\n\r\n", &[0, 400]);
        send(
            format!("GET / HTTP/9.9\r\n{host}\r\n").as_bytes(),
            &[0, 400, 505],
        );
        send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[0, 400]);
        send(
            format!("GET / HTTP/1.1\r\n{host}A: {}\r\n\r\n", "x".repeat(100_000)).as_bytes(),
            &[431],
        );
        send(
            format!("GET / HTTP/1.1\r\n{host}{}\r\n", "A: x\r\n".repeat(200)).as_bytes(),
            &[431],
        );
        send(
            format!("GET /{} HTTP/1.1\r\n{host}\r\n", "x".repeat(100_000)).as_bytes(),
            &[414, 431],
        );
        send(
            format!("GET / HTTP/1.1\r\n{host}A : x\r\n\r\n").as_bytes(),
            &[0, 400],
        );
    }
}

#[test]
fn two_lengths_of_one_body_are_refused() {
    let Some(running) = Running::shared() else {
        return;
    };
    let country = &running.country;
    for address in [country.clients("iria"), country.ocsp("din")] {
        let both = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n\
            Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
        refused(&running, address, both.as_bytes(), &[400]);
        let two = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n\
            Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef";
        refused(&running, address, two.as_bytes(), &[400]);
        let odd = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n\
            Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n";
        refused(&running, address, odd.as_bytes(), &[400, 501]);
        let negative =
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: -1\r\n\r\n";
        refused(&running, address, negative.as_bytes(), &[400]);
    }
}

#[test]
fn a_body_that_breaks_off_ends_without_an_answer_or_with_a_fault() {
    let Some(running) = Running::shared() else {
        return;
    };
    let address = running.country.clients("iria");
    let envelope = wire::envelope("cut", "0TEST01");
    let whole = wire::request(
        "POST",
        address,
        "/",
        &[("Content-Type", "text/xml")],
        envelope.as_bytes(),
    );
    for keep in [
        whole.len() - 1,
        whole.len() - envelope.len() / 2,
        whole.len() - envelope.len(),
    ] {
        let mut stream = wire::connect(address).unwrap();
        stream.write_all(&whole[..keep]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = wire::read(&mut stream).unwrap();
        if !answer.is_empty() {
            let answer = wire::parse(&answer).unwrap();
            assert!(
                answer.fault().is_some() || answer.status >= 400,
                "{}",
                answer.text()
            );
        }
        running.serves();
    }
    let chunked = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n\
        Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc";
    let answer = wire::raw(address, chunked.as_bytes()).unwrap();
    if !answer.is_empty() {
        let answer = wire::parse(&answer).unwrap();
        assert!(
            answer.fault().is_some() || answer.status >= 400,
            "{}",
            answer.text()
        );
    }
    running.serves();
}

#[test]
fn who_sends_slowly_is_left_while_others_are_served() {
    let Some(running) = Running::shared() else {
        return;
    };
    let country = &running.country;
    let mut slow = Vec::new();
    for address in [
        country.clients("iria"),
        country.ocsp("din"),
        country.messages("din"),
    ] {
        for _ in 0..8 {
            let mut stream = wire::connect(address).unwrap();
            stream
                .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                .unwrap();
            slow.push(stream);
        }
    }
    running.serves();
    // Each is told so, or dropped, within the time a head may take.
    for stream in &mut slow {
        let answer = wire::read(stream).expect("the node gave up first");
        assert!(
            answer.is_empty() || !answer.starts_with(b"HTTP/1.1 2"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    running.serves();
}

#[test]
fn bad_soap_gets_its_fault() {
    let Some(running) = Running::shared() else {
        return;
    };
    let xml = "text/xml; charset=UTF-8";
    let good = wire::envelope("bad-soap", "0TEST01");
    let fault = |content_type: &str, body: &str, code: &str| {
        fault(&running, content_type, body.as_bytes(), code);
    };
    fault(xml, "", "client.invalid_soap");
    fault(xml, "this is no envelope", "client.invalid_soap");
    fault(xml, &good[..good.len() - 20], "client.invalid_soap");
    fault("application/json", &good, "client.invalid_content_type");
    fault("application/soap+xml", &good, "client.invalid_content_type");
    let bomb = format!(
        "<!DOCTYPE e [<!ENTITY a \"aaaa\">]>{}",
        good.split_once("?>").unwrap().1
    );
    fault(xml, &bomb, "client.invalid_soap");
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    fault(xml, &deep, "client.invalid_soap");
    let deep = good.replace(
        "<p:fin>0TEST01</p:fin>",
        &format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000)),
    );
    fault(xml, &deep, "client.invalid_soap");
    let twelve = good.replace(
        "schemas.xmlsoap.org/soap/envelope/",
        "www.w3.org/2003/05/soap-envelope",
    );
    fault(xml, &twelve, "client.invalid_soap");
    fault(
        xml,
        &good.replace("<x:id>bad-soap</x:id>", ""),
        "client.missing_header_field",
    );
    let doubled = good.replace("<x:id>bad-soap</x:id>", "<x:id>a</x:id><x:id>b</x:id>");
    fault(xml, &doubled, "client.duplicate_header_field");
    fault(
        xml,
        &good.replace(">4.0<", ">3.1<"),
        "client.invalid_protocol_version",
    );
    fault(
        xml,
        &good.replace("i:objectType=\"SERVICE\"", "i:objectType=\"MEMBER\""),
        "client.invalid_xml",
    );
    let other = good.replace("p:GetPersonByFin", "p:DropTable");
    fault(xml, &other, "client.inconsistent_headers");
    fault(
        xml,
        &good.replace(">mygov<", ">nobody<"),
        "server.clientproxy.unknown_member",
    );
    fault(
        xml,
        &good.replace("Code>GetPersonByFin<", "Code>GetPerson<"),
        "server.clientproxy.basis.service_not_registered",
    );
    fault(
        "multipart/related; boundary=b",
        "--b--\r\n",
        "client.missing_soap",
    );
    fault("multipart/related", &good, "client.mime_parsing_failed");

    let address = running.country.clients("iria");
    check_fault(&wire::get(address, "/", &[]), "client.invalid_http_method");
    running.serves();
    let action = [("Content-Type", xml), ("SOAPAction", "unquoted")];
    let answer = wire::post(address, "/", &action, good.as_bytes());
    check_fault(&answer, "client.invalid_soap_action");
    running.serves();
}

#[test]
fn bad_rest_gets_its_error() {
    let Some(running) = Running::shared() else {
        return;
    };
    let address = running.country.clients("iria");
    let person = "/r1/AZ/GOV/0000000131/iamas/persons/0TEST01";
    let client = ("X-Road-Client", wire::PORTAL);
    let check = |method: &str, path: &str, headers: &[(&str, &str)], code: &str| {
        let request = wire::request(method, address, path, headers, b"");
        let answer = wire::parse(&wire::raw(address, &request).unwrap()).unwrap();
        check_fault(&answer, code);
        assert_eq!(answer.status, 500);
        let error: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(error["type"], code);
        running.serves();
    };
    check(
        "GET",
        person,
        &[],
        "server.clientproxy.invalid_client_identifier",
    );
    check(
        "GET",
        person,
        &[("X-Road-Client", "AZ")],
        "server.clientproxy.internal_error",
    );
    check(
        "GET",
        person,
        &[("X-Road-Client", "AZ/GOV/0000001181/%zz")],
        "server.clientproxy.internal_error",
    );
    check(
        "GET",
        "/r1/AZ/GOV",
        &[client],
        "server.clientproxy.internal_error",
    );
    check(
        "BREW",
        person,
        &[client],
        "server.clientproxy.internal_error",
    );
    check(
        "GET",
        "/r1/ZZ/GOV/1/x/persons",
        &[client],
        "server.clientproxy.internal_error",
    );
    check(
        "GET",
        "/r1/AZ/GOV/0000000131/nobody/persons",
        &[client],
        "server.clientproxy.unknown_member",
    );
    check(
        "GET",
        "/r1/AZ/GOV/0000000131/iamas/nothing",
        &[client],
        "server.clientproxy.basis.service_not_registered",
    );
    check(
        "DELETE",
        person,
        &[client],
        "server.serverproxy.access_denied",
    );
    let around = "/r1/AZ/GOV/0000000131/iamas/persons/x/%2e%2e/%2e%2e/secrets";
    check(
        "GET",
        around,
        &[client],
        "server.clientproxy.basis.path_malformed",
    );
}

#[test]
fn the_message_port_lets_in_no_stranger() {
    let Some(running) = Running::shared() else {
        return;
    };
    let messages = running.country.messages("din");
    // Not TLS at all.
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\x16\x03\x01\xff\xff",
        &[0; 4096],
    ] {
        let mut stream = wire::connect(messages).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = wire::read(&mut stream).unwrap();
        assert!(
            !answer.starts_with(b"HTTP/"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        running.serves();
    }
    // TLS with no certificate, and with one nobody has registered.
    for identity in [None, Some(stranger())] {
        let outcome = call(messages, identity);
        assert!(outcome.is_err(), "let in: {outcome:?}");
        running.serves();
    }
}

/// Sends a request over TLS; gives the status.
fn call(address: SocketAddr, identity: Option<Identity>) -> Result<u16, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = ClientOptions {
            response_timeout: Duration::from_secs(20),
            identity,
            ..ClientOptions::default()
        };
        let client = Client::new(options).unwrap();
        let request = http::Request::post(format!("https://{address}/"))
            .header("host", address.to_string())
            .body(gateway_net::full("x"))
            .unwrap();
        let answer = client.request(request, &ServerTrust::Any, None).await;
        answer
            .map(|answer| answer.status().as_u16())
            .map_err(|error| error.to_string())
    })
}

fn stranger() -> Identity {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let (from, until) = (
        Timestamp::now(),
        Timestamp::now() + SignedDuration::from_hours(1),
    );
    let name = Name::from_attributes(&[("2.5.4.3", "stranger")]).unwrap();
    let certificate: Certificate = Builder::auth_profile(name, key.public_key())
        .validity(from, until)
        .self_sign(&key)
        .unwrap();
    Identity {
        key: Arc::new(key),
        chain: vec![certificate],
        ocsp_staple: None,
    }
}
