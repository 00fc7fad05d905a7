//! Signed documents.

use bytes::Bytes;
use gateway_asic::container;
use gateway_asic::report::{Part, Warning};
use gateway_asic::verify;
use gateway_asic::zip::{Archive, Options, Writer};

use super::asic::{LIMITS, read_from_front};
use crate::made;

/// A document that holds says what was signed, all of it and nothing else, and says the same to who
/// reads it from its front. The input is a container, or its files: a line with length and name,
/// the content, and so on.
pub fn asic_container(data: &[u8]) {
    judge(&Bytes::copy_from_slice(data));
    if let Some(packed) = packed(data) {
        judge(&packed);
    }
}

fn judge(octets: &Bytes) {
    let Ok(opened) = container::open(octets.clone(), &LIMITS) else {
        return;
    };
    let Ok(report) = verify::verify(&opened, made::configuration()) else {
        return;
    };
    let signed = made::signed_messages();
    let found = signed
        .iter()
        .find(|(message, _)| message == opened.message());
    let (_, attachments) = found.expect("nobody has signed this message");
    let archive = Archive::open(octets.clone(), &LIMITS).expect("it was read");
    for (index, entry) in opened.attachments().iter().enumerate() {
        let content = archive.read(entry).expect("it was read");
        assert_eq!(
            attachments.get(index),
            Some(&content),
            "nobody has signed it"
        );
    }
    let verified = report.covered.iter().filter(|covered| match covered.part {
        Part::Verified { .. } => true,
        Part::NotKept => false,
    });
    assert_eq!(verified.count(), 1 + opened.attachments().len());
    // No part is taken out or made up in silence. Only of a message without attachments nobody knows
    // that there was never one.
    let told = report.covered.len() - 1;
    let is_doubted = report
        .warnings
        .iter()
        .any(|warning| matches!(warning, Warning::BesideMessage | Warning::Misnamed { .. }));
    let is_unknown = (told, attachments.len(), opened.attachments().len()) == (1, 0, 0);
    assert!(
        told == attachments.len() || is_doubted || is_unknown,
        "{told} parts of {}",
        attachments.len()
    );
    let member = report.signer.id.member();
    assert_eq!((member.member_class(), member.member_code()), ("GOV", "1"));
    assert_eq!(report.timestamp.time, made::now());

    let entries = archive.entries().iter();
    let contents = entries.map(|entry| {
        let content = archive.read(entry).expect("all was read");
        (entry.name().to_owned(), content)
    });
    let mut front = read_from_front(octets);
    front.retain(|(name, _)| !name.ends_with('/'));
    assert!(
        contents.eq(front),
        "who reads from the front reads otherwise"
    );
}

/// A container of these files; none when they can be in no container.
fn packed(mut data: &[u8]) -> Option<Bytes> {
    let mut writer = Writer::new(Vec::new(), Options::container());
    while !data.is_empty() {
        let end = data.iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(&data[..end]).ok()?;
        let (length, name) = line.split_once(' ')?;
        let rest = &data[end + 1..];
        let (content, after) = rest.split_at(length.parse::<usize>().ok()?.min(rest.len()));
        writer.file(name, made::now(), content).ok()?;
        data = after;
    }
    Some(writer.finish().ok()?.0.into())
}
