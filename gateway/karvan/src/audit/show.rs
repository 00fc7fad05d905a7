//! `karvan audit show`: one exchange, for a reader.

use std::fmt::Write as _;
use std::io::Write as _;

use gateway_messagelog::audit::{Outcome, Reader, Verdict, verify};
use gateway_messagelog::{Direction, Entry, Protocol, Record, Refusal, Side};
use serde_json::{Value, json};

use super::{Error, Show, log_folder};

/// Prints everything found under an id; `true` when something was found, all of it holds, and
/// no place of the log is unreadable.
pub(super) fn run(show: &Show) -> Result<bool, Error> {
    let reader = Reader::open(&log_folder(&show.data)).map_err(Error::Log)?;
    let history = reader.history().map_err(Error::Log)?;
    let found = reader.find(&show.id).map_err(Error::Log)?;
    // What cannot be read may be the very record asked for: half an exchange is not shown as whole.
    let unreadable: Vec<String> = reader
        .entries()
        .map_err(Error::Log)?
        .filter_map(|entry| entry.err().map(|unreadable| unreadable.to_string()))
        .collect();
    let mut holds = !found.is_empty() && unreadable.is_empty();
    let mut documents = Vec::new();
    let mut text = String::new();
    for logged in &found {
        match &logged.entry {
            Entry::Message(record) => {
                let verdict = verify(logged.position, record, &history);
                holds &= verdict.holds();
                documents.push(message_json(&verdict, record, show.messages));
                message_text(&mut text, &verdict, record, show.messages);
            }
            Entry::Refusal(refusal) => {
                documents.push(refusal_json(refusal));
                refusal_text(&mut text, refusal);
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
    let title = format!(
        "{} {} of the {}",
        protocol(verdict.protocol),
        direction(verdict.direction),
        side(verdict.side)
    );
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
    if !verdict.degraded.is_empty() {
        line("degraded", &verdict.degraded.join(", "));
    }
    for part in &verdict.parts {
        line("part", &format!("{} {} bytes", part.name, part.bytes));
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
        .map(|part| json!({ "name": part.name, "bytes": part.bytes }))
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
        "parts": parts,
        "signer": verdict.signer.as_ref().map(|signer| json!({
            "subject": signer.subject,
            "issuer": signer.issuer,
            "serial": signer.serial,
            "member": signer.member.as_ref().map(ToString::to_string),
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

fn side(side: Side) -> &'static str {
    match side {
        Side::Consumer => "consumer",
        Side::Provider => "provider",
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => "request",
        Direction::Response => "response",
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Soap => "SOAP",
        Protocol::Rest => "REST",
    }
}
