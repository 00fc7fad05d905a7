use super::*;
use crate::encoding::base64;
use crate::hashchain::step;

const CHAIN: &str = "/sig-hashchain.xml";

fn sha512(text: &str) -> Digest {
    Digest::of(DigestAlgorithm::Sha512, text.as_bytes())
}

fn result_of(top: &Digest) -> String {
    format!(
        "<r:HashChainResult xmlns:r='http://cyber.ee/hashchain' \
         xmlns='http://www.w3.org/2000/09/xmldsig#' URI='/sig-hashchain.xml#STEP0'>\
         <DigestMethod Algorithm='{}'/><DigestValue>{}</DigestValue></r:HashChainResult>",
        top.algorithm().uri(),
        base64(top.as_bytes()),
    )
}

/// A chain of SHA-512 whose steps are STEP0, STEP1, … in the namespace of the chain.
fn chain_of(steps: &[String]) -> String {
    let steps: String = steps
        .iter()
        .enumerate()
        .map(|(index, entries)| format!("<HashStep id='STEP{index}'>{entries}</HashStep>"))
        .collect();
    format!(
        "<HashChain xmlns='http://cyber.ee/hashchain' \
         xmlns:d='http://www.w3.org/2000/09/xmldsig#'>\
         <DefaultDigestMethod Algorithm='http://www.w3.org/2001/04/xmlenc#sha512'/>{steps}\
         </HashChain>"
    )
}

fn data(uri: &str, stated: &Digest) -> String {
    let value = base64(stated.as_bytes());
    format!("<DataRef URI='{uri}'><d:DigestValue>{value}</d:DigestValue></DataRef>")
}

fn value(digest: &Digest) -> String {
    format!(
        "<HashValue><d:DigestValue>{}</d:DigestValue></HashValue>",
        base64(digest.as_bytes())
    )
}

fn inputs(parts: &[(&str, Digest)]) -> Vec<(String, Digest)> {
    parts
        .iter()
        .map(|(uri, digest)| ((*uri).to_owned(), *digest))
        .collect()
}

#[track_caller]
fn check(result: &str, chain: &str, parts: &[(&str, Digest)], expected: Result<(), Error>) {
    assert_eq!(
        verify(result.as_bytes(), chain.as_bytes(), CHAIN, &inputs(parts)),
        expected
    );
}

#[test]
fn accepts_a_chain_with_any_prefixes_and_further_values() {
    let (one, two) = (sha512("one"), sha512("two"));
    let result = result_of(&step(&[one, two]));
    let chain = chain_of(&[data("/message.xml", &one) + &value(&two)]);
    check(&result, &chain, &[("/message.xml", one)], Ok(()));
}

#[test]
fn recomputes_from_what_was_received_and_not_from_what_is_stated() {
    let (one, two) = (sha512("one"), sha512("two"));
    let result = result_of(&step(&[one, two]));
    let chain = chain_of(&[data("/message.xml", &one) + &value(&two)]);
    check(
        &result,
        &chain,
        &[("/message.xml", sha512("other"))],
        Err(Error::ResultMismatch),
    );
    // The stated value is not looked at: the received one is right.
    let chain = chain_of(&[data("/message.xml", &sha512("other")) + &value(&two)]);
    check(&result, &chain, &[("/message.xml", one)], Ok(()));
}

#[test]
fn refuses_a_part_that_the_chain_does_not_refer_to() {
    let (one, two) = (sha512("one"), sha512("two"));
    let result = result_of(&step(&[one, two]));
    let chain = chain_of(&[data("/message.xml", &one) + &value(&two)]);
    check(
        &result,
        &chain,
        &[("/message.xml", one), ("/attachment1", two)],
        Err(Error::UnusedInput {
            uri: "/attachment1".to_owned(),
        }),
    );
}

#[test]
fn refuses_a_reference_to_a_part_that_was_not_received() {
    let (one, two) = (sha512("one"), sha512("two"));
    let result = result_of(&step(&[one, two]));
    let chain = chain_of(&[data("/message.xml", &one) + &data("/attachment1", &two)]);
    check(
        &result,
        &chain,
        &[("/message.xml", one)],
        Err(Error::Unresolvable),
    );
}

#[test]
fn refuses_a_digest_of_another_algorithm_than_declared() {
    let one = sha512("one");
    let result = result_of(&step(&[one]));
    let chain = chain_of(&[data("/message.xml", &one)]);
    let other = Digest::of(DigestAlgorithm::Sha256, b"one");
    check(
        &result,
        &chain,
        &[("/message.xml", other)],
        Err(Error::Unresolvable),
    );
}

#[test]
fn does_not_count_what_is_referred_to_outside_the_path() {
    let (one, two) = (sha512("one"), sha512("two"));
    let result = result_of(&step(&[two]));
    let chain = chain_of(&[value(&two), data("/message.xml", &one)]);
    check(
        &result,
        &chain,
        &[("/message.xml", one)],
        Err(Error::UnusedInput {
            uri: "/message.xml".to_owned(),
        }),
    );
}

#[test]
fn refuses_circles_and_explosions() {
    let one = sha512("one");
    let result = result_of(&one);
    let step_to = |index: usize| format!("<StepRef URI='#STEP{index}'/>");
    check(&result, &chain_of(&[step_to(0)]), &[], Err(Error::Circular));
    check(
        &result,
        &chain_of(&[step_to(1), step_to(0)]),
        &[],
        Err(Error::Circular),
    );
    // Each step doubles the work: 2^40 entries in forty steps.
    let mut steps: Vec<String> = (1..=40)
        .map(|next| step_to(next) + &step_to(next))
        .collect();
    steps.push(value(&one));
    check(&result, &chain_of(&steps), &[], Err(Error::Circular));
}

