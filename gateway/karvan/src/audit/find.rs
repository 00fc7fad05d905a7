//! `karvan audit find`: which exchanges there are.

use clap::Args;
use gateway_messagelog::audit::{Filter, Unreadable};
use gateway_messagelog::{Basis, Entry, Logged};
use gateway_proto::id::{ClientId, MemberId, ServiceId};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::basis::{self, GroundArgument};
use super::documents::printable;
use super::progress::Progress;
use super::unread::Unread;
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
    /// What was asked, `instance/class/code/subsystem/service[/version]`; one with a version is found
    /// only with it.
    #[arg(long)]
    service: Option<String>,
    /// Logged at this time or later, e.g. `2026-11-22T10:00:00Z` or `2026-11-22T14:00:00+04:00`.
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
    /// Read every record instead of asking the index that lies beside the log: whoever kept the log
    /// could have left something out of it.
    #[arg(long)]
    whole: bool,
    /// Print who the user was, too, as sent: it is often a person's number.
    #[arg(long)]
    users: bool,
    /// Print one JSON document a line.
    #[arg(long)]
    pub(super) json: bool,
}

/// Prints a line for each; `true` when there is at least one, and everything met could be read.
pub(super) fn run(find: &Find) -> Result<bool, Error> {
    let filter = find.filter()?;
    let reader = find.log.open()?;
    let matches = match find.whole {
        true => reader.read_through(&filter),
        false => reader.search(&filter),
    };
    let mut matches = matches.map_err(Error::Log)?;
    let mut progress = Progress::new("records");
    let (mut found, mut unread) = (0_u64, Unread::default());
    while let Some(entry) = matches.next_with(&mut |done, all| progress.tell(done, all)) {
        match entry {
            Ok(logged) if !find.fits(&logged.entry) => {}
            Ok(logged) => {
                found = found.saturating_add(1);
                if find.json {
                    print(&format!("{}\n", document(&logged, find.users)))?;
                } else {
                    print(&line(&logged, find.users))?;
                }
            }
            Err(Unreadable::Erased { .. }) => {}
            Err(Unreadable::Failed(error)) => return Err(Error::Log(error)),
            Err(unreadable) => {
                if let Some(text) = unread.add(&unreadable) {
                    find.tell_unread(&text)?;
                }
            }
        }
    }
    drop(progress);
    for text in unread.sealed() {
        find.tell_unread(&text)?;
    }
    let erased = matches.erased();
    if found == 0 && !find.json {
        print(&nothing(matches.is_indexed(), &filter))?;
    }
    if erased > 0 && !find.json {
        print(&format!(
            "{erased} records were erased by retention: what they were cannot be told any more\n"
        ))?;
    }
    Ok(found > 0 && unread.is_empty())
}

/// Why there may be nothing.
fn nothing(is_indexed: bool, filter: &Filter) -> String {
    let mut text = "nothing is logged that fits".to_owned();
    if is_indexed {
        text.push_str(", as the index beside the log says; --whole reads every record");
    }
    text.push('\n');
    if let Some(service) = &filter.service
        && service.version().is_none()
    {
        text.push_str(&format!(
            "A service with a version is found only with it, e.g. --service {}/v1\n",
            printable(&service.to_rest())
        ));
    }
    text
}

impl Find {
    fn tell_unread(&self, what: &str) -> Result<(), Error> {
        let text = format!("{what}: it may be one that is looked for");
        match self.json {
            true => print(&format!(
                "{}\n",
                json!({ "kind": "unreadable", "text": text })
            )),
            false => print(&format!("FAIL {}\n", printable(&text))),
        }
    }

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
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since > until
        {
            return Err(Error::Use("--since is later than --until".to_owned()));
        }
        Ok(Filter {
            id: self.id.clone(),
            client: parsed("client", self.client.as_ref(), |text| {
                ClientId::from_rest(bare(text))
            })?,
            member: parsed("member", self.member.as_ref(), |text| {
                MemberId::from_rest(bare(text))
            })?,
            service: parsed("service", self.service.as_ref(), |text| {
                bare(text).parse::<ServiceId>()
            })?,
            from: self.since,
            until: self.until,
            issue: self.case.clone(),
        })
    }
}

/// Identifiers may be given as they are printed, with what they are in front.
fn bare(text: &str) -> &str {
    let kinds = ["MEMBER:", "SUBSYSTEM:", "SERVICE:"];
    let found = kinds.into_iter().find_map(|kind| text.strip_prefix(kind));
    found.unwrap_or(text)
}

