//! What one signature costs: made, verified, brought into canonical form.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    missing_docs,
    unused_crate_dependencies,
    dead_code,
    reason = "benches"
)]

#[path = "../tests/it/authority.rs"]
mod authority;

use std::hint::black_box;

use certs_keys::{Digest, DigestAlgorithm, KeyKind};
use criterion::{Criterion, criterion_group, criterion_main};
use gateway_seal::{Parts, Rules, VerifiedSignature, sign, verify_value};
use gateway_xml::{Canonicalization, Document, Limits};

fn seals(c: &mut Criterion) {
    let authority = authority::authority("Authority");
    let parts = Parts::of_message(Digest::of(DigestAlgorithm::Sha512, &[b'x'; 2048]));
    let batch = vec![parts.clone(); 32];
    let now = authority::now();
    for (name, kind) in [("p256", KeyKind::P256), ("rsa2048", KeyKind::Rsa2048)] {
        let member = authority.issue("Member", kind);
        let context = authority.context(&member);
        let one = std::slice::from_ref(&parts);
        c.bench_function(&format!("sign/{name}"), |b| {
            b.iter(|| sign(&context, black_box(one), now).unwrap());
        });
        c.bench_function(&format!("sign/{name}/batch of 32"), |b| {
            b.iter(|| sign(&context, black_box(&batch), now).unwrap());
        });
        let seal = sign(&context, one, now).unwrap().remove(0);
        c.bench_function(&format!("verify/{name}"), |b| {
            b.iter(|| verify_value(black_box(&seal), &parts).unwrap());
        });
        let seal = sign(&context, &batch, now).unwrap().remove(0);
        let verified =
            VerifiedSignature::verify(&seal.signature, Rules::Wire, &certs_x509::Memo::default())
                .unwrap();
        let (result, chain) = seal.chain.unwrap();
        c.bench_function(&format!("cover/{name}/batch of 32"), |b| {
            b.iter(|| {
                verified
                    .cover(Some((&result, black_box(&chain))), &parts)
                    .unwrap()
            });
        });
    }
}

fn canonical(c: &mut Criterion) {
    let authority = authority::authority("Authority");
    let member = authority.issue("Member", KeyKind::Rsa2048);
    let parts = Parts::of_message(Digest::of(DigestAlgorithm::Sha512, b"message"));
    let context = authority.context(&member);
    let seal = sign(&context, &[parts], authority::now())
        .unwrap()
        .remove(0);
    c.bench_function("xml/parse a signature", |b| {
        b.iter(|| Document::parse(black_box(&seal.signature), Limits::default()).unwrap());
    });
    let document = Document::parse(&seal.signature, Limits::default()).unwrap();
    for name in ["SignedInfo", "SignedProperties", "XAdESSignatures"] {
        let root = document.root();
        let node = root
            .descendants()
            .find(|node| node.local_name() == name)
            .unwrap();
        c.bench_function(&format!("xml/canonical {name}"), |b| {
            b.iter(|| {
                node.canonical(black_box(&Canonicalization::Inclusive10))
                    .unwrap()
            });
        });
    }
}

criterion_group!(benches, seals, canonical);
criterion_main!(benches);
