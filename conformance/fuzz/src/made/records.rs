//! Records of the message log.

use bytes::Bytes;
use certs_keys::DigestAlgorithm;
use gateway_messagelog::{
    Content, Covered, Direction, MessageLog, Options, Protocol, Record, Refusal, Side, Stamp,
};
use gateway_proto::id::{ClientId, ServerId, ServiceId};
use uuid::Uuid;

use super::{member, now, sealed_messages, signature_documents};

/// A segment with records of a log.
pub fn log_segments() -> Vec<Vec<u8>> {
    let records = log_records();
    let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
    vec![
        crate::targets::segment(&records),
        crate::targets::segment(&[]),
    ]
}

/// Records as a log writes them: a message, a message with an attachment, a refusal, a time stamp.
pub fn log_records() -> Vec<Vec<u8>> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a temporary folder");
    runtime.block_on(async {
        let log = MessageLog::open(folder.path(), Options::default()).expect("a log");
        log.append(record(Vec::new())).await.expect("it is logged");
        let attachment = Content::from_bytes(Bytes::from_static(b"attached"));
        let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
        log.append(record(vec![(headers, attachment)]))
            .await
            .expect("it is logged");
        log.note_refusal(refusal());
        // Behind the refusal, so that it is on the disk when this is.
        log.append(record(Vec::new())).await.expect("it is logged");
        let waiting = log.unstamped(9).await.expect("it is read");
        let covers = waiting.iter().map(|message| Covered {
            ordinal: message.ordinal,
            digest: message.digest,
        });
        let stamp = Stamp {
            time: now(),
            authority: "http://127.0.0.1/tsa".to_owned(),
            token: Bytes::from_static(b"token"),
            algorithm: DigestAlgorithm::Sha512,
            single: false,
            covers: covers.collect(),
        };
        log.append_stamp(stamp).await.expect("it is logged");
    });
    drop(runtime);
    let scan = gateway_store::segment::Scan::open(&folder.path().join("segments")).expect("a log");
    let mut records: Vec<_> = scan.map(|found| found.expect("whole").1.to_vec()).collect();
    // One message without attachments is enough.
    records.remove(3);
    records
}

fn record(attachments: Vec<(Vec<(String, String)>, Content)>) -> Record {
    let client = ClientId::new(member("2"), Some("portal")).expect("an identifier");
    let (_, chain) = sealed_messages().last().expect("some");
    let (result, chain) = chain.clone().expect("the last ones are a batch");
    Record {
        time: now(),
        side: Side::Provider,
        direction: Direction::Request,
        protocol: Protocol::Soap,
        client,
        service: service(),
        message_id: "a-1".to_owned(),
        request_id: Some(Uuid::from_u128(1).to_string()),
        user_id: Some("AZ1234".to_owned()),
        issue: None,
        peer: Some(ServerId::new(member("2"), "node").expect("an identifier")),
        message: Bytes::from_static(include_bytes!("../../seeds/soap_envelope/request.xml")),
        message_digest: None,
        content_type: "text/xml".to_owned(),
        attachments,
        signature: signature_documents()[0].clone().into(),
        hash_chain_result: Some(result),
        hash_chain: Some(chain),
        degraded: vec!["an OCSP response was stale".to_owned()],
        basis: None,
    }
}

fn refusal() -> Refusal {
    Refusal {
        time: now(),
        side: Side::Consumer,
        protocol: Protocol::Rest,
        client: None,
        service: Some(service()),
        message_id: None,
        peer: None,
        code: "client.access_denied".to_owned(),
        reason: "no rule".to_owned(),
        fault_id: Uuid::from_u128(9).to_string(),
    }
}

fn service() -> ServiceId {
    let provider = ClientId::new(member("1"), Some("iamas")).expect("an identifier");
    ServiceId::new(provider, "GetPersonByFin", Some("v1")).expect("an identifier")
}
