//! `karvan audit find`: which exchanges there are.

use clap::Args;
use gateway_messagelog::audit::{Filter, Unreadable};
use gateway_messagelog::{Basis, Entry, Logged};
use gateway_proto::id::{ClientId, MemberId, ServiceId};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::basis::{self, GroundArgument};
use super::{Error, LogArguments, print, show};

/// What is looked for: everything that is given has to fit.
#[derive(Clone, Debug, Args)]
pub(crate) struct Find {
    #[command(flatten)]
    log: LogArguments,
    /// Message id, or x-road-request-id.
    #[arg(long)]
    id: Option<String>,
    /// Who asked, `instance/class/code[/subsystem]`.
    #[arg(long)]
    client: Option<String>,
    /// A member that asked or was asked, `instance/class/code`.
    #[arg(long)]
    member: Option<String>,
    /// What was asked, `instance/class/code/subsystem/service[/version]`.
    #[arg(long)]
    service: Option<String>,
    /// Logged at this time or later, `2026-11-22T10:00:00Z`.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Logged at this time or before.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// The case, as sent.
    #[arg(long)]
    case: Option<String>,
    /// By this rule; requests only, as with what follows.
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// For this purpose, as it was decided.
    #[arg(long)]
    purpose: Option<String>,
    /// By this consent.
    #[arg(long, value_name = "ID")]
    consent: Option<Uuid>,
    /// On this ground.
    #[arg(long, value_enum)]
    ground: Option<GroundArgument>,
    /// Print one JSON document a line.
    #[arg(long)]
    json: bool,
}

/// Prints a line for each; `true` when there is at least one, and everything met could be read.
pub(super) fn run(find: &Find) -> Result<bool, Error> {
    let filter = find.filter()?;
    let reader = find.log.open()?;
    let (mut found, mut unreadable) = (0_u64, 0_u64);
    for entry in reader.search(&filter).map_err(Error::Log)? {
        match entry {
            Ok(logged) if !find.fits(&logged.entry) => {}
            Ok(logged) => {
                found = found.saturating_add(1);
                if find.json {
                    print(&format!("{}\n", document(&logged)))?;
                } else {
                    print(&line(&logged))?;
                }
            }
            Err(Unreadable::Erased { .. }) => {}
            Err(Unreadable::Failed(error)) => return Err(Error::Log(error)),
            Err(damage) => {
                unreadable = unreadable.saturating_add(1);
                let text = format!("FAIL {damage}: it may be one that is looked for");
                if find.json {
                    print(&format!(
                        "{}\n",
                        json!({ "kind": "unreadable", "text": text })
                    ))?;
                } else {
                    print(&format!("{text}\n"))?;
                }
            }
        }
    }
    if found == 0 && !find.json {
        print("nothing is logged that fits\n")?;
    }
    Ok(found > 0 && unreadable == 0)
}

impl Find {
    /// Whether it rests on what is looked for.
    fn fits(&self, entry: &Entry) -> bool {
        let Self {
            rule,
            purpose,
            consent,
            ground,
            ..
        } = self;
        let basis = match entry {
            Entry::Message(record) => record.basis.as_deref(),
            Entry::Refusal(_) | Entry::Stamp(_) => None,
        };
        let Some(basis) = basis else {
            return rule.is_none() && purpose.is_none() && consent.is_none() && ground.is_none();
        };
        let noted = basis.consent.as_ref().map(|consent| consent.id);
        (rule.is_none() || *rule == basis.rule)
            && (purpose.is_none() || *purpose == basis.purpose)
            && (consent.is_none() || *consent == noted)
            && ground.is_none_or(|ground| ground.ground() == basis.ground)
    }

    fn filter(&self) -> Result<Filter, Error> {
        fn parsed<T, E: std::fmt::Display>(
            name: &str,
            text: Option<&String>,
            parse: impl Fn(&str) -> Result<T, E>,
        ) -> Result<Option<T>, Error> {
            text.map(|text| parse(text))
                .transpose()
                .map_err(|error| Error::Use(format!("--{name}: {error}")))
        }
        let member = |text: &str| ClientId::from_rest(text).map(|id| id.member().clone());
        Ok(Filter {
            id: self.id.clone(),
            client: parsed("client", self.client.as_ref(), ClientId::from_rest)?,
            member: parsed::<MemberId, _>("member", self.member.as_ref(), member)?,
            service: parsed("service", self.service.as_ref(), ServiceId::from_rest)?,
            from: self.since,
            until: self.until,
            issue: self.case.clone(),
        })
    }
}

/// Time, kind, who asked whom, and the id by which the rest is found.
fn line(logged: &Logged) -> String {
    let ordinal = logged.position.ordinal;
    match &logged.entry {
        Entry::Message(record) => format!(
            "{ordinal:>8}  {:.3}  {:<8}  {} → {}  {}{}\n",
            record.time,
            show::direction(record.direction),
            record.client,
            record.service,
            record.message_id,
            record.basis.as_deref().map(rests_on).unwrap_or_default(),
        ),
        Entry::Refusal(refusal) => {
            let client = refusal.client.as_ref().map(ToString::to_string);
            let service = refusal.service.as_ref().map(ToString::to_string);
            format!(
                "{ordinal:>8}  {:.3}  refusal   {} → {}  {}  {}\n",
                refusal.time,
                client.as_deref().unwrap_or("?"),
                service.as_deref().unwrap_or("?"),
                refusal.message_id.as_deref().unwrap_or("?"),
                refusal.code,
            )
        }
        Entry::Stamp(stamp) => format!("{ordinal:>8}  {:.3}  stamp\n", stamp.time),
    }
}

/// Ground, rule and purpose in a few words.
fn rests_on(noted: &Basis) -> String {
    let ground = basis::ground(noted.ground);
    match (&noted.rule, &noted.purpose) {
        (Some(rule), Some(purpose)) => format!("  {ground} by {rule} for {purpose}"),
        (Some(rule), None) => format!("  {ground} by {rule}"),
        (None, _) => format!("  {ground}"),
    }
}

fn document(logged: &Logged) -> Value {
    let record = logged.position.ordinal;
    match &logged.entry {
        Entry::Message(message) => json!({
            "kind": "message", "record": record, "time": message.time.to_string(),
            "side": show::side(message.side), "direction": show::direction(message.direction),
            "protocol": show::protocol(message.protocol),
            "client": message.client.to_string(), "service": message.service.to_string(),
            "message_id": message.message_id, "request_id": message.request_id,
            "issue": message.issue, "user_id": message.user_id,
            "basis": message.basis.as_deref().map(basis::json),
        }),
        Entry::Refusal(refusal) => json!({
            "kind": "refusal", "record": record, "time": refusal.time.to_string(),
            "side": show::side(refusal.side), "protocol": show::protocol(refusal.protocol),
            "client": refusal.client.as_ref().map(ToString::to_string),
            "service": refusal.service.as_ref().map(ToString::to_string),
            "message_id": refusal.message_id, "code": refusal.code,
        }),
        Entry::Stamp(stamp) => json!({
            "kind": "stamp", "record": record, "time": stamp.time.to_string(),
        }),
    }
}
