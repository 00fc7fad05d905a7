//! `karvan audit show`: one exchange, for a reader.

use clap::Args;
use gateway_messagelog::audit::{Filter, Outcome, Subject, Unreadable, Verdict};
use gateway_messagelog::{Direction, Entry, Logged, Protocol, Record, Refusal, Side};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::basis::{self, KnownRules};
use super::documents::{self, printable};
use super::progress::Progress;
use super::unread::Unread;
use super::{Error, LogArguments, print};

/// One exchange.
#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    log: LogArguments,
    /// Message id, or x-road-request-id.
    id: String,
    /// Print the messages themselves, too, and who the user was: it is often a person's number.
    #[arg(long)]
    messages: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Prints everything found under an id; `true` when something was found, all of it holds, and
/// no place of the log is unreadable.
pub(super) fn run(show: &Show) -> Result<bool, Error> {
    let reader = show.log.open()?;
    let history = reader.history().map_err(Error::Log)?;
    // Everything is read: what the index leaves out would not be missed, and what cannot be read may be
    // the very record asked for. Half an exchange is not shown as whole.
    let (mut found, mut unread) = (Vec::new(), Unread::default());
    let mut matches = reader
        .read_through(&Filter::id(&show.id))
        .map_err(Error::Log)?;
    let mut progress = Progress::new("records");
    while let Some(entry) = matches.next_with(&mut |done, all| progress.tell(done, all)) {
        match entry {
            Ok(logged) => found.push(logged),
            Err(Unreadable::Failed(error)) => return Err(Error::Log(error)),
            Err(unreadable) => drop(unread.add(&unreadable)),
        }
    }
    drop(progress);
    let mut holds = !found.is_empty() && unread.is_empty();
    let mut rules = KnownRules::default();
    let mut documents = Vec::new();
    let mut text = String::new();
    for logged in &found {
        match &logged.entry {
            Entry::Message(record) => {
                let mut verdict = reader
                    .verify(logged.position, record, &history)
                    .map_err(Error::Log)?;
                rules.check(record, &mut verdict, &history);
                holds &= verdict.holds();
                documents.push(message_json(&verdict, record, show.messages));
                message_text(&mut text, &verdict, record, show.messages);
            }
            Entry::Refusal(refusal) => {
                documents.push(refusal_json(logged, refusal));
                refusal_text(&mut text, logged, refusal);
            }
            // Nobody gave it an id.
            Entry::Stamp(_) => {}
        }
    }
    if found.is_empty() {
        text.push_str("nothing is logged under this id\n");
    }
    let unreadable = unread.lines();
    for place in &unreadable {
        text.push_str(&printable(&format!(
            "FAIL {place}: it may belong to this exchange"
        )));
        text.push('\n');
    }
    let erased = matches.erased();
    if erased > 0 {
        text.push_str(&format!(
            "{erased} records were erased by retention: what they were cannot be told any more\n"
        ));
    }
    if show.json {
        let document = json!({
            "ok": holds, "entries": documents, "unreadable": unreadable, "erased": erased,
        });
        text = format!("{document}\n");
    }
    print(&text)?;
    Ok(holds)
}

/// An outcome in words.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Holds => "holds".to_owned(),
        Outcome::Fails(reason) => format!("FAILS: {reason}"),
        Outcome::NotChecked(reason) => format!("not checked: {reason}"),
    }
}

/// What it means that a check holds.
fn meaning(subject: Subject) -> &'static str {
    match subject {
        Subject::Place => "it stands where it was written, in an unbroken chain",
        Subject::Contents => "every part is what was logged",
        Subject::Message => "the message says what the record says",
        Subject::Signature => "made with this certificate, over every part",
        Subject::Signer => "the certificate is of the member who had to sign",
        Subject::Trust => "approved issuer, valid, and good by OCSP then",
        Subject::Exchange => "it answers the request in this log",
        Subject::TimeStamp => "an approved authority stamped the signature",
        Subject::Basis => "the rules of that day allow it",
    }
}

