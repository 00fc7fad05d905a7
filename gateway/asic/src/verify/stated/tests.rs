use certs_keys::DigestAlgorithm;

use super::*;

const RESULT: &str = "<HashChainResult xmlns=\"http://cyber.ee/hashchain\" URI=\"/c.xml#STEP0\"/>";

/// Steps as text, in which `D` before a name stands for a digest.
fn read(steps: &str) -> Stated {
    let chain = format!(
        "<HashChain xmlns=\"http://cyber.ee/hashchain\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
         <DefaultDigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>{steps}\
         </HashChain>"
    );
    digests(RESULT.as_bytes(), chain.as_bytes())
}

fn part(uri: &str, content: &str) -> String {
    let digest = Digest::of(DigestAlgorithm::Sha256, content.as_bytes());
    let value = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        digest.as_bytes(),
    );
    format!("<DataRef URI=\"{uri}\"><ds:DigestValue>{value}</ds:DigestValue></DataRef>")
}

fn sha256(content: &str) -> Digest {
    Digest::of(DigestAlgorithm::Sha256, content.as_bytes())
}

#[test]
fn reads_the_steps_that_the_result_leads_to_and_no_others() {
    let stated = read(&format!(
        "<HashStep id=\"STEP0\">{}<StepRef URI=\"#STEP1\"/></HashStep>\
         <HashStep id=\"STEP1\">{}</HashStep><HashStep id=\"STEP2\">{}</HashStep>",
        part("/message.xml", "m"),
        part("/attachment1", "one"),
        part("/attachment1", "signed by nobody"),
    ));
    assert_eq!(stated.parts().count(), 2);
    assert_eq!(stated.only("/attachment1"), Some(&sha256("one")));
    assert_eq!(stated.only("/message.xml"), Some(&sha256("m")));
    assert_eq!(stated.only("/attachment2"), None);
}

#[test]
fn of_two_that_differ_none_is_the_one() {
    let twice = |first: &str, second: &str| {
        read(&format!(
            "<HashStep id=\"STEP0\">{}{}</HashStep>",
            part("/attachment1", first),
            part("/attachment1", second)
        ))
    };
    let same = twice("one", "one");
    assert_eq!(same.only("/attachment1"), Some(&sha256("one")));
    assert_eq!(twice("one", "two").only("/attachment1"), None);
}

#[test]
fn circles_end() {
    let stated = read(&format!(
        "<HashStep id=\"STEP0\"><StepRef URI=\"#STEP1\"/><StepRef URI=\"#STEP1\"/></HashStep>\
         <HashStep id=\"STEP1\">{}<StepRef URI=\"#STEP0\"/></HashStep>",
        part("/message.xml", "m")
    ));
    assert_eq!(stated.parts().count(), 1);
}

#[test]
fn says_nothing_of_what_cannot_be_read() {
    assert_eq!(digests(b"", b""), Stated::default());
    assert_eq!(digests(RESULT.as_bytes(), b"<x"), Stated::default());
    assert_eq!(read("<HashStep/>"), Stated::default());
    assert_eq!(
        read("<HashStep id=\"STEP0\"><DataRef URI=\"/message.xml\"/></HashStep>"),
        Stated::default()
    );
    assert_eq!(
        read("<HashStep id=\"STEP0\"><StepRef URI=\"x\"/></HashStep>"),
        Stated::default()
    );
}
