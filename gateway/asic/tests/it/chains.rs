//! Hash chains that were changed, or made, to say something else than was signed. A chain itself is
//! neither signed nor stamped: only its result is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs_keys::DigestAlgorithm;
use gateway_asic::report::{Part, Warning};
use gateway_asic::verify::Error;
use gateway_seal::hashchain;

use crate::country::{Country, NOW, Stamp, check_refused, judge, owned, request, sha512};
use crate::direct::{sign_again, stated};
use crate::files::Files;

const CHAIN: &str = "sig-hashchain.xml";

fn files(country: &Country, attachments: &[&str]) -> Files {
    let sealed = country.soap_request("s-1", attachments);
    Files::of(&country.container(&sealed, Stamp::Batch, NOW))
}

/// The first of four messages of one signature, none with attachments.
fn first_of_four(country: &Country) -> Files {
    let messages = (1..5).map(|number| (request(&format!("s-{number}")), Vec::new()));
    let ocsp = vec![country.good(&country.client)];
    let sealed = country.seal_with(&country.client, ocsp, messages.collect(), NOW);
    Files::of(&country.container(&sealed[0], Stamp::Batch, NOW))
}

/// Takes the name of an attachment away: its digest stays, and the chain leads to its result.
fn nameless(files: Files, uri: &str) -> Files {
    let text = files.text(CHAIN);
    let start = text.find(&format!("<DataRef URI=\"{uri}\">")).unwrap();
    let end = start + text[start..].find("</DataRef>").unwrap();
    let (before, entry, behind) = (&text[..start], &text[start..end], &text[end..]);
    let digest = &entry[entry.find('>').unwrap() + 1..];
    let behind = behind.strip_prefix("</DataRef>").unwrap();
    files.with(
        CHAIN,
        format!("{before}<HashValue>{digest}</HashValue>{behind}"),
    )
}

/// Gives the last nameless digest a name.
fn named(files: Files, uri: &str) -> Files {
    let text = files.text(CHAIN);
    let (before, behind) = text.rsplit_once("<HashValue>").unwrap();
    let behind = behind.replacen("</HashValue>", "</DataRef>", 1);
    files.with(CHAIN, format!("{before}<DataRef URI=\"{uri}\">{behind}"))
}