#[test]
fn refuses_steps_that_are_not_there() {
    let one = sha512("one");
    let chain = chain_of(&[data("/message.xml", &one)]);
    for (uri, expected) in [
        ("/sig-hashchain.xml", Error::NoSuchStep),
        ("/sig-hashchain.xml#", Error::NoSuchStep),
        ("/sig-hashchain.xml#STEP1", Error::NoSuchStep),
        ("/other.xml#STEP0", Error::Unresolvable),
        ("#STEP0", Error::Unresolvable),
    ] {
        let result = result_of(&step(&[one])).replace("/sig-hashchain.xml#STEP0", uri);
        check(&result, &chain, &[("/message.xml", one)], Err(expected));
    }
    let chain = chain_of(&["<StepRef URI='/other.xml#STEP0'/>".to_owned()]);
    check(&result_of(&one), &chain, &[], Err(Error::NoSuchStep));
}

#[test]
fn refuses_what_the_schema_forbids() {
    let one = sha512("one");
    let good = data("/message.xml", &one);
    let result = result_of(&step(&[one]));
    let received = [("/message.xml", one)];
    check(
        &result,
        &chain_of(std::slice::from_ref(&good)),
        &received,
        Ok(()),
    );
    for wrong in [
        "<Other/>".to_owned(),
        good.replace("DataRef", "d:DataRef"),
        good.replace("URI='/message.xml'", ""),
        good.replace("<d:DigestValue>", "<d:DigestValue>!"),
        good.replace("<d:DigestValue>", "<d:DigestValue>AAAA"),
        good.replace(
            "</DataRef>",
            "<d:DigestValue>AAAA</d:DigestValue></DataRef>",
        ),
        good.replace(
            "<d:DigestValue>",
            "<d:Transforms><d:Transform Algorithm='x'/></d:Transforms><d:DigestValue>",
        ),
        good.replace(
            "<d:DigestValue>",
            "<d:DigestMethod Algorithm='x'/><d:DigestValue>",
        ),
        good.replace(
            "<d:DigestValue>",
            "<d:DigestMethod Algorithm='http://www.w3.org/2000/09/xmldsig#sha1'/><d:DigestValue>",
        ),
        format!("{good}text"),
    ] {
        let error = verify(
            result.as_bytes(),
            chain_of(std::slice::from_ref(&wrong)).as_bytes(),
            CHAIN,
            &inputs(&received),
        );
        assert!(
            matches!(error, Err(Error::Structure { .. })),
            "{wrong}: {error:?}"
        );
    }
    for (from, to) in [
        ("<HashChain ", "<HashChainResult "),
        ("</HashChain>", "<HashStep id='STEP0'/></HashChain>"),
        ("<HashStep id='STEP0'>", "<HashStep>"),
        (
            "<DefaultDigestMethod Algorithm='http://www.w3.org/2001/04/xmlenc#sha512'/>",
            "",
        ),
    ] {
        let chain = chain_of(std::slice::from_ref(&good)).replace(from, to);
        let chain = chain.replace(
            "</HashChain>",
            if from == "<HashChain " {
                "</HashChainResult>"
            } else {
                "</HashChain>"
            },
        );
        let error = verify(
            result.as_bytes(),
            chain.as_bytes(),
            CHAIN,
            &inputs(&received),
        );
        assert!(
            matches!(error, Err(Error::Structure { .. })),
            "{from}: {error:?}"
        );
    }
}

#[test]
fn refuses_documents_with_a_document_type() {
    let one = sha512("one");
    let chain = chain_of(&[data("/message.xml", &one)]);
    let result = format!("<!DOCTYPE a>{}", result_of(&step(&[one])));
    check(
        &result,
        &chain,
        &[("/message.xml", one)],
        Err(Error::Xml(gateway_xml::Error::DocumentType { offset: 0 })),
    );
}

#[test]
fn tells_the_parts_and_algorithms_a_chain_needs() {
    let one = sha512("one");
    let chain = chain_of(&[data("/message.xml", &one) + &value(&one)]);
    assert_eq!(
        data_references(chain.as_bytes()),
        Ok(vec![("/message.xml".to_owned(), DigestAlgorithm::Sha512)])
    );
}

#[test]
fn gives_the_codes_of_the_reference_implementation() {
    for (error, code) in [
        (Error::NoSuchStep, "malformed_hash_chain"),
        (Error::Structure { reason: "" }, "malformed_hash_chain"),
        (Error::ResultMismatch, "invalid_hash_chain"),
        (Error::Unresolvable, "invalid_reference"),
        (
            Error::UnusedInput { uri: String::new() },
            "hashchain_unused_inputs",
        ),
    ] {
        assert_eq!(error.code(), code);
    }
}

#[test]
fn takes_stated_digests_for_absent_attachments_only_when_asked() {
    let (one, two) = (sha512("one"), sha512("two"));
    let result = result_of(&step(&[one, two]));
    let chain = chain_of(&[data("/message.xml", &one) + &data("/attachment1", &two)]);
    let present = |parts: &[(&str, Digest)]| {
        verify_present(result.as_bytes(), chain.as_bytes(), CHAIN, &inputs(parts))
    };
    assert_eq!(
        present(&[("/message.xml", one)]),
        Ok(vec!["/attachment1".to_owned()])
    );
    assert_eq!(
        present(&[("/message.xml", one), ("/attachment1", two)]),
        Ok(Vec::new())
    );
    // An attachment that is there is compared, and the message must be there.
    let wrong = [("/message.xml", one), ("/attachment1", one)];
    assert_eq!(present(&wrong), Err(Error::ResultMismatch));
    assert_eq!(present(&[("/attachment1", two)]), Err(Error::Unresolvable));
    assert_eq!(present(&[]), Err(Error::Unresolvable));
}
