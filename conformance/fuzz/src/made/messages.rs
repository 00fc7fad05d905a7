//! Seals, hash chains, faults and messages between nodes.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_proto::envelope::Encoder;
use gateway_proto::fault::{Code, Fault};
use gateway_proto::mime::Headers;
use gateway_seal::{Parts, SIGNATURE_CHAIN_URI, SigningContext, attachment_uri, hashchain, sign};
use uuid::Uuid;

use super::{now, world};

type Sealed = (Parts, Option<(Bytes, Bytes)>);

struct Seals {
    messages: Vec<Sealed>,
    documents: Vec<Vec<u8>>,
}

fn seals() -> &'static Seals {
    static SEALS: OnceLock<Seals> = OnceLock::new();
    SEALS.get_or_init(|| {
        let digest = |text: &str| Digest::of(DigestAlgorithm::Sha512, text.as_bytes());
        let one = Parts::of_message(digest("one"));
        let two = Parts {
            message: digest("two"),
            attachments: vec![digest("a"), digest("b")],
        };
        let context = context();
        let mut seals = Seals {
            messages: Vec::new(),
            documents: Vec::new(),
        };
        for batch in [vec![one.clone()], vec![two.clone()], vec![one, two]] {
            let made = sign(&context, &batch, now()).expect("seals");
            seals.documents.push(made[0].signature.to_vec());
            for (parts, seal) in batch.into_iter().zip(made) {
                seals.messages.push((parts, seal.chain));
            }
        }
        seals
    })
}

/// Messages that were signed, with result and chain where they have some.
pub(crate) fn sealed_messages() -> &'static [Sealed] {
    &seals().messages
}

/// Signature documents.
pub fn signature_documents() -> Vec<Vec<u8>> {
    seals().documents.clone()
}

/// Result and chain over digests of the names of the parts.
pub fn hash_chains() -> Vec<Vec<u8>> {
    let digest = |text: &str| Digest::of(DigestAlgorithm::Sha512, text.as_bytes());
    let parts = |attachments: usize| Parts {
        message: digest("/message.xml"),
        attachments: (0..attachments)
            .map(|index| digest(&attachment_uri(index)))
            .collect(),
    };
    let mut seeds = Vec::new();
    for messages in [
        vec![parts(1)],
        vec![parts(3)],
        vec![parts(0), parts(0), parts(2)],
    ] {
        let built = hashchain::build(&messages, SIGNATURE_CHAIN_URI, "/message.xml");
        let (result, chains) = built.expect("a chain");
        for chain in chains {
            seeds.push([&result[..], &[0], &chain[..]].concat());
        }
    }
    seeds
}

/// Faults of our own.
pub fn faults() -> Vec<Vec<u8>> {
    vec![fault().to_xml().to_vec()]
}

fn fault() -> Fault {
    let code = Code::new("server.serverproxy.access_denied");
    Fault::new(
        code,
        "Request is not allowed: <SERVICE>",
        Uuid::from_u128(7),
    )
}

/// Messages between nodes.
pub fn envelopes() -> Vec<Vec<u8>> {
    let soap = include_bytes!("../../seeds/soap_envelope/request.xml");
    let rest = include_bytes!("../../seeds/rest_request/get");
    let seals = seals();
    let signature = &seals.documents[0];
    let batch = seals
        .messages
        .iter()
        .find_map(|(_, chain)| chain.as_ref())
        .expect("a batch");
    let batch = Some((&batch.0[..], &batch.1[..]));
    let ocsp = world()
        .authority
        .ocsp_of(&world().certificate, now())
        .expect("a response");
    let make = |write: &dyn Fn(&mut Encoder, &mut Vec<u8>)| {
        let mut encoder = Encoder::new([9; 32]);
        let mut out = encoder.content_type().into_bytes();
        out.push(b'\n');
        write(&mut encoder, &mut out);
        encoder.end(&mut out);
        out
    };
    vec![
        make(&|encoder, out| {
            encoder.ocsp(out, ocsp.der());
            encoder.soap(out, "text/xml; charset=utf-8", soap);
            encoder.signature(out, None, signature);
        }),
        make(&|encoder, out| {
            encoder.soap(out, "text/xml", soap);
            encoder.attachment_start(
                out,
                &Headers(vec![
                    ("content-type".to_owned(), "application/pdf".to_owned()),
                    ("content-id".to_owned(), "<a@b>".to_owned()),
                ]),
            );
            out.extend_from_slice(b"%PDF\r\n--\r\n");
            encoder.attachment_start(out, &Headers::of_type("text/plain"));
            encoder.signature(out, batch, signature);
        }),
        make(&|encoder, out| {
            encoder.rest_request(out, rest);
            encoder.rest_body_start(out);
            out.extend_from_slice(b"{}");
            encoder.signature(out, batch, signature);
        }),
        make(&|encoder, out| {
            encoder.rest_response(out, b"200\r\nOK\r\nx-road-id:1\r\n");
            encoder.fault(out, &fault());
        }),
        make(&|encoder, out| encoder.fault(out, &fault())),
    ]
}

pub(super) fn context() -> SigningContext {
    let world = world();
    let response = world.authority.ocsp_of(&world.certificate, now());
    let responses = vec![response.expect("a response")];
    let key = Arc::clone(&world.key);
    SigningContext::new(key, world.certificate.clone(), Vec::new(), responses).expect("a context")
}
