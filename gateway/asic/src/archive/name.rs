//! Names of archive files (UG-SS, message log archives).

use gateway_proto::id::ClientId;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Whose containers go into one archive file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Grouping {
    /// Everybody's.
    #[default]
    None,
    /// One member's.
    Member,
    /// One subsystem's; those of a member itself are a group, too.
    Subsystem,
}

/// The name of the group that the records of a local party belong to; `None` without grouping.
#[must_use]
pub fn group_name(grouping: Grouping, party: &ClientId) -> Option<String> {
    let member = party.member();
    let name = [
        member.instance(),
        member.member_class(),
        member.member_code(),
    ]
    .join("/");
    match (grouping, party.subsystem()) {
        (Grouping::None, _) => None,
        (Grouping::Member, _) | (Grouping::Subsystem, None) => Some(name),
        (Grouping::Subsystem, Some(subsystem)) => Some(format!("{name}/{subsystem}")),
    }
}

/// `mlog-‹group›-‹first›-‹last›-‹digest›.zip`: the times of the first and last record, in UTC, and
/// the beginning of the last digest of the chain.
#[must_use]
pub fn file_name(
    group: Option<&str>,
    first: Timestamp,
    last: Timestamp,
    last_digest: &str,
) -> String {
    let prefix: String = group
        .map(|group| format!("{group}-"))
        .unwrap_or_default()
        .chars()
        .take(GROUP_CHARS_MAX)
        .map(|c| match c {
            '\\' | '<' | '>' | '/' | ':' | '|' | '*' | '?' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect();
    let digest: String = last_digest.chars().take(DIGEST_CHARS).collect();
    format!("mlog-{prefix}{}-{}-{digest}.zip", time(first), time(last))
}

fn time(time: Timestamp) -> String {
    let time = time.to_zoned(TimeZone::UTC);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

const GROUP_CHARS_MAX: usize = 200;
const DIGEST_CHARS: usize = 16;
