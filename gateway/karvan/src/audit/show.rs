//! `karvan audit show`: one exchange, for a reader.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::Args;
use gateway_messagelog::audit::{Outcome, Unreadable, Verdict};
use gateway_messagelog::{Direction, Entry, Protocol, Record, Refusal, Side, Stamp};
use serde_json::{Value, json};

use super::basis::{self, KnownRules};
use super::documents::printable;
use super::{Error, LogArguments};

/// One exchange.
#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    log: LogArguments,
    /// Message id, or x-road-request-id.
    id: String,
    /// Print the messages themselves, too.
    #[arg(long)]
    messages: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints everything found under an id; `true` when something was found, all of it holds, and
/// no place of the log is unreadable.
pub(super) fn run(show: &Show) -> Result<bool, Error> {
    let reader = show.log.open()?;
    let history = reader.history().map_err(Error::Log)?;
    let found = reader.find(&show.id).map_err(Error::Log)?;
    // What cannot be read may be the very record asked for: half an exchange is not shown as whole.
    let unreadable: Vec<String> = reader
        .entries()
        .map_err(Error::Log)?
        .filter_map(Result::err)
        .filter(|unreadable| !matches!(unreadable, Unreadable::Erased { .. }))
        .map(|unreadable| unreadable.to_string())
        .collect();
    let mut holds = !found.is_empty() && unreadable.is_empty();
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
                documents.push(refusal_json(refusal));
                refusal_text(&mut text, refusal);
            }
            Entry::Stamp(stamp) => {
                documents.push(stamp_json(stamp));
                stamp_text(&mut text, stamp);
            }
        }
    }
    if found.is_empty() {
        text.push_str("nothing is logged under this id\n");
    }
    for place in &unreadable {
        let _infallible = writeln!(text, "FAIL {place}: it may belong to this exchange");
    }
    let mut out = std::io::stdout().lock();
    if show.json {
        let document = json!({ "ok": holds, "entries": documents, "unreadable": unreadable });
        writeln!(out, "{document}").map_err(Error::Output)?;
    } else {
        write!(out, "{text}").map_err(Error::Output)?;
    }
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

fn message_text(text: &mut String, verdict: &Verdict, record: &Record, messages: bool) {
    let mut line = |name: &str, value: &str| {
        let _infallible = writeln!(text, "  {name:<14}{value}");
    };
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
    if let Some(user) = &verdict.user_id {
        line("user", user);
    }
    if let Some(peer) = &verdict.peer {
        line("other node", &peer.to_string());
    }
    if let Some(noted) = &record.basis {
        for (name, value) in basis::lines(record, noted) {
            line(name, &printable(&value));
        }
    }
    if !verdict.degraded.is_empty() {
        line("degraded", &verdict.degraded.join(", "));
    }
    for part in &verdict.parts {
        let bytes = part.bytes.map(|bytes| format!(" {bytes} bytes"));
        let kept = if part.is_kept { "" } else { ", not kept" };
        let (name, bytes) = (&part.name, bytes.unwrap_or_default());
        line("part", &format!("{name}{bytes}{kept}"));
    }
    if let Some(signer) = &verdict.signer {
        line(
            "signed by",
            &format!("{} (serial {})", signer.subject, signer.serial),
        );
        line("issued by", &signer.issuer);
        if let Some(time) = signer.ocsp_produced_at {
            line("OCSP good at", &time.to_string());
        }
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
        line(check.subject.name(), &outcome(&check.outcome));
    }
    if messages {
        line("message", "");
        text.push_str(&String::from_utf8_lossy(&record.message));
        text.push('\n');
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
        .map(|part| json!({ "name": part.name, "bytes": part.bytes, "kept": part.is_kept }))
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
        "user_id": verdict.user_id,
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
            "member": signer.member.as_ref().map(ToString::to_string),
        })),
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

fn refusal_text(text: &mut String, refusal: &Refusal) {
    let mut line = |name: &str, value: &str| {
        let _infallible = writeln!(text, "  {name:<14}{value}");
    };
    line("refusal", &format!("by the {}", side(refusal.side)));
    line("time", &refusal.time.to_string());
    if let Some(client) = &refusal.client {
        line("client", &client.to_string());
    }
    if let Some(service) = &refusal.service {
        line("service", &service.to_string());
    }
    line("code", &refusal.code);
    line("reason", &refusal.reason);
    line("fault id", &refusal.fault_id);
    text.push('\n');
}

fn refusal_json(refusal: &Refusal) -> Value {
    json!({
        "kind": "refusal",
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

fn stamp_text(text: &mut String, stamp: &Stamp) {
    let mut line = |name: &str, value: &str| {
        let _infallible = writeln!(text, "  {name:<14}{value}");
    };
    line(
        "time stamp",
        &format!("over {} messages", stamp.covers.len()),
    );
    line("time", &stamp.time.to_string());
    line("authority", &stamp.authority);
    text.push('\n');
}

fn stamp_json(stamp: &Stamp) -> Value {
    json!({
        "kind": "stamp",
        "time": stamp.time.to_string(),
        "authority": stamp.authority,
        "covers": stamp.covers.iter().map(|covered| covered.ordinal).collect::<Vec<_>>(),
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
