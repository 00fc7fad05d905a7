//! verify: answers that are not the provider's, not whole, or not to this question. None is handed
//! on, and none is logged as an answer.

use crate::support::{
    Answer, Letter, NOW, Soap, World, multipart, replace_all, response, rest, soap, unstampable,
};

const SIGNATURE: &str = "signature/bdoc-1.0/ts";
const RESULT: &str = "application/hash-chain-result";
const CHAIN: &str = "application/hash-chain";
const SOAP: &str = "text/xml; charset=UTF-8";
const REST: &str = "application/x-road-rest-response";
const BODY: &str = "application/x-road-rest-body";

/// The provider has answered and logged; the consumer refuses the answer.
async fn refused(world: &World, answer: Answer, code: &str) {
    answer.is(&format!("server.clientproxy.{code}"));
    world.logged((1, 1), (2, 0)).await;
}

async fn soap_edited(edit: impl FnMut(&mut Letter) + Send + 'static, code: &str) {
    let world = World::new().await;
    world.edit_reply(edit);
    let answer = world.ask(Soap::new("x").request()).await;
    refused(&world, answer, code).await;
}

async fn rest_edited(edit: impl FnMut(&mut Letter) + Send + 'static, code: &str) {
    let world = World::new().await;
    world.edit_reply(edit);
    let answer = world.ask(rest("POST", "/x", "a body")).await;
    refused(&world, answer, code).await;
}

async fn headed(
    edit: impl Fn(&mut http::response::Parts, &mut Vec<u8>) + Send + 'static,
    code: &str,
) {
    let world = World::new().await;
    world.on_reply(edit);
    let answer = world.ask(Soap::new("x").request()).await;
    refused(&world, answer, code).await;
}

#[tokio::test]
async fn refuses_answers_of_another_form() {
    headed(
        |head, _| head.status = http::StatusCode::NOT_FOUND,
        "http_error",
    )
    .await;
    headed(
        |head, _| drop(head.headers.remove("content-type")),
        "invalid_content_type",
    )
    .await;
    headed(
        |head, _| drop(head.headers.remove("x-hash-algorithm")),
        "internal_error",
    )
    .await;
    let gone = |head: &mut http::response::Parts, _: &mut Vec<u8>| {
        head.headers.remove("x-original-content-type");
    };
    headed(gone, "service_failed.internal_error").await;
    for (content_type, body, code) in [
        ("text/plain", "x".to_owned(), "invalid_content_type"),
        ("multipart/mixed", "x".to_owned(), "invalid_content_type"),
        ("text/xml", String::new(), "invalid_soap"),
        ("text/xml", Soap::new("x").text(), "invalid_message"),
        (
            "multipart/mixed; boundary=b",
            "--b\r\nno colon\r\n\r\n--b--".to_owned(),
            "mime_parsing_failed",
        ),
    ] {
        let meddle = move |head: &mut http::response::Parts, bytes: &mut Vec<u8>| {
            head.headers
                .insert("content-type", content_type.parse().unwrap());
            *bytes = body.clone().into_bytes();
        };
        headed(meddle, &format!("service_failed.{code}")).await;
    }
}

#[tokio::test]
async fn refuses_answers_with_parts_missing_doubled_or_added() {
    soap_edited(|letter| letter.parts.clear(), "missing_soap").await;
    rest_edited(|letter| letter.parts.clear(), "missing_rest").await;
    soap_edited(|letter| letter.remove(SIGNATURE), "missing_signature").await;
    rest_edited(|letter| letter.remove(SIGNATURE), "missing_signature").await;
    let extra = |letter: &mut Letter| letter.push("text/plain", b"x");
    soap_edited(extra, "service_failed.invalid_message").await;
    soap_edited(
        |letter| letter.double(SIGNATURE),
        "service_failed.invalid_message",
    )
    .await;
    soap_edited(
        |letter| letter.double(SOAP),
        "service_failed.invalid_content_type",
    )
    .await;
}

#[tokio::test]
async fn refuses_an_answer_of_the_other_protocol() {
    let text = Soap::new("x").text();
    let to_soap = move |letter: &mut Letter| {
        letter.parts[0] = (
            "content-type: text/xml".to_owned(),
            text.clone().into_bytes(),
        );
    };
    let world = World::new().await;
    world.edit_reply(to_soap);
    let answer = world.ask(rest("GET", "/x", "")).await;
    // A SOAP message has no REST body, so what follows is out of place, or the message itself is.
    assert!(
        ["missing_rest", "service_failed.invalid_content_type"]
            .iter()
            .any(|code| answer.code() == format!("server.clientproxy.{code}"))
    );
    soap_edited(
        |letter| letter.parts[0].0 = format!("content-type: {REST}"),
        "missing_soap",
    )
    .await;
}