/// An outcome with what it means.
pub(super) fn explained(subject: Subject, found: &Outcome) -> String {
    match found {
        Outcome::Holds => format!("holds: {}", meaning(subject)),
        other => outcome(other),
    }
}

/// When the response in the signature was made, and whether it says that the certificate is good: of a
/// signature that does not hold, or by a certificate that is not believed, nobody vouches for it.
fn status_text(verdict: &Verdict, produced_at: Timestamp) -> String {
    let is_believed = verdict
        .checks
        .iter()
        .any(|check| (check.subject, &check.outcome) == (Subject::Trust, &Outcome::Holds));
    match is_believed {
        true => format!("good by OCSP of {produced_at}"),
        false => format!("not known to be good; there is an OCSP response of {produced_at}"),
    }
}

fn message_text(text: &mut String, verdict: &Verdict, record: &Record, messages: bool) {
    let mut line = |name: &str, value: &str| documents::line(text, name, value);
    let title = message(record);
    line("record", &format!("{}, {title}", verdict.position.ordinal));
    line("time", &verdict.time.to_string());
    line("client", &verdict.client.to_string());
    line("service", &verdict.service.to_string());
    line("message id", &verdict.message_id);
    if let Some(id) = &verdict.request_id {
        line("request id", id);
    }
    if let Some(issue) = &verdict.issue {
        line("case", issue);
    }
    if let Some(user) = verdict.user_id.as_ref().filter(|_| messages) {
        line("user", user);
    }
    if let Some(peer) = &verdict.peer {
        line("other node", &peer.to_string());
    }
    if let Some(noted) = &record.basis {
        for (name, value) in basis::lines(record, noted) {
            line(name, &value);
        }
    }
    if !verdict.degraded.is_empty() {
        line("degraded", &verdict.degraded.join(", "));
    }
    for part in &verdict.parts {
        let bytes = part.bytes.map(|bytes| format!(", {bytes} bytes"));
        let kept = if part.is_kept { "" } else { ", not kept" };
        let (name, bytes) = (&part.name, bytes.unwrap_or_default());
        line("part", &format!("{name}{bytes}{kept}"));
    }
    if let Some(signer) = &verdict.signer {
        let member = signer.member.as_ref().map(ToString::to_string);
        line("signed by", member.as_deref().unwrap_or("nobody known"));
        line(
            "certificate",
            &format!("{} (serial {})", signer.subject, signer.serial),
        );
        line("issued by", &signer.issuer);
        line(
            "valid",
            &format!("{} to {}", signer.not_before, signer.not_after),
        );
        if let Some(time) = signer.ocsp_produced_at {
            line("status then", &status_text(verdict, time));
        }
    }
    if let Some(hash) = &verdict.configuration {
        line(
            "judged by",
            &format!("configuration {hash}, kept beside the log"),
        );
    }
    if let Some(stamp) = &verdict.time_stamp {
        let time = stamp.time.map(|time| time.to_string());
        line("stamped at", time.as_deref().unwrap_or("?"));
        line(
            "stamped by",
            stamp.signer.as_ref().unwrap_or(&stamp.authority),
        );
    }
    for check in &verdict.checks {
        line(
            check.subject.name(),
            &explained(check.subject, &check.outcome),
        );
    }
    if messages {
        line("message", "");
        let octets = String::from_utf8_lossy(&record.message);
        for written in octets.lines() {
            text.push_str(&printable(&written.replace('\t', "    ")));
            text.push('\n');
        }
    }
    text.push('\n');
}

