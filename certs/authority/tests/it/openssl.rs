//! What the authority makes, judged by OpenSSL's command line; and OpenSSL's requests, answered.
//! Says "not run" where there is no OpenSSL.

use std::fs;
use std::path::Path;
use std::process::Command;

use certs_authority::{Authority, Order, Timestamper, subject};
use certs_keys::{Digest, DigestAlgorithm, KeyKind, Pin};
use certs_x509::Certificate;
use certs_x509::profile::Profile;
use certs_x509::timestamp;
use tempfile::TempDir;

use crate::{key, now};

struct World {
    folder: TempDir,
    authority: Authority,
    certificate: Certificate,
}

/// An authority with an intermediate and one certificate, its files written; `None` without
/// OpenSSL.
fn world(kind: KeyKind) -> Option<World> {
    let version = Command::new("openssl").arg("version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        #[expect(clippy::print_stderr, reason = "what the test runner shows")]
        {
            eprintln!("not run: no openssl command");
        }
        return None;
    }
    let mut authority = Authority::create("Sandbox", kind, now()).unwrap();
    authority.add_intermediate(kind, now()).unwrap();
    let subject = subject::ejbca_auth("AZ", "ss1");
    let order = Order::auth(Profile::Ejbca);
    let certificate = authority.enroll(&key(), &subject, order, now()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, certificate: &Certificate| {
        fs::write(folder.path().join(name), certificate.to_pem()).unwrap();
    };
    write("root.pem", authority.root());
    write("issuer.pem", authority.issuer());
    write("leaf.pem", &certificate);
    Some(World {
        folder,
        authority,
        certificate,
    })
}

impl World {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs OpenSSL in the folder at the fixed time; gives back whether it was content, and all it
    /// said.
    fn openssl(&self, line: &str) -> (bool, String) {
        let at = now().as_second().to_string();
        let line = line.replace("AT", &format!("-attime {at}"));
        let output = Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(self.path())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }

    #[track_caller]
    fn accepted(&self, line: &str) -> String {
        let (accepted, text) = self.openssl(line);
        assert!(accepted, "{line}\n{text}");
        text
    }

    fn answer_ocsp(&self) {
        let request = fs::read(self.path().join("request.der")).unwrap();
        let response = self.authority.ocsp(&request, now());
        fs::write(self.path().join("response.der"), response).unwrap();
    }
}

/// Thirty years of tolerance: the command has no other way to judge a response at a fixed time.
fn judge(digest: &str) -> String {
    format!(
        "ocsp {digest} -no_nonce -issuer issuer.pem -cert leaf.pem -respin response.der \
         -CAfile root.pem AT -validity_period 946080000"
    )
}

#[test]
fn openssl_verifies_the_certificates() {
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048] {
        let Some(world) = world(kind) else { return };
        for purpose in ["sslclient", "sslserver"] {
            world.accepted(&format!(
                "verify -x509_strict AT -purpose {purpose} -CAfile root.pem -untrusted issuer.pem \
                 leaf.pem"
            ));
        }
        let responder = world.authority.ocsp_responder().to_pem();
        fs::write(world.path().join("responder.pem"), responder).unwrap();
        world.accepted(
            "verify -x509_strict AT -purpose ocsphelper -CAfile root.pem -untrusted issuer.pem \
             responder.pem",
        );
    }
}

#[test]
fn openssl_accepts_the_ocsp_answers_to_its_own_requests() {
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let Some(mut world) = world(kind) else { return };
        for digest in ["-sha1", "-sha256", "-sha512"] {
            for nonce in ["-nonce", "-no_nonce"] {
                // The digest option counts for the certificates after it.
                world.accepted(&format!(
                    "ocsp {digest} {nonce} -issuer issuer.pem -cert leaf.pem -reqout request.der"
                ));
                world.answer_ocsp();
                // Against the request: the signature, and the nonce.
                let judged = world.accepted(
                    "ocsp -reqin request.der -respin response.der -CAfile root.pem \
                     -verify_other issuer.pem AT",
                );
                assert!(judged.contains("Response verify OK"), "{judged}");
                assert!(!judged.to_lowercase().contains("nonce"), "{judged}");
                // Against the certificate: the status.
                let judged = world.accepted(&judge(digest));
                assert!(judged.contains("Response verify OK"), "{judged}");
                assert!(judged.contains("leaf.pem: good"), "{judged}");
            }
        }
        let serial = world.certificate.serial().to_vec();
        world.authority.suspend(&serial, now()).unwrap();
        world.answer_ocsp();
        let (_, judged) = world.openssl(&judge("-sha512"));
        assert!(judged.contains("leaf.pem: revoked"), "{judged}");
        assert!(judged.contains("certificateHold"), "{judged}");
        world.authority.unrevoke(&serial).unwrap();
        world.authority.revoke(&serial, now()).unwrap();
        world.answer_ocsp();
        let (_, judged) = world.openssl(&judge("-sha512"));
        assert!(judged.contains("leaf.pem: revoked"), "{judged}");
        assert!(judged.contains("Response verify OK"), "{judged}");
    }
}