#[tokio::test]
async fn refuses_tampered_soap_answers_wherever_they_were_touched() {
    let wrong = "signature_verification.invalid_signature_value";
    soap_edited(|letter| letter.edit(SOAP, ">42<", ">43<"), wrong).await;
    soap_edited(|letter| letter.body(SOAP).push(b'\n'), wrong).await;
    soap_edited(
        |letter| letter.edit(SIGNATURE, "SigningTime>2", "SigningTime>1"),
        wrong,
    )
    .await;
    let cut = |letter: &mut Letter| letter.body(SIGNATURE).truncate(500);
    soap_edited(cut, "signature_verification.invalid_xml").await;
    let emptied = |letter: &mut Letter| *letter.body(SIGNATURE) = b"<a/>".to_vec();
    soap_edited(emptied, "signature_verification.malformed_signature").await;
}

#[tokio::test]
async fn refuses_tampered_rest_answers_wherever_they_were_touched() {
    let chain = "signature_verification.malformed_signature.invalid_hash_chain";
    rest_edited(|letter| letter.edit(REST, "200\r\n", "201\r\n"), chain).await;
    rest_edited(|letter| letter.body(BODY).push(b'!'), chain).await;
    let unused = "signature_verification.malformed_signature.hashchain_unused_inputs";
    rest_edited(
        |letter| letter.edit(CHAIN, "/attachment1", "/attachment2"),
        unused,
    )
    .await;
    let wrong = "signature_verification.invalid_signature_value";
    rest_edited(|letter| letter.body(RESULT).push(b' '), wrong).await;
    let without = |letter: &mut Letter| {
        letter.remove(RESULT);
    };
    rest_edited(without, "signature_verification.malformed_signature").await;
    // The body itself may not go missing either.
    rest_edited(
        |letter| letter.remove(BODY),
        "signature_verification.malformed_signature.invalid_reference",
    )
    .await;
}

#[tokio::test]
async fn refuses_a_tampered_attachment_and_one_more() {
    for add in [false, true] {
        let world = World::new().await;
        world.edit_reply(move |letter| {
            let body = letter.body("multipart/mixed");
            *body = match add {
                false => replace_all(body, b"attached", b"ATTACHED"),
                true => {
                    let text = String::from_utf8(body.clone()).unwrap();
                    let (_, rest) = text.split_once("--").unwrap();
                    let boundary = rest.split_once("\r\n").unwrap().0.to_owned();
                    let last = format!("\r\n--{boundary}--");
                    let more = format!("\r\n--{boundary}\r\ncontent-type: a/b\r\n\r\nmore{last}");
                    text.replace(&last, &more).into_bytes()
                }
            };
        });
        let envelope = Soap::new("x").text();
        let parts = [
            ("Content-Type: text/xml", envelope.as_bytes()),
            ("Content-Type: text/plain", b"attached"),
        ];
        let request = soap("multipart/related; boundary=b", multipart("b", &parts));
        let answer = world.ask(request).await;
        let code = match add {
            false => "invalid_hash_chain",
            true => "hashchain_unused_inputs",
        };
        let code = format!("signature_verification.malformed_signature.{code}");
        refused(&world, answer, &code).await;
    }
}

#[tokio::test]
async fn refuses_the_seal_of_another_answer() {
    let world = World::new().await;
    let mut first: Option<Vec<u8>> = None;
    world.edit_reply(move |letter| match first.take() {
        None => first = Some(letter.body(SIGNATURE).clone()),
        Some(signature) => *letter.body(SIGNATURE) = signature,
    });
    world.ask(Soap::new("x").request()).await.is("");
    let answer = world.ask(Soap::new("y").request()).await;
    answer.is("server.clientproxy.signature_verification.invalid_signature_value");
    world.logged((3, 1), (4, 0)).await;
}

#[tokio::test]
async fn refuses_a_signature_wrapped_around_other_content() {
    // A second document with its own signed properties, hidden beside the true one.
    soap_edited(
        |letter| {
            let text = String::from_utf8(letter.body(SIGNATURE).clone()).unwrap();
            let start = text.find("<ds:Signature ").unwrap();
            let end = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
            let copy = text[start..end].replace("/message.xml", "/attachment1");
            *letter.body(SIGNATURE) =
                format!("{}{copy}{}", &text[..start], &text[start..]).into_bytes();
        },
        "signature_verification.malformed_signature",
    )
    .await;
}