fn message_json(verdict: &Verdict, record: &Record, messages: bool) -> Value {
    let checks: Vec<Value> = verdict
        .checks
        .iter()
        .map(|check| json!({ "check": check.subject.name(), "outcome": outcome(&check.outcome) }))
        .collect();
    let parts: Vec<Value> = verdict
        .parts
        .iter()
        .map(|part| {
            json!({
                "name": part.name, "bytes": part.bytes, "kept": part.is_kept,
                "algorithm": part.digest.algorithm().name(),
                "digest": hex::encode(part.digest.as_bytes()),
            })
        })
        .collect();
    json!({
        "kind": "message",
        "ok": verdict.holds(),
        "record": verdict.position.ordinal,
        "time": verdict.time.to_string(),
        "side": side(verdict.side),
        "direction": direction(verdict.direction),
        "protocol": protocol(verdict.protocol),
        "client": verdict.client.to_string(),
        "service": verdict.service.to_string(),
        "message_id": verdict.message_id,
        "request_id": verdict.request_id,
        "issue": verdict.issue,
        "user_id": verdict.user_id.as_ref().filter(|_| messages),
        "peer": verdict.peer.as_ref().map(ToString::to_string),
        "degraded": verdict.degraded,
        "basis": record.basis.as_deref().map(|noted| {
            let mut document = basis::json(noted);
            if let Some(fields) = document.as_object_mut() {
                let stated = basis::stated_purpose(record);
                fields.insert("purpose_stated".to_owned(), stated.into());
            }
            document
        }),
        "parts": parts,
        "signer": verdict.signer.as_ref().map(|signer| json!({
            "subject": signer.subject,
            "issuer": signer.issuer,
            "serial": signer.serial,
            "not_before": signer.not_before.to_string(),
            "not_after": signer.not_after.to_string(),
            "member": signer.member.as_ref().map(ToString::to_string),
            "ocsp_produced_at": signer.ocsp_produced_at.map(|time| time.to_string()),
            "claimed_time": signer.signing_time.map(|time| time.to_string()),
        })),
        "configuration": verdict.configuration,
        "time_stamp": verdict.time_stamp.as_ref().map(|stamp| json!({
            "record": stamp.entry,
            "time": stamp.time.map(|time| time.to_string()),
            "authority": stamp.authority,
            "signer": stamp.signer,
        })),
        "checks": checks,
        "message": messages.then(|| String::from_utf8_lossy(&record.message).into_owned()),
    })
}

fn refusal_text(text: &mut String, logged: &Logged, refusal: &Refusal) {
    let mut line = |name: &str, value: &str| documents::line(text, name, value);
    let (protocol, side) = (protocol(refusal.protocol), side(refusal.side));
    let ordinal = logged.position.ordinal;
    line(
        "record",
        &format!("{ordinal}, {protocol} refusal by the {side}"),
    );
    line("time", &refusal.time.to_string());
    if let Some(client) = &refusal.client {
        line("client", &client.to_string());
    }
    if let Some(service) = &refusal.service {
        line("service", &service.to_string());
    }
    if let Some(id) = &refusal.message_id {
        line("message id", id);
    }
    if let Some(peer) = &refusal.peer {
        line("other node", &peer.to_string());
    }
    line("code", &refusal.code);
    line("reason", &refusal.reason);
    line("fault id", &refusal.fault_id);
    line("signature", "none: refusals are not signed");
    text.push('\n');
}

fn refusal_json(logged: &Logged, refusal: &Refusal) -> Value {
    json!({
        "kind": "refusal",
        "record": logged.position.ordinal,
        "time": refusal.time.to_string(),
        "side": side(refusal.side),
        "protocol": protocol(refusal.protocol),
        "client": refusal.client.as_ref().map(ToString::to_string),
        "service": refusal.service.as_ref().map(ToString::to_string),
        "message_id": refusal.message_id,
        "peer": refusal.peer.as_ref().map(ToString::to_string),
        "code": refusal.code,
        "reason": refusal.reason,
        "fault_id": refusal.fault_id,
    })
}

/// What a message is, and whose.
pub(super) fn message(record: &Record) -> String {
    format!(
        "{} {} of the {}",
        protocol(record.protocol),
        direction(record.direction),
        side(record.side)
    )
}

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Consumer => "consumer",
        Side::Provider => "provider",
    }
}

pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => "request",
        Direction::Response => "response",
    }
}

pub(super) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Soap => "SOAP",
        Protocol::Rest => "REST",
    }
}