/// It holds, but is not believed in silence. How many parts are told of.
#[track_caller]
fn check_misnamed(country: &Country, files: &Files, expected: &str) -> usize {
    // The list of files gives nothing away.
    let files = files.clone().without("META-INF/manifest.xml");
    let report = judge(&files.zip(), &country.conf())
        .unwrap_or_else(|error| panic!("{}", error.explanation()));
    match report.warnings.as_slice() {
        [Warning::Misnamed { reason }] => assert!(reason.contains(expected), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(report.warnings[0].to_string().contains(expected));
    report.covered.len()
}

/// Other verifiers see nothing in any of these.
#[test]
fn reports_a_chain_from_which_the_name_of_an_attachment_was_taken() {
    let country = Country::new();
    let full = files(&country, &["one", "two"]);
    let without_second = nameless(full.clone().without("attachment2"), "/attachment2");
    assert_eq!(check_misnamed(&country, &without_second, "has no name"), 2);
    let without_both = nameless(without_second.without("attachment1"), "/attachment1");
    assert_eq!(check_misnamed(&country, &without_both, "has no name"), 1);
    // As if the second had been the first.
    let moved = nameless(full.without("attachment2"), "/attachment1")
        .with("attachment1", "two")
        .replacing(CHAIN, "/attachment2", "/attachment1");
    assert_eq!(check_misnamed(&country, &moved, "has no name"), 2);
    // While its file is there, nothing covers it.
    let there = nameless(files(&country, &["one", "two"]), "/attachment2");
    let code = "malformed_signature.hashchain_unused_inputs";
    check_refused(&there.zip(), &country.conf(), code);
}

#[test]
fn says_that_the_only_attachment_may_have_been_taken_out() {
    let country = Country::new();
    let conf = country.conf();
    let full = files(&country, &["one"]);
    assert_eq!(judge(&full.zip(), &conf).unwrap().warnings, []);
    let stripped = nameless(full.without("attachment1"), "/attachment1");
    let report = judge(&stripped.zip(), &conf).unwrap();
    assert_eq!(report.covered.len(), 1);
    // The list of files still has it; who takes it out there as well leaves the other trace.
    let listed = Warning::ManifestNamesAbsent {
        manifest: "META-INF/manifest.xml",
        name: "attachment1".to_owned(),
    };
    assert_eq!(report.warnings, [listed, Warning::BesideMessage]);
    let stripped = stripped.without("META-INF/manifest.xml");
    let report = judge(&stripped.zip(), &conf).unwrap();
    assert_eq!(report.warnings, [Warning::BesideMessage]);
    assert!(report.warnings[0].to_string().contains("attachment"));
}

#[test]
fn reports_a_chain_that_gives_a_message_attachments_it_never_had() {
    let country = Country::new();
    let first = first_of_four(&country);
    let report = judge(&first.zip(), &country.conf()).unwrap();
    assert_eq!(report.warnings, [Warning::BesideMessage]);
    // The step that holds the two others stands in front of that of the message.
    let text = first.text(CHAIN);
    let (before, behind) = text.split_once("<HashValue>").unwrap();
    let behind = behind.replacen("</HashValue>", "</DataRef>", 1);
    let other = format!("{before}<DataRef URI=\"/attachment1\">{behind}");
    let away = first.clone().with(CHAIN, other);
    check_misnamed(&country, &away, "away from its message");
    check_misnamed(
        &country,
        &named(away, "/attachment2"),
        "away from its message",
    );
    // Beside the message, but not as the first.
    check_misnamed(
        &country,
        &named(first, "/attachment2"),
        "not in their order",
    );
    // The second of two: its attachment would stand in front of it.
    let messages = vec![(request("s-1"), Vec::new()), (request("s-2"), Vec::new())];
    let ocsp = vec![country.good(&country.client)];
    let sealed = country.seal_with(&country.client, ocsp, messages, NOW);
    let second = Files::of(&country.container(&sealed[1], Stamp::Batch, NOW));
    check_misnamed(&country, &named(second, "/attachment1"), "not in front");
}

/// Namespaces count, whatever stands for them: servers have written chains either way.
#[test]
fn reads_chains_by_their_namespaces_whatever_the_prefixes() {
    let country = Country::new();
    let conf = country.conf();
    let full = files(&country, &["one"]);
    let expected = judge(&full.zip(), &conf).unwrap();
    let text = full.text(CHAIN);
    let (chain, dsig) = (
        "http://cyber.ee/hashchain",
        "http://www.w3.org/2000/09/xmldsig#",
    );
    assert!(text.contains(&format!("xmlns=\"{chain}\"")), "{text}");
    assert!(text.contains(&format!("xmlns:ds=\"{dsig}\"")), "{text}");
    let judged = |text: String| judge(&full.clone().with(CHAIN, text).zip(), &conf);
    // The other one is the default.
    let mut swapped = text.clone();
    for name in ["HashChain", "DefaultDigestMethod", "HashStep", "DataRef"] {
        swapped = swapped.replace(&format!("<{name}"), &format!("<c:{name}"));
        swapped = swapped.replace(&format!("</{name}"), &format!("</c:{name}"));
    }
    let swapped = swapped
        .replace("<ds:", "<")
        .replace("</ds:", "</")
        .replace(
            &format!("xmlns=\"{chain}\""),
            &format!("xmlns:c=\"{chain}\""),
        )
        .replace(
            &format!("xmlns:ds=\"{dsig}\""),
            &format!("xmlns=\"{dsig}\""),
        );
    assert_ne!(swapped, text);
    assert_eq!(judged(swapped.clone()).unwrap(), expected);
    // The prefix of the one stands for the other.
    let misleading = swapped.replace("<c:", "<ds:").replace("</c:", "</ds:");
    let misleading = misleading.replace("xmlns:c=", "xmlns:ds=");
    assert_eq!(judged(misleading).unwrap(), expected);
    // The prefixes are the usual ones, but each stands for the other.
    let exchanged = text
        .replace(chain, "?")
        .replace(dsig, chain)
        .replace('?', dsig);
    let error = judged(exchanged).unwrap_err();
    assert_eq!(error.code(), "malformed_signature.malformed_hash_chain");
}

#[test]
fn refuses_the_chains_of_signature_and_time_stamp_in_each_others_place() {
    let country = Country::new();
    let conf = country.conf();
    let full = files(&country, &["one"]);
    let mut swapped = full.clone();
    for (one, two) in [
        ("sig-hashchain.xml", "ts-hashchain.xml"),
        ("sig-hashchainresult.xml", "ts-hashchainresult.xml"),
    ] {
        swapped = swapped.with(one, full.get(two)).with(two, full.get(one));
    }
    let error = check_refused(&swapped.zip(), &conf, "malformed_signature");
    assert!(
        matches!(&error, Error::StampChain(hashchain::Error::Unresolvable)),
        "{error:?}"
    );
}

/// The signer has signed it so: the result names the chain of the time stamp as its own.
#[test]
fn refuses_a_signed_result_that_leads_into_the_chain_of_the_time_stamp() {
    let country = Country::new();
    let mut sealed = country.soap_request("s-1", &["one"]);
    let (result, chain) = sealed.seal.chain.take().unwrap();
    let old = std::str::from_utf8(&result).unwrap();
    let new = old.replace("/sig-hashchain.xml#", "/ts-hashchain.xml#");
    assert_ne!(old, new);
    let signature = std::str::from_utf8(&sealed.seal.signature).unwrap();
    let digest = |text: &str| stated(DigestAlgorithm::Sha512, text.as_bytes());
    assert!(signature.contains(&digest(old)));
    let signature = signature.replace(&digest(old), &digest(&new));
    sealed.seal.signature = sign_again(&country.client, &signature);
    sealed.seal.chain = Some((new.into(), chain));
    let container = country.container(&sealed, Stamp::Batch, NOW);
    let code = "malformed_signature.invalid_reference";
    check_refused(&container, &country.conf(), code);
}

#[test]
fn refuses_references_to_anything_but_the_parts_by_their_names() {
    let country = Country::new();
    let conf = country.conf();
    let code = "malformed_signature.invalid_reference";
    for uri in [
        "",
        "#STEP0",
        "message.xml",
        "//message.xml",
        "/message.xml#",
        "/message.xml#x",
        "/message.xml?x",
        "/message.xml ",
        "/message%2Exml",
        "/%6Dessage.xml",
        "/Message.xml",
        "/./message.xml",
        "/x/../message.xml",
        "/../message.xml",
        "\\message.xml",
        "file:///message.xml",
        "http://example.com/message.xml",
        "/mimetype",
        "/META-INF/signatures.xml",
        "/META-INF/manifest.xml",
        "/sig-hashchainresult.xml",
        "/ts-hashchain.xml#STEP0",
    ] {
        let to = format!("<DataRef URI=\"{uri}\">");
        let other =
            files(&country, &["one"]).replacing(CHAIN, "<DataRef URI=\"/message.xml\">", &to);
        check_refused(&other.zip(), &conf, code);
    }
    for uri in [
        "/attachment",
        "/attachment0",
        "/attachment01",
        "/attachment+1",
        "/attachment-1",
        "/attachment1#",
        "/attachment1/",
        "/attachment%31",
        "/Attachment1",
        "attachment1",
        "/../attachment1",
        "/attachment1.xml",
        "/attachment99999999999999999999",
        "/attachment\u{661}",
    ] {
        let to = format!("<DataRef URI=\"{uri}\">");
        let from = "<DataRef URI=\"/attachment1\">";
        // Neither while it is there nor while it is not.
        let other = files(&country, &["one"]).replacing(CHAIN, from, &to);
        check_refused(&other.zip(), &conf, code);
        check_refused(&other.without("attachment1").zip(), &conf, code);
    }
}

/// The step of a message that is signed with its attachment, and what stands between it and the
/// result.
fn chain_of(steps: &[String]) -> String {
    let steps: String = steps
        .iter()
        .enumerate()
        .map(|(index, entries)| format!("<HashStep id=\"STEP{index}\">{entries}</HashStep>"))
        .collect();
    format!(
        "<HashChain xmlns=\"http://cyber.ee/hashchain\" \
         xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\">\
         <DefaultDigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha512\"/>{steps}\
         </HashChain>"
    )
}

#[test]
fn refuses_chains_that_are_too_deep_or_multiply() {
    let country = Country::new();
    let conf = country.conf();
    let full = files(&country, &[]);
    let batch = files(&country, &["one"]).without("attachment1");
    let step = |next: usize| format!("<StepRef URI=\"#STEP{next}\"/>");
    let twice = |next: usize| step(next).repeat(2);
    // As deep as no tree of messages; each step twice the work of the one before.
    let deep: Vec<String> = (1..5000).map(step).collect();
    let end = format!(
        "<HashValue><d:DigestValue>{}</d:DigestValue></HashValue>",
        STANDARD.encode(sha512(b"").as_bytes())
    );
    let doubling: Vec<String> = (1..60).map(twice).chain([end]).collect();
    let circle = vec![step(1), step(2), step(0)];
    for steps in [deep, doubling, circle] {
        let files = batch.clone().with(CHAIN, chain_of(&steps));
        let code = "malformed_signature.malformed_hash_chain";
        let error = check_refused(&files.zip(), &conf, code);
        assert!(
            matches!(
                error,
                Error::Signature(gateway_seal::Error::HashChain(hashchain::Error::Circular))
            ),
            "{error:?}"
        );
        // As the chain of the time stamp.
        let text = chain_of(&steps);
        let files = full.clone().with("ts-hashchain.xml", text);
        let error = check_refused(&files.zip(), &conf, "malformed_signature");
        assert!(
            matches!(&error, Error::StampChain(hashchain::Error::Circular)),
            "{error:?}"
        );
    }
    // More of it than is read.
    let wide = vec!["<HashValue/>".repeat(200_000)];
    let files = batch.with(CHAIN, chain_of(&wide));
    check_refused(
        &files.zip(),
        &conf,
        "malformed_signature.malformed_hash_chain",
    );
}

#[test]
fn refuses_weak_digests_and_transforms_in_chains() {
    let country = Country::new();
    let conf = country.conf();
    let full = files(&country, &["one"]);
    let sha512 = "http://www.w3.org/2001/04/xmlenc#sha512";
    for algorithm in [
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "http://www.w3.org/2001/04/xmldsig-more#sha224",
        "http://www.w3.org/2001/04/xmldsig-more#md5",
        "",
    ] {
        let weak = full.clone().replacing(CHAIN, sha512, algorithm);
        check_refused(
            &weak.zip(),
            &conf,
            "malformed_signature.malformed_hash_chain",
        );
    }
    let other = "http://www.w3.org/2001/04/xmlenc#sha256";
    let other = full.clone().replacing(CHAIN, sha512, other);
    // Digests of another length than this algorithm's.
    check_refused(
        &other.zip(),
        &conf,
        "malformed_signature.malformed_hash_chain",
    );
    let transformed = full.replacing(
        CHAIN,
        "<DataRef URI=\"/message.xml\">",
        "<DataRef URI=\"/message.xml\"><ds:Transforms><ds:Transform \
         Algorithm=\"http://www.w3.org/2000/09/xmldsig#base64\"/></ds:Transforms>",
    );
    check_refused(
        &transformed.zip(),
        &conf,
        "malformed_signature.malformed_hash_chain",
    );
}

/// A chain is evidence of what was signed also where a part was not kept.
#[test]
fn names_every_attachment_that_was_not_kept() {
    let country = Country::new();
    let mut sealed = country.soap_request("s-1", &["one", "two", "three"]);
    sealed.attachments = vec![owned("one")];
    let report = judge(
        &country.container(&sealed, Stamp::Single, NOW),
        &country.conf(),
    )
    .unwrap();
    let told: Vec<_> = report
        .covered
        .iter()
        .map(|part| (part.name.as_str(), part.digest, part.part))
        .collect();
    let verified = |bytes: usize| Part::Verified {
        bytes: bytes as u64,
    };
    assert_eq!(
        told,
        [
            (
                "/message.xml",
                Some(sha512(&sealed.message)),
                verified(sealed.message.len())
            ),
            ("/attachment1", Some(sha512(b"one")), verified(3)),
            ("/attachment2", Some(sha512(b"two")), Part::NotKept),
            ("/attachment3", Some(sha512(b"three")), Part::NotKept),
        ]
    );
}
