#[path = "../tests/it/authority.rs"]
mod authority;
use std::sync::Arc;
use certs_keys::*;
use gateway_seal::*;
use certs_x509::ocsp::Status;
fn main() {
    let msg = b"<a>hello</a>".to_vec();
    let d = |b: &[u8]| Digest::of(DigestAlgorithm::Sha512, b);
    std::fs::create_dir_all("/tmp/seal").unwrap();
    std::fs::write("/tmp/seal/message.xml", &msg).unwrap();
    let root = authority::authority("Root");
    let inter = root.issue_authority("Inter");
    for (n, kind) in [("p256", KeyKind::P256), ("p384", KeyKind::P384), ("p521", KeyKind::P521), ("rsa", KeyKind::Rsa2048)] {
        let m = inter.issue("Member", kind);
        let ctx = SigningContext::new(Arc::clone(&m.key), m.certificate.clone(), vec![inter.certificate.clone()],
            vec![inter.status(&m.certificate, Status::Good, authority::now()), root.status(&inter.certificate, Status::Good, authority::now())]).unwrap();
        std::fs::write(format!("/tmp/seal/{n}.pem"), m.certificate.to_pem()).unwrap();
        let s = sign(&ctx, &[Parts::of_message(d(&msg))], authority::now()).unwrap();
        std::fs::write(format!("/tmp/seal/{n}.xml"), &s[0].signature).unwrap();
        let parts: Vec<Parts> = (0..5).map(|i| Parts { message: d(&msg), attachments: (0..i).map(|a| d(&[a])).collect() }).collect();
        let s = sign(&ctx, &parts, authority::now()).unwrap();
        std::fs::write(format!("/tmp/seal/{n}-batch.xml"), &s[0].signature).unwrap();
        for (i, s) in s.iter().enumerate() { let (r, c) = s.chain.as_ref().unwrap();
            std::fs::write("/tmp/seal/sig-hashchainresult.xml", r).unwrap();
            if n == "rsa" { std::fs::write(format!("/tmp/seal/chain{i}.xml"), c).unwrap(); } 
            std::fs::write(format!("/tmp/seal/{n}-result.xml"), r).unwrap(); }
    }
}
