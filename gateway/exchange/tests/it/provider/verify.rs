//! verify: what the client's member did not sign does not reach the service.

use certs_keys::{Digest, DigestAlgorithm};

use crate::support::{Letter, NOW, Soap, World, multipart, replace_all, rest, soap, unstampable};

const SIGNATURE: &str = "signature/bdoc-1.0/ts";
const RESULT: &str = "application/hash-chain-result";
const CHAIN: &str = "application/hash-chain";
const SOAP: &str = "text/xml; charset=UTF-8";
const REST: &str = "application/x-road-rest-request";
const BODY: &str = "application/x-road-rest-body";
const WRONG: &str = "invalid_signature_value";

async fn refused(world: &World, request: http::Request<gateway_net::Body>, code: &str) {
    let answer = world.ask(request).await;
    answer.is(&format!("server.serverproxy.signature_verification.{code}"));
    assert!(
        world.service.calls().is_empty(),
        "unsigned content reached the service"
    );
    world.logged((1, 1), (0, 1)).await;
}

async fn soap_edited(edit: impl FnMut(&mut Letter) + Send + 'static, code: &str) {
    let world = World::new().await;
    world.edit_request(edit);
    refused(&world, Soap::new("x").request(), code).await;
}

async fn rest_edited(edit: impl FnMut(&mut Letter) + Send + 'static, code: &str) {
    let world = World::new().await;
    world.edit_request(edit);
    refused(&world, rest("POST", "/x", "a body"), code).await;
}

#[tokio::test]
async fn refuses_tampered_soap_requests() {
    soap_edited(|letter| letter.edit(SOAP, ">42<", ">43<"), WRONG).await;
    soap_edited(|letter| letter.edit(SOAP, "?>\n", "?>"), WRONG).await;
    soap_edited(
        |letter| letter.edit(SIGNATURE, "SigningTime>2", "SigningTime>1"),
        WRONG,
    )
    .await;
    let emptied = |letter: &mut Letter| *letter.body(SIGNATURE) = b"<a/>".to_vec();
    soap_edited(emptied, "malformed_signature").await;
    let garbage = |letter: &mut Letter| *letter.body(SIGNATURE) = b"\xFF\xFE".to_vec();
    soap_edited(garbage, "invalid_xml").await;
}

#[tokio::test]
async fn refuses_tampered_rest_requests() {
    let broken = "malformed_signature.invalid_hash_chain";
    rest_edited(|letter| letter.edit(REST, "/x\r\n", "/y\r\n"), broken).await;
    rest_edited(|letter| letter.edit(REST, "POST", "DELETE"), broken).await;
    rest_edited(|letter| letter.edit(BODY, "body", "BODY"), broken).await;
    rest_edited(|letter| letter.body(RESULT).push(b' '), WRONG).await;
    let lost = "malformed_signature.invalid_reference";
    rest_edited(|letter| letter.remove(BODY), lost).await;
    let unused = |letter: &mut Letter| letter.edit(CHAIN, "/attachment1", "/attachment9");
    rest_edited(unused, "malformed_signature.hashchain_unused_inputs").await;
    rest_edited(
        |letter| letter.edit(CHAIN, "hashchain", "hashchains"),
        "malformed_signature.malformed_hash_chain",
    )
    .await;
}

#[tokio::test]
async fn refuses_a_tampered_attachment() {
    let world = World::new().await;
    world.edit_request(|letter| {
        let body = letter.body("multipart/mixed");
        *body = replace_all(body, b"attached", b"ATTACHED");
    });
    let envelope = Soap::new("x").text();
    let parts = [
        ("Content-Type: text/xml", envelope.as_bytes()),
        ("Content-Type: a/b", b"attached"),
    ];
    let request = soap("multipart/related; boundary=b", multipart("b", &parts));
    refused(&world, request, "malformed_signature.invalid_hash_chain").await;
}

#[tokio::test]
async fn refuses_a_body_added_to_a_request_that_had_none() {
    let world = World::new().await;
    world.edit_request(|letter| {
        let at = letter.parts.len() - 1;
        let part = (format!("content-type: {BODY}"), b"added".to_vec());
        letter.parts.insert(at, part);
    });
    refused(&world, rest("POST", "/x", ""), "malformed_signature").await;
}

#[tokio::test]
async fn refuses_the_seal_of_another_message() {
    let world = World::new().await;
    let mut first: Option<Vec<u8>> = None;
    world.edit_request(move |letter| match first.take() {
        None => first = Some(letter.body(SIGNATURE).clone()),
        Some(signature) => *letter.body(SIGNATURE) = signature,
    });
    world.ask(Soap::new("x").request()).await.is("");
    let answer = world.ask(Soap::new("y").request()).await;
    answer.is("server.serverproxy.signature_verification.invalid_signature_value");
    assert_eq!(world.service.calls().len(), 1);
    world.logged((3, 1), (2, 1)).await;
}