#[test]
fn openssl_reads_the_refusals() {
    let Some(world) = world(KeyKind::P256) else {
        return;
    };
    for (request, expected) in [
        (b"nothing".to_vec(), "malformedrequest"),
        (
            certs_x509::ocsp::request(world.authority.root(), &world.certificate),
            "unauthorized",
        ),
    ] {
        fs::write(world.path().join("request.der"), request).unwrap();
        world.answer_ocsp();
        let (_, text) = world.openssl("ocsp -respin response.der -noverify -text");
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn openssl_verifies_the_time_stamps() {
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let Some(mut world) = world(kind) else { return };
        let timestamper = world.authority.timestamper("TSA", kind, now()).unwrap();
        fs::write(world.path().join("data"), b"stamped").unwrap();
        fs::write(
            world.path().join("tsa.pem"),
            timestamper.certificate().to_pem(),
        )
        .unwrap();
        for options in ["-sha512 -cert", "-sha256 -no_nonce -cert", "-sha384"] {
            world.accepted(&format!("ts -query -data data {options} -out query"));
            stamp(&world, &timestamper);
            for judged in ["-data data", "-queryfile query"] {
                let untrusted = "cat.pem";
                let chain = [world.authority.issuer(), timestamper.certificate()]
                    .map(Certificate::to_pem)
                    .concat();
                fs::write(world.path().join(untrusted), chain).unwrap();
                let text = world.accepted(&format!(
                    "ts -verify {judged} -in response -CAfile root.pem -untrusted {untrusted} AT"
                ));
                assert!(text.contains("Verification: OK"), "{text}");
            }
        }
        // The request of the network's servers.
        let imprint = Digest::of(DigestAlgorithm::Sha512, b"stamped");
        fs::write(world.path().join("query"), timestamp::request(&imprint)).unwrap();
        stamp(&world, &timestamper);
        let text = world.accepted("ts -reply -in response -text");
        assert!(text.contains("Status: Granted."), "{text}");
        assert!(text.contains("Mar  1 12:00:00 2026 GMT"), "{text}");
        fs::write(world.path().join("data"), b"changed").unwrap();
        let (accepted, _) = world
            .openssl("ts -verify -data data -in response -CAfile root.pem -untrusted cat.pem AT");
        assert!(!accepted);
    }
}

#[test]
fn openssl_reads_the_rejections() {
    let Some(mut world) = world(KeyKind::P256) else {
        return;
    };
    let timestamper = world
        .authority
        .timestamper("TSA", KeyKind::P256, now())
        .unwrap();
    fs::write(world.path().join("data"), b"stamped").unwrap();
    for (options, expected) in [
        ("-md5", "unrecognized or unsupported algorithm identifier"),
        ("-sha1", "unrecognized or unsupported algorithm identifier"),
        (
            "-sha256 -tspolicy 1.2.3.4",
            "the requested TSA policy is not supported",
        ),
    ] {
        world.accepted(&format!("ts -query -data data {options} -out query"));
        stamp(&world, &timestamper);
        let (_, text) = world.openssl("ts -reply -in response -text");
        assert!(text.contains("Status: Rejected."), "{text}");
        assert!(text.contains(expected), "{text}");
    }
    fs::write(world.path().join("query"), b"nothing").unwrap();
    stamp(&world, &timestamper);
    let (_, text) = world.openssl("ts -reply -in response -text");
    assert!(
        text.contains("the data submitted has the wrong format"),
        "{text}"
    );
}

#[test]
fn openssl_opens_the_sealed_keys() {
    let Some(world) = world(KeyKind::P256) else {
        return;
    };
    let keys = world
        .authority
        .seal_keys(&Pin::new("secret".to_owned()))
        .unwrap();
    let keys = serde_json::to_value(keys).unwrap();
    for pem in keys.as_object().unwrap().values() {
        fs::write(world.path().join("key.pem"), pem.as_str().unwrap()).unwrap();
        world.accepted("pkey -in key.pem -passin pass:secret -noout -check");
        assert!(
            !world
                .openssl("pkey -in key.pem -passin pass:wrong -noout")
                .0
        );
    }
}

fn stamp(world: &World, timestamper: &Timestamper) {
    let query = fs::read(world.path().join("query")).unwrap();
    fs::write(
        world.path().join("response"),
        timestamper.respond(&query, now()),
    )
    .unwrap();
}
