//! Our own OCSP responder and time-stamping server, on whatever is posted to them.

use certs_x509::ocsp::{self, Status};
use certs_x509::{Error, timestamp};

use crate::made;

/// Every answer is one that a client reads, and only certificates we issued are good.
pub fn ocsp_responder(data: &[u8]) {
    let world = made::world();
    let answer = world.authority.ocsp(data, made::now());
    match ocsp::Response::from_der(&answer) {
        Ok(response) => {
            let request = ocsp::Request::from_der(data).expect("only what can be read is answered");
            assert_eq!(response.nonce(), request.nonce());
            assert_eq!(request.cert_ids().first(), Some(response.cert_id()));
            let serial = response.cert_id().serial();
            let issued = world.authority.issued().iter();
            let mut issued = issued.filter(|issued| {
                issued.certificate.serial_content() == serial
                    || issued.certificate.serial() == serial
            });
            assert!(response.status() != Status::Good || issued.next().is_some());
        }
        Err(Error::Ocsp(ocsp::Error::Refused { .. })) => {}
        Err(other) => panic!("no client reads this answer: {other}"),
    }
}

/// Every answer is one that a client reads, and what is stamped is what was asked.
pub fn timestamper(data: &[u8]) {
    let world = made::world();
    let answer = world.timestamper.respond(data, made::now());
    match timestamp::token_of_response(&answer) {
        Ok(token) => {
            let query = timestamp::Query::from_der(data).expect("only what can be read is stamped");
            assert_eq!(token.imprint(), query.imprint());
            assert_eq!(token.nonce(), query.nonce());
            assert_eq!(token.certificates().is_empty(), !query.certificate_wanted());
            let approved = [world.timestamper.certificate().clone()];
            token
                .verify(query.imprint(), &approved)
                .expect("our own time stamp");
        }
        Err(Error::Timestamp(timestamp::Error::NotGranted { .. })) => {}
        Err(other) => panic!("no client reads this answer: {other}"),
    }
}