#[tokio::test]
async fn refuses_the_chain_of_another_message_in_the_same_batch() {
    let world = World::new().await;
    let (one, two) = (Soap::new("one").text(), Soap::new("two").text());
    let sha512 = |text: &str| gateway_seal::Parts {
        message: Digest::of(DigestAlgorithm::Sha512, text.as_bytes()),
        attachments: Vec::new(),
    };
    let context = world.context(&world.consumer.identity.sign, NOW);
    let seals = gateway_seal::sign(&context, &[sha512(&one), sha512(&two)], NOW).unwrap();
    // Honest first, so that the signature document is remembered; then each other's.
    for (at, code) in [(0, ""), (1, "malformed_signature.invalid_hash_chain")] {
        let seal = seals[at].clone();
        world.edit_request(move |letter| {
            letter.remove(SIGNATURE);
            let (result, chain) = seal.chain.as_ref().unwrap();
            letter.push(RESULT, result);
            letter.push(CHAIN, chain);
            letter.push(SIGNATURE, &seal.signature);
        });
        let answer = world.ask(Soap::new("one").request()).await;
        match code {
            "" => answer.is(""),
            code => answer.is(&format!("server.serverproxy.signature_verification.{code}")),
        }
    }
    assert_eq!(world.service.calls().len(), 1);
    world.logged((3, 1), (2, 1)).await;
}

#[tokio::test]
async fn refuses_wrapped_signatures() {
    // The signed properties moved away, and a double of another identifier in their place.
    soap_edited(
        |letter| {
            let text = String::from_utf8(letter.body(SIGNATURE).clone()).unwrap();
            let start = text.find("<ds:Signature ").unwrap();
            let end = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
            let copy = &text[start..end];
            *letter.body(SIGNATURE) =
                format!("{}{copy}{}", &text[..start], &text[start..]).into_bytes();
        },
        "malformed_signature",
    )
    .await;
    soap_edited(
        |letter| {
            letter.edit(
                SIGNATURE,
                "URI=\"/message.xml\"",
                "URI=\"#signed-properties\"",
            )
        },
        WRONG,
    )
    .await;
}

#[tokio::test]
async fn the_service_gets_the_signed_envelope_though_another_stands_beside_it() {
    // A second envelope inside the message part's attachments is an attachment, and not signed.
    let world = World::new().await;
    let other = Soap::new("other").text();
    world.edit_request(move |letter| {
        let at = letter.parts.len() - 1;
        let nested = format!("\r\n--n\r\ncontent-type: text/xml\r\n\r\n{other}\r\n--n--\r\n");
        let head = "content-type: multipart/mixed; boundary=n".to_owned();
        letter.parts.insert(at, (head, nested.into_bytes()));
    });
    let envelope = Soap::new("x").text();
    let body = multipart(
        "b",
        &[("Content-Type: text/xml; charset=UTF-8", envelope.as_bytes())],
    );
    let request = soap("multipart/related; boundary=b", body);
    refused(&world, request, "malformed_signature").await;
}

#[tokio::test]
async fn refuses_what_another_member_signed() {
    let world = World::new().await;
    let context = world.context(&world.other.sign, NOW);
    world.edit_request(move |letter| {
        let parts = gateway_seal::Parts {
            message: Digest::of(DigestAlgorithm::Sha512, letter.body(SOAP)),
            attachments: Vec::new(),
        };
        let seal = gateway_seal::sign(&context, &[parts], NOW)
            .unwrap()
            .remove(0);
        *letter.body(SIGNATURE) = seal.signature.to_vec();
    });
    refused(&world, Soap::new("x").request(), "incorrect_certificate").await;
}

#[tokio::test]
async fn refuses_signatures_of_an_authority_for_tls_only_or_of_none_approved() {
    let world = World::new().await;
    world
        .reconfigure(|shared| shared.authorities[0].authentication_only = true)
        .await;
    let answer = world.ask(Soap::new("x").request()).await;
    answer.is("server.serverproxy.signature_verification.internal_error");
    let world = World::new().await;
    world
        .reconfigure(|shared| shared.authorities[0].profile_class = "a.b.Unknown".to_owned())
        .await;
    let answer = world.ask(Soap::new("x").request()).await;
    answer.is("server.serverproxy.signature_verification.internal_error");
    assert!(world.service.calls().is_empty());
}

#[tokio::test]
async fn refuses_signatures_whose_ocsp_response_is_stale_or_says_revoked() {
    let world = World::new().await;
    world.ask(Soap::new("x").request()).await.is("");
    world.clock.advance(3601);
    let before = world.consumer.node.keys.load_full();
    world.refresh();
    // TLS is fresh, the signature is not.
    let fresh = world.consumer.node.keys.load_full();
    let keys = gateway_exchange::keys::Keys {
        signers: before.signers.clone(),
        authentication: fresh.authentication.clone(),
        ..Default::default()
    };
    world.consumer.node.keys.store(keys.into());
    let answer = world.ask(Soap::new("y").request()).await;
    answer.is(
        "server.serverproxy.signature_verification.invalid_cert_path.incorrect_validation_info",
    );
    world.revoke(&world.consumer.identity.sign.certificate.clone());
    world.refresh();
    let answer = world.ask(Soap::new("z").request()).await;
    answer.is("server.serverproxy.signature_verification.invalid_cert_path.cert_validation");
    assert_eq!(world.service.calls().len(), 1);
}

/// Unsigned, so whoever sends can write it; but what cannot be time-stamped cannot be archived.
#[tokio::test]
async fn refuses_a_signature_that_no_time_stamp_could_be_put_into() {
    for edit in unstampable() {
        soap_edited(edit, "malformed_signature").await;
        rest_edited(edit, "malformed_signature").await;
    }
}