/// The provider signs something else than its node answered.
async fn resigned(world: &World, edit: impl Fn(&mut Letter) + Send + 'static, as_other: bool) {
    let pair = match as_other {
        true => world.other.sign.clone(),
        false => world.provider.identity.sign.clone(),
    };
    let context = world.context(&pair, NOW);
    world.edit_reply(move |letter| {
        edit(letter);
        let content = letter.parts[0].1.clone();
        let parts = gateway_seal::Parts {
            message: certs_keys::Digest::of(certs_keys::DigestAlgorithm::Sha512, &content),
            attachments: Vec::new(),
        };
        let seal = gateway_seal::sign(&context, &[parts], NOW)
            .unwrap()
            .remove(0);
        *letter.body(SIGNATURE) = seal.signature.to_vec();
        for part in [RESULT, CHAIN, BODY] {
            if letter.has(part) {
                letter.remove(part);
            }
        }
    });
}

#[tokio::test]
async fn refuses_answers_signed_by_another_member() {
    let world = World::new().await;
    resigned(&world, |_| (), true).await;
    let answer = world.ask(Soap::new("x").request()).await;
    refused(
        &world,
        answer,
        "signature_verification.incorrect_certificate",
    )
    .await;
}

#[tokio::test]
async fn refuses_a_lying_request_hash_under_a_good_signature() {
    let world = World::new().await;
    resigned(
        &world,
        |letter| letter.edit(SOAP, "#sha512\">", "#sha512\">AAAA"),
        false,
    )
    .await;
    let answer = world.ask(Soap::new("x").request()).await;
    refused(&world, answer, "inconsistent_response").await;

    let world = World::new().await;
    let without = |letter: &mut Letter| {
        letter.edit(SOAP, "x:requestHash", "x:otherHash");
    };
    resigned(&world, without, false).await;
    let answer = world.ask(Soap::new("x").request()).await;
    refused(&world, answer, "inconsistent_response").await;
}

#[tokio::test]
async fn refuses_rest_answers_to_another_question_under_a_good_signature() {
    for (from, to) in [
        ("x-road-request-hash:", "x-road-request-hash:AAAA"),
        ("x-road-request-id:", "x-road-request-id:0"),
        ("x-road-id:DEV", "x-road-id:VED"),
        ("/TESTCLI", "/OTHER"),
        ("/petstore", "/bookstore"),
    ] {
        let world = World::new().await;
        resigned(&world, move |letter| letter.edit(REST, from, to), false).await;
        let answer = world.ask(rest("HEAD", "/x", "")).await;
        answer.is("server.clientproxy.inconsistent_response");
        world.logged((1, 1), (2, 0)).await;
    }
}

#[tokio::test]
async fn refuses_rest_blocks_that_are_none() {
    let good = "x-road-id:a\r\nx-road-request-hash:AAAA\r\n";
    for block in [
        String::new(),
        format!("100\r\nContinue\r\n{good}"),
        format!("200\r\n\r\n{good}Host:x\r\n"),
        format!("200\r\n\r\n{good}a b\r\n"),
        "200\r\nOK\r\nx-road-id:a\r\n".to_owned(),
    ] {
        let edit = move |letter: &mut Letter| *letter.body(REST) = block.clone().into_bytes();
        rest_edited(edit, "service_failed.internal_error").await;
    }
}

#[tokio::test]
async fn refuses_answers_that_do_not_echo_the_question() {
    for (from, to) in [
        ("<x:id>x", "<x:id>y"),
        (">case-7<", ">case-8<"),
        (">AZ99<", "><"),
        ("<x:userId>AZ99</x:userId>", ""),
        ("TESTCLI", "testcli"),
        (">v1<", ">v2<"),
    ] {
        let world = World::new().await;
        resigned(&world, move |letter| letter.edit(SOAP, from, to), false).await;
        let answer = world.ask(Soap::new("x").request()).await;
        refused(&world, answer, "service_failed.inconsistent_response").await;
    }
}

#[tokio::test]
async fn refuses_answers_signed_with_a_stale_or_revoked_certificate() {
    let world = World::new().await;
    world.clock.advance(4000);
    world.refresh();
    let shown = world.wire.inner.shown.lock().unwrap().clone();
    world.refresh_at(&world.provider, NOW);
    *world.wire.inner.shown.lock().unwrap() = shown;
    let answer = world.ask(Soap::new("x").request()).await;
    answer.is(
        "server.clientproxy.signature_verification.invalid_cert_path.incorrect_validation_info",
    );

    let world = World::new().await;
    world.revoke(&world.provider.identity.sign.certificate.clone());
    world.refresh();
    let answer = world.ask(Soap::new("x").request()).await;
    answer.is("server.clientproxy.signature_verification.invalid_cert_path.cert_validation");
}