/// Time, kind, side, who asked whom, the id by which the rest is found, case, the user if asked for,
/// and on what it rests.
fn line(logged: &Logged, users: bool) -> String {
    let ordinal = logged.position.ordinal;
    let line = match &logged.entry {
        Entry::Message(record) => {
            let mut line = format!(
                "{ordinal:>8}  {:.3}  {:<8}  {}  {} → {}  {}",
                record.time,
                show::direction(record.direction),
                show::side(record.side),
                record.client,
                record.service,
                record.message_id,
            );
            let user = record.user_id.as_ref().filter(|_| users);
            for (name, value) in [("case", record.issue.as_ref()), ("user", user)] {
                if let Some(value) = value {
                    line.push_str(&format!("  {name} {value}"));
                }
            }
            line.push_str(&record.basis.as_deref().map(rests_on).unwrap_or_default());
            line
        }
        Entry::Refusal(refusal) => {
            let client = refusal.client.as_ref().map(ToString::to_string);
            let service = refusal.service.as_ref().map(ToString::to_string);
            format!(
                "{ordinal:>8}  {:.3}  refusal   {}  {} → {}  {}  {}",
                refusal.time,
                show::side(refusal.side),
                client.as_deref().unwrap_or("?"),
                service.as_deref().unwrap_or("?"),
                refusal.message_id.as_deref().unwrap_or("?"),
                refusal.code,
            )
        }
        Entry::Stamp(stamp) => format!("{ordinal:>8}  {:.3}  stamp", stamp.time),
    };
    printable(&line) + "\n"
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

fn document(logged: &Logged, users: bool) -> Value {
    let record = logged.position.ordinal;
    match &logged.entry {
        Entry::Message(message) => json!({
            "kind": "message", "record": record, "time": message.time.to_string(),
            "side": show::side(message.side), "direction": show::direction(message.direction),
            "protocol": show::protocol(message.protocol),
            "client": message.client.to_string(), "service": message.service.to_string(),
            "message_id": message.message_id, "request_id": message.request_id,
            "issue": message.issue,
            "user_id": message.user_id.as_ref().filter(|_| users),
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

#[cfg(test)]
mod tests {
    use gateway_store::segment::Position;

    use super::super::testing::{PERSON, record, stated};
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        find: Find,
    }

    fn filter(arguments: &[&str]) -> Result<Filter, Error> {
        let line = [&["find", "data"], arguments].concat();
        <Line as clap::Parser>::try_parse_from(line)
            .unwrap()
            .find
            .filter()
    }

    #[test]
    fn takes_identifiers_as_people_write_and_as_we_print_them() {
        for (option, written, printed) in [
            ("--client", "AZ/GOV/1/s", "SUBSYSTEM:AZ/GOV/1/s"),
            ("--client", "AZ/GOV/1", "MEMBER:AZ/GOV/1"),
            ("--member", "AZ/GOV/1", "MEMBER:AZ/GOV/1"),
            ("--service", "AZ/GOV/1/s/get", "SERVICE:AZ/GOV/1/s/get"),
            (
                "--service",
                "AZ/GOV/1/s/get/v1",
                "SERVICE:AZ/GOV/1/s/get/v1",
            ),
        ] {
            let found = filter(&[option, written]).unwrap();
            assert_eq!(found, filter(&[option, printed]).unwrap(), "{written}");
            assert_ne!(found, Filter::default(), "{written}");
        }
        let versioned = filter(&["--service", "AZ/GOV/1/s/get/v1"]).unwrap();
        assert_eq!(versioned.service.unwrap().version(), Some("v1"));
    }

    #[test]
    fn refuses_what_it_would_have_to_guess() {
        for arguments in [
            &["--member", "AZ/GOV/1/s"][..],
            &["--client", "AZ"],
            &["--service", "AZ/GOV/1"],
            &[
                "--since",
                "2026-11-22T11:00:00Z",
                "--until",
                "2026-11-22T10:00:00Z",
            ],
        ] {
            assert!(
                matches!(filter(arguments), Err(Error::Use(_))),
                "{arguments:?}"
            );
        }
    }

    fn logged(record: gateway_messagelog::Record) -> Logged {
        Logged {
            position: Position {
                ordinal: 7,
                segment: 1,
                offset: 0,
            },
            entry: Entry::Message(record),
        }
    }

    #[test]
    fn what_clients_wrote_does_not_steer_a_terminal() {
        let mut record = record("income", &stated(None));
        record.message_id = "x\u{1b}[2J".to_owned();
        record.issue = Some("1\n2".to_owned());
        let logged = logged(record);
        let line = line(&logged, true);
        assert!(line.contains("  x\u{fffd}[2J  case 1\u{fffd}2"), "{line}");
        assert!(line.contains("  request   provider  SUBSYSTEM:"), "{line}");
        assert_eq!(line.matches(char::is_control).count(), 1, "{line}");
    }

    #[test]
    fn names_the_user_only_to_who_asks_for_users() {
        let mut record = record("income", &stated(None));
        record.user_id = Some(PERSON.to_owned());
        let logged = logged(record);
        assert!(!line(&logged, false).contains(PERSON));
        assert!(line(&logged, true).contains(&format!("  user {PERSON}")));
        let quiet = document(&logged, false);
        assert!(!quiet.to_string().contains(PERSON), "{quiet}");
        assert_eq!(quiet["user_id"], Value::Null);
        assert_eq!(document(&logged, true)["user_id"], PERSON);
    }
}
