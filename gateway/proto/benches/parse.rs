//! What a node reads for every exchange.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use gateway_proto::{Limits, envelope, rest, soap};
use uuid::Uuid;

/// An envelope of about 2 KiB.
fn envelope_text() -> String {
    let keys = "<p:key name=\"identifier\">7ABCDEF</p:key>".repeat(30);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\">\n  <e:Header>\n    \
         <x:client i:objectType=\"SUBSYSTEM\"><i:xRoadInstance>DEV</i:xRoadInstance><i:memberClass>COM</i:memberClass>\
         <i:memberCode>1111</i:memberCode><i:subsystemCode>TESTCLI</i:subsystemCode></x:client>\n    \
         <x:service i:objectType=\"SERVICE\"><i:xRoadInstance>DEV</i:xRoadInstance><i:memberClass>GOV</i:memberClass>\
         <i:memberCode>2222</i:memberCode><i:subsystemCode>TESTPROV</i:subsystemCode>\
         <i:serviceCode>lookup</i:serviceCode><i:serviceVersion>v1</i:serviceVersion></x:service>\n    \
         <x:id>q-0001</x:id>\n    <x:protocolVersion>4.0</x:protocolVersion>\n  </e:Header>\n  \
         <e:Body><p:lookup xmlns:p=\"urn:example:prov\">{keys}</p:lookup></e:Body>\n</e:Envelope>\n"
    )
}

fn soap_parse(criterion: &mut Criterion) {
    let limits = Limits::default();
    let bytes = Bytes::from(envelope_text());
    criterion.bench_function("soap parse 2 KiB", |bencher| {
        bencher.iter(|| soap::parse(black_box(bytes.clone()), "text/xml", &limits).unwrap());
    });
}

fn rest_parse(criterion: &mut Criterion) {
    let headers: &[(&str, &[u8])] = &[
        ("accept", b"*/*"),
        ("accept-encoding", b"gzip, deflate"),
        ("content-type", b"application/json"),
        ("x-road-client", b"DEV/COM/1111/TESTCLI"),
        ("x-road-userid", b"user"),
    ];
    let path = "/r1/DEV/GOV/2222/TESTPROV/petstore/v1/pets";
    let make = || {
        rest::Request::from_client(
            "POST",
            path,
            Some("lang=en"),
            black_box(headers),
            Uuid::nil(),
            Uuid::nil(),
            "DEV",
        )
        .unwrap()
    };
    let block = make().block().clone();
    criterion.bench_function("rest request from client", |bencher| bencher.iter(make));
    criterion.bench_function("rest request from block", |bencher| {
        bencher.iter(|| rest::Request::from_block(black_box(block.clone())).unwrap());
    });
}

fn envelope_decode(criterion: &mut Criterion) {
    let limits = Limits::default();
    let mut encoder = envelope::Encoder::new([7; 32]);
    let mut out = Vec::new();
    encoder.ocsp(&mut out, &[0x30; 1500]);
    encoder.soap(
        &mut out,
        "text/xml; charset=UTF-8",
        envelope_text().as_bytes(),
    );
    encoder.signature(&mut out, None, &[b'x'; 6000]);
    encoder.end(&mut out);
    let content_type = encoder.content_type();
    let body = Bytes::from(out);
    criterion.bench_function("envelope decode 10 KiB", |bencher| {
        bencher.iter(|| {
            let mut decoder = envelope::Decoder::new(&content_type, &limits).unwrap();
            decoder.push(black_box(body.clone()));
            decoder.finish();
            while decoder.next_part().unwrap().is_some() {}
        });
    });
}

criterion_group!(benches, soap_parse, rest_parse, envelope_decode);
criterion_main!(benches);
