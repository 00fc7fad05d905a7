//! What one container costs, and the chains of a large batch.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    missing_docs,
    unused_crate_dependencies,
    reason = "benches"
)]

use std::hint::black_box;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use certs_authority::{Authority, Order, subject};
use certs_keys::{Digest, DigestAlgorithm, KeyKind, SoftKey};
use certs_x509::profile::{MemberName, Profile};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gateway_asic::zip::{Archive, Limits};
use gateway_asic::{Signed, Stamped, make, stamping};
use gateway_seal::{Parts, Seal, SigningContext, sign};
use jiff::Timestamp;

fn now() -> Timestamp {
    Timestamp::from_second(1_767_323_045).unwrap()
}

/// A message as an information system would send it.
fn message() -> Bytes {
    let row = |n: u32| format!("<row><id>{n}</id><sum>{}</sum></row>", n.wrapping_mul(7919));
    let rows: String = (0..60).map(row).collect();
    format!("<Envelope><Header/><Body>{rows}</Body></Envelope>").into()
}

fn seal(message: &[u8]) -> Seal {
    let mut authority = Authority::create("Bench", KeyKind::P256, now()).unwrap();
    let member = MemberName {
        instance: "AZ".to_owned(),
        member_class: "GOV".to_owned(),
        member_code: "1".to_owned(),
    };
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let order = Order::sign(Profile::Ejbca);
    let name = subject::ejbca_sign(&member);
    let certificate = authority.enroll(&key, &name, order, now()).unwrap();
    let status = authority.ocsp_of(&certificate, now()).unwrap();
    let context =
        SigningContext::new(Arc::new(key), certificate, Vec::new(), vec![status]).unwrap();
    let parts = Parts::of_message(Digest::of(DigestAlgorithm::Sha512, message));
    sign(&context, &[parts], now()).unwrap().remove(0)
}

fn containers(c: &mut Criterion) {
    let message = message();
    let seal = seal(&message);
    let digest = Digest::of(DigestAlgorithm::Sha512, &seal.signature);
    let batch = stamping::batch(&vec![digest; 1000]).unwrap();
    let token = Bytes::from(
        (0..2300_u32)
            .map(|n| n.wrapping_mul(n).to_le_bytes()[1])
            .collect::<Vec<_>>(),
    );
    let single = Stamped::Single {
        token: token.clone(),
    };
    let batch = Stamped::Batch {
        token,
        result: batch.result.clone(),
        chain: batch.chain(500).unwrap(),
    };
    let mut group = c.benchmark_group("make");
    group.throughput(Throughput::Elements(1));
    for (name, stamp) in [("single", single), ("batch", batch)] {
        let signed = Signed {
            message: message.clone(),
            signature: seal.signature.clone(),
            chain: seal.chain.clone(),
            stamp,
            time: now(),
        };
        group.bench_function(name, |b| {
            b.iter(|| {
                make::write(black_box(&signed), &mut std::iter::empty(), io::sink()).unwrap()
            });
        });
        let mut made = Vec::new();
        make::write(&signed, &mut std::iter::empty(), &mut made).unwrap();
        let made = Bytes::from(made);
        group.bench_function(format!("{name}/open and read all"), |b| {
            b.iter(|| {
                let archive = Archive::open(made.clone(), &Limits::CONTAINER).unwrap();
                for entry in archive.entries() {
                    black_box(archive.read(entry).unwrap());
                }
            });
        });
    }
    group.finish();
}

fn batches(c: &mut Criterion) {
    let digests: Vec<_> = (0..10_000_u32)
        .map(|n| Digest::of(DigestAlgorithm::Sha512, &n.to_be_bytes()))
        .collect();
    c.bench_function("batch of 10000", |b| {
        b.iter(|| stamping::batch(black_box(&digests)).unwrap());
    });
    let batch = stamping::batch(&digests).unwrap();
    c.bench_function("batch of 10000/one chain", |b| {
        b.iter(|| batch.chain(black_box(7777)).unwrap());
    });
}

criterion_group!(benches, containers, batches);
criterion_main!(benches);