#[tokio::test]
async fn truncated_answers_are_not_answers() {
    let world = World::new().await;
    world.ask(Soap::new("x").request()).await.is("");
    for left in [1, 100, 1000, 3000] {
        world.on_reply(move |_, body| body.truncate(left));
        let answer = world.ask(Soap::new("x").request()).await;
        assert!(
            answer.code().starts_with("server.clientproxy."),
            "{left}: {}",
            answer.code()
        );
        assert!(!answer.text().contains("lookupResponse"));
    }
    assert_eq!(world.consumer.verdicts().len(), 6);
}

#[tokio::test]
async fn faults_of_peers_are_handed_on_in_both_spellings() {
    let fault = |code: &str| {
        format!(
            "<?xml version=\"1.0\"?><E:Envelope xmlns:E=\"http://schemas.xmlsoap.org/soap/envelope/\">\
             <E:Body><E:Fault><faultcode>{code}</faultcode><faultstring>5ABC12D</faultstring>\
             <detail><faultDetail>0f5d8c1e-2d52-4d51-8f38-6b5f0f4c2a90</faultDetail></detail>\
             </E:Fault></E:Body></E:Envelope>"
        )
    };
    for code in [
        "server.serverproxy.access_denied",
        "Server.ServerProxy.AccessDenied",
    ] {
        // Alone, in place of the message, and in place of the signature.
        for place in 0..3 {
            let world = World::new().await;
            let xml = fault(code);
            world.on_reply({
                let xml = xml.clone();
                move |head, body| {
                    let content_type = head.headers["content-type"].to_str().unwrap().to_owned();
                    let mut letter = Letter::open(&content_type, body);
                    match place {
                        0 => {
                            head.status = http::StatusCode::INTERNAL_SERVER_ERROR;
                            head.headers
                                .insert("content-type", "text/xml".parse().unwrap());
                            *body = xml.clone().into_bytes();
                            return;
                        }
                        1 => letter.parts.clear(),
                        _ => letter.remove(SIGNATURE),
                    }
                    letter.push("text/xml; charset=UTF-8", xml.as_bytes());
                    *body = letter.close();
                }
            });
            let answer = world.ask(Soap::new("x").request()).await;
            answer.is(code);
            assert_eq!(answer.text(), xml, "unchanged");
            let answer = world.ask(rest("GET", "/x", "")).await;
            assert_eq!(
                (answer.header("x-road-error"), answer.status),
                (Some(code), 500)
            );
            assert!(answer.text().contains("5ABC12D"));
            let refusals = world.consumer.refusals(2).await;
            for refusal in refusals {
                assert_eq!(refusal.code, code);
                assert!(!refusal.reason.contains("5ABC12D"), "{}", refusal.reason);
                assert_eq!(refusal.fault_id, "0f5d8c1e-2d52-4d51-8f38-6b5f0f4c2a90");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_with_attachments_but_a_plain_type_is_refused() {
    let world = World::new().await;
    world.on_reply(|head, _| {
        head.headers
            .insert("x-original-content-type", "text/xml".parse().unwrap());
    });
    let envelope = Soap::new("x").text();
    let parts = [
        ("Content-Type: text/xml", envelope.as_bytes()),
        ("Content-Type: a/b", b"x".as_slice()),
    ];
    let request = soap("multipart/related; boundary=b", multipart("b", &parts));
    let answer = world.ask(request).await;
    refused(&world, answer, "service_failed.invalid_content_type").await;
}

#[tokio::test]
async fn an_answer_is_judged_by_the_time_at_which_it_comes() {
    let world = World::new().await;
    let clock = std::sync::Arc::clone(&world.clock);
    world.service.answers(move |_, _| {
        clock.advance(4000);
        Ok(response(200, None, "late"))
    });
    let answer = world.ask(rest("GET", "/slow", "")).await;
    answer.is(
        "server.clientproxy.signature_verification.invalid_cert_path.incorrect_validation_info",
    );
}

/// Unsigned, so whoever sends can write it; but what cannot be time-stamped cannot be archived.
#[tokio::test]
async fn refuses_a_signature_that_no_time_stamp_could_be_put_into() {
    for edit in unstampable() {
        soap_edited(edit, "signature_verification.malformed_signature").await;
        rest_edited(edit, "signature_verification.malformed_signature").await;
    }
}
