//! Signed documents that hold by a configuration made here, and what was signed in them.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::OnceLock;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use certs_x509::timestamp;
use gateway_asic::make::{self, Signed, Stamped};
use gateway_asic::stamping;
use gateway_asic::zip::{Archive, Limits};
use gateway_globalconf::Snapshot;
use gateway_seal::{Parts, Seal, sign};

use super::messages::context;
use super::{INSTANCE, now, shared_params, world};

/// A message and its attachments.
type Message = (Bytes, Vec<Bytes>);

struct Documents {
    conf: Snapshot,
    messages: Vec<Message>,
    containers: Vec<Vec<u8>>,
}

/// What was ever signed: messages, each with its attachments.
pub(crate) fn signed_messages() -> &'static [Message] {
    &documents().messages
}

/// The configuration by which all documents made here hold.
pub fn configuration() -> &'static Snapshot {
    &documents().conf
}

/// Documents with signatures over one message and over several, stamped alone and in a batch; as
/// containers, and as the list of files that the target takes, too; and lists in whose chains names
/// were taken away or made up.
pub fn documents_and_files() -> Vec<Vec<u8>> {
    let containers = &documents().containers;
    let mut seeds: Vec<_> = containers
        .iter()
        .flat_map(|container| [container.clone(), framed(container)])
        .collect();
    for (from, to) in [
        ("<DataRef URI=\"/attachment1\">", "<HashValue>"),
        ("<DataRef URI=\"/attachment2\">", "<HashValue>"),
        ("<HashValue>", "<DataRef URI=\"/attachment1\">"),
    ] {
        let renamed = containers
            .iter()
            .map(|container| renamed(container, from, to));
        seeds.extend(renamed.flatten());
    }
    seeds
}

fn documents() -> &'static Documents {
    static DOCUMENTS: OnceLock<Documents> = OnceLock::new();
    DOCUMENTS.get_or_init(|| {
        let messages = messages();
        // Two of them share a signature.
        let (shared, alone) = messages.split_at(2);
        let batches = std::iter::once(shared).chain(alone.chunks(1));
        let mut containers = Vec::new();
        for batch in batches {
            let parts: Vec<_> = batch.iter().map(parts).collect();
            let seals = sign(&context(), &parts, now()).expect("seals");
            for (message, seal) in batch.iter().zip(seals) {
                for is_batch in [false, true] {
                    containers.push(container(message, &seal, is_batch));
                }
            }
        }
        Documents {
            conf: snapshot(),
            messages,
            containers,
        }
    })
}

/// Of the member of the authority: it is the client of the requests.
fn messages() -> Vec<Message> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let soap = text(include_bytes!("../../seeds/soap_envelope/request.xml"));
    let soap = soap.replace("<i:memberCode>2<", "<i:memberCode>1<");
    let rest = text(include_bytes!("../../seeds/rest_request/get"));
    let rest = rest.replace("AZ/GOV/2/portal", "AZ/GOV/1/portal");
    let attachments = ["one", "two, two, two, two"].map(|text| Bytes::from_static(text.as_bytes()));
    vec![
        (soap.clone().into(), Vec::new()),
        (soap.replace("seed-1", "seed-2").into(), attachments.into()),
        (soap.replace("seed-1", "seed-3").into(), Vec::new()),
        (rest.into(), vec![Bytes::from_static(b"{}")]),
    ]
}

fn sha512(octets: &[u8]) -> Digest {
    Digest::of(DigestAlgorithm::Sha512, octets)
}

fn parts((message, attachments): &Message) -> Parts {
    Parts {
        message: sha512(message),
        attachments: attachments.iter().map(|octets| sha512(octets)).collect(),
    }
}

fn token(imprint: &Digest) -> Bytes {
    let response = world()
        .timestamper
        .respond(&timestamp::request(imprint), now());
    let token = timestamp::token_of_response(&response).expect("a token");
    Bytes::copy_from_slice(token.der())
}

fn container((message, attachments): &Message, seal: &Seal, is_batch: bool) -> Vec<u8> {
    let signature = seal.signature.clone();
    let stamp = if is_batch {
        let leaves = [sha512(b"another"), sha512(&signature), sha512(b"a third")];
        let batch = stamping::batch(&leaves).expect("a batch");
        Stamped::Batch {
            token: token(&sha512(&batch.result)),
            chain: batch.chain(1).expect("a chain"),
            result: batch.result,
        }
    } else {
        let imprint = stamping::single_imprint(&signature, DigestAlgorithm::Sha512);
        Stamped::Single {
            token: token(&imprint.expect("a signature")),
        }
    };
    let signed = Signed {
        message: message.clone(),
        signature,
        chain: seal.chain.clone(),
        stamp,
        time: now(),
    };
    let mut attachments = attachments.iter().map(|octets| {
        let content: Box<dyn Read> = Box::new(&octets[..]);
        (u64::try_from(octets.len()).expect("it fits"), content)
    });
    let mut out = Vec::new();
    make::write(&signed, &mut attachments, &mut out).expect("a container");
    out
}

/// The files one after the other, each behind a line with its length and name: what changes in them
/// is not caught by a checksum.
fn framed(container: &[u8]) -> Vec<u8> {
    list(&files(container))
}

/// Without the attachment, if it has any of the name, and with another start tag in the chain of the
/// signature; `None` where there is no such tag.
fn renamed(container: &[u8], from: &str, to: &str) -> Option<Vec<u8>> {
    let mut files = files(container);
    let (_, chain) = files
        .iter_mut()
        .find(|(name, _)| name == "sig-hashchain.xml")?;
    let text = String::from_utf8(chain.to_vec()).expect("text");
    let (before, behind) = text.split_once(from)?;
    let name = |tag: &str| {
        tag.trim_matches(['<', '>'])
            .split(' ')
            .next()
            .map(str::to_owned)
    };
    let (from_name, to_name) = (name(from)?, name(to)?);
    let behind = behind.replacen(&format!("</{from_name}>"), &format!("</{to_name}>"), 1);
    *chain = format!("{before}{to}{behind}").into();
    files.retain(|(name, _)| !from.contains(&format!("/{name}\"")));
    Some(list(&files))
}

fn files(container: &[u8]) -> Vec<(String, Bytes)> {
    let archive = Archive::open(container.to_vec(), &Limits::CONTAINER).expect("a container");
    let entries = archive.entries().iter();
    entries
        .map(|entry| {
            let content = archive.read(entry).expect("a file");
            (entry.name().to_owned(), content)
        })
        .collect()
}

fn list(files: &[(String, Bytes)]) -> Vec<u8> {
    let mut framed = Vec::new();
    for (name, content) in files {
        framed.extend(format!("{} {name}\n", content.len()).into_bytes());
        framed.extend_from_slice(content);
    }
    framed
}

fn snapshot() -> Snapshot {
    let files = BTreeMap::from([
        (
            "instance-identifier".to_owned(),
            INSTANCE.as_bytes().to_vec(),
        ),
        (
            format!("{INSTANCE}/shared-params.xml"),
            shared_params().pop().expect("of the current version"),
        ),
        (
            format!("{INSTANCE}/shared-params.xml.metadata"),
            br#"{"configurationVersion":"6"}"#.to_vec(),
        ),
    ]);
    Snapshot::from_files(&files, now()).expect("a configuration")
}
