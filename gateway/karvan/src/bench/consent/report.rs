//! The figures, for people and for programs.

use std::io;

use serde_json::json;

use super::check::{self, Ground};
use super::{desk, exchanges, feed, journal, revocation};
use crate::bench::measure::Tail;
use crate::bench::sheet::{Sheet, line, ratio};

/// Text as the parts are measured, or one document at the end.
#[derive(Debug)]
pub(super) struct Report(Sheet);

impl Report {
    pub(super) fn new(as_json: bool) -> io::Result<Self> {
        let head = format!("stores in {}\n", std::env::temp_dir().display());
        Sheet::new(as_json, &head).map(Self)
    }

    pub(super) fn check(&mut self, figures: check::Figures) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.part("check", &json!(figures), || check_text(&figures))
    }

    pub(super) fn feed(&mut self, figures: feed::Figures) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.part("feed", &json!(figures), || feed_text(&figures))
    }

    pub(super) fn exchanges(&mut self, figures: exchanges::Figures) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.part("exchanges", &json!(figures), || exchanges_text(&figures))
    }

    pub(super) fn revocation(&mut self, figures: revocation::Figures) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.part("revocation", &json!(figures), || revocation_text(&figures))
    }

    pub(super) fn desk(&mut self, figures: desk::Figures) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.part("desk", &json!(figures), || desk_text(&figures))
    }

    pub(super) fn journal(&mut self, figures: journal::Figures) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.part("journal", &json!(figures), || journal_text(&figures))
    }

    pub(super) fn end(self) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.end()
    }
}

fn check_text(figures: &check::Figures) -> String {
    let mut text = format!(
        "\nthe check of a request on the provider's node: basis read, persons found, consent verified, \
         decided, limits reserved, persons marked\n\
         {} active consents, each with a use in the journal; {} of them signed and checked ({:.0}/s), \
         spread over all; {} revoked; {} rules\n\
         requests of 2 KiB, consents of {} bytes; bound: one Ed25519 verification and SHA-256 of a \
         consent\n\
         {:<15}{:<10}{:>8}{:>11}{:>9}{:>9}{:>9}{:>9}{:>12}\n",
        figures.consents,
        figures.signed,
        figures.signed_per_s,
        figures.revoked,
        figures.rules,
        figures.artefact_bytes,
        "rests on",
        "protocol",
        "threads",
        "checks/s",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "max µs",
        "p50/bound",
    );
    for row in &figures.rows {
        let (ground, over) = match row.ground {
            Ground::Law => ("law", None),
            Ground::ConsentNew => (
                "consent, new",
                Some(ratio(row.took.p50_us, figures.bound.p50_us)),
            ),
            Ground::ConsentKnown => (
                "consent, known",
                Some(ratio(row.took.p50_us, figures.bound.p50_us)),
            ),
        };
        let over = over.map_or(String::new(), |over| format!("{over:.2}"));
        let took = &row.took;
        line(
            &mut text,
            format_args!(
                "{ground:<15}{:<10}{:>8}{:>11.0}{:>9.1}{:>9.1}{:>9.1}{:>9.0}{over:>12}",
                row.protocol,
                row.threads,
                row.checks_per_s,
                took.p50_us,
                took.p99_us,
                took.p999_us,
                took.max_us,
            ),
        );
    }
    let bound = &figures.bound;
    line(
        &mut text,
        format_args!(
            "{:<15}{:<10}{:>8}{:>11.0}{:>9.1}{:>9.1}{:>9.1}{:>9.0}",
            "bound",
            "",
            1,
            ratio(1_000_000.0, bound.p50_us),
            bound.p50_us,
            bound.p99_us,
            bound.p999_us,
            bound.max_us
        ),
    );
    text
}

fn feed_text(figures: &feed::Figures) -> String {
    format!(
        "\nthe feed of {} revocations: {} pages of {} entries, {} bytes\n\
         a node that holds nothing verifies and obeys it in {:.0} ms ({:.0} ms of it to verify); bound: \
         its hashes {:.0} ms\n",
        figures.revoked,
        figures.pages,
        figures.page_entries,
        figures.bytes,
        figures.took_ms,
        figures.verified_ms,
        figures.hashed_ms
    )
}

fn exchanges_text(figures: &exchanges::Figures) -> String {
    let mut text = format!(
        "\nexchanges a second, {}, {} clients: without rules, by law about {} persons, by the consents of \
         {} persons\n\
         {:<9}{:>9}{:>9}{:>9}\n",
        figures.case,
        figures.clients,
        figures.persons,
        figures.consents,
        "round",
        "without",
        "law",
        "consent"
    );
    for (round, number) in figures.rounds.iter().zip(1_u32..) {
        line(
            &mut text,
            format_args!(
                "{number:<9}{:>9.0}{:>9.0}{:>9.0}",
                round.off_per_s, round.law_per_s, round.consent_per_s
            ),
        );
    }
    line(
        &mut text,
        format_args!(
            "{:<9}{:>9.0}{:>9.0}{:>9.0}   rules cost {:.1} % by law, {:.1} % by consent; bound of the \
             parts {:.0}",
            "mean",
            figures.off_per_s,
            figures.law_per_s,
            figures.consent_per_s,
            figures.law_cost_percent,
            figures.consent_cost_percent,
            figures.bound_per_s
        ),
    );
    text
}

fn revocation_text(figures: &revocation::Figures) -> String {
    let mut text = format!(
        "\nfrom the desk's answer to `revoke` to the first refusal; a refusal is seen up to one exchange \
         late (p50 {:.1} ms)\n\
         {:<11}{:>6}{:>9}{:>9}{:>9}\n",
        figures.exchange.p50_us / 1000.0,
        "node",
        "times",
        "p50 ms",
        "p99 ms",
        "max ms"
    );
    for (node, took) in [
        ("consumer", &figures.consumer),
        ("provider", &figures.provider),
    ] {
        line(
            &mut text,
            format_args!(
                "{node:<11}{:>6}{:>9.1}{:>9.1}{:>9.1}",
                took.count,
                took.p50_us / 1000.0,
                took.p99_us / 1000.0,
                took.max_us / 1000.0
            ),
        );
    }
    text
}

fn desk_text(figures: &desk::Figures) -> String {
    let mut text = format!(
        "\na desk of {} active consents, filled with {:.0} a second: {} bytes, {:.0} a consent\n\
         asked, approved and revoked one after another: {:.0} a second; bound of each: one durable \
         record\n\
         {:<22}{:>7}{:>10}{:>10}{:>10}\n",
        figures.consents,
        figures.filled_per_s,
        figures.file_bytes,
        figures.consent_bytes,
        figures.rounds_per_s,
        "",
        "times",
        "p50 µs",
        "p99 µs",
        "max µs"
    );
    for (what, took) in [
        ("asked", &figures.asked),
        ("approved", &figures.approved),
        ("revoked", &figures.revoked),
        ("bound: a record", &figures.durable),
        ("found by person", &figures.found),
    ] {
        line(
            &mut text,
            format_args!(
                "{what:<22}{:>7}{:>10.0}{:>10.0}{:>10.0}",
                took.count, took.p50_us, took.p99_us, took.max_us
            ),
        );
    }
    text
}

fn journal_text(figures: &journal::Figures) -> String {
    let crashed = figures.crashed_ms;
    let crashed = crashed.map_or(String::new(), |ms| format!("; after a crash in {ms:.0} ms"));
    let mut text = format!(
        "\na journal of {} entries about {} persons, filled with {:.0} a second: {} bytes, {:.0} an entry\n\
         taking in the log, {} exchanges at a time: {:.0} a second; opened in {:.0} ms{crashed}\n\
         {:<34}{:>7}{:>10}{:>10}{:>10}{:>14}\n",
        figures.records,
        figures.persons,
        figures.filled_per_s,
        figures.file_bytes,
        figures.record_bytes,
        figures.applied_at_once,
        figures.applied_per_s,
        figures.opened_ms,
        "a person's first page",
        "times",
        "p50 µs",
        "p99 µs",
        "max µs",
        "from the disk"
    );
    let known = [
        ("file out of the system's memory", figures.cold.as_ref()),
        ("file in it", Some(&figures.warm)),
    ];
    for (what, looked) in known {
        let Some(looked) = looked else {
            line(&mut text, format_args!("{what:<34}not measured here"));
            continue;
        };
        let fetched = looked.fetched_bytes;
        let fetched = fetched.map_or("?".to_owned(), |bytes| format!("{bytes:.0} bytes"));
        let Tail {
            count,
            p50_us,
            p99_us,
            max_us,
            ..
        } = &looked.took;
        line(
            &mut text,
            format_args!(
                "{what:<34}{count:>7}{p50_us:>10.0}{p99_us:>10.0}{max_us:>10.0}{fetched:>14}"
            ),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{exchanges_text, journal_text};
    use crate::bench::consent::exchanges::{Figures, Round};
    use crate::bench::consent::journal::{self, Looked};
    use crate::bench::measure::Tail;

    #[test]
    fn the_load_is_told_round_by_round() {
        let round = |off_per_s, law_per_s, consent_per_s| Round {
            off_per_s,
            law_per_s,
            consent_per_s,
        };
        let figures = Figures {
            case: "rest-2k-p256".to_owned(),
            clients: 48,
            persons: 1000,
            consents: 200,
            bound_per_s: 3000.0,
            rounds: vec![round(1000.0, 900.0, 880.0)],
            off_per_s: 1000.0,
            law_per_s: 900.0,
            consent_per_s: 880.0,
            law_cost_percent: 10.0,
            consent_cost_percent: 12.0,
        };
        let expected = "
exchanges a second, rest-2k-p256, 48 clients: without rules, by law about 1000 persons, by the consents of 200 persons
round      without      law  consent
1             1000      900      880
mean          1000      900      880   rules cost 10.0 % by law, 12.0 % by consent; bound of the parts 3000
";
        assert_eq!(exchanges_text(&figures), expected);
    }

    #[test]
    fn what_was_not_measured_is_said() {
        let took = Tail {
            count: 2000,
            p50_us: 100.0,
            p99_us: 200.0,
            p999_us: 250.0,
            max_us: 300.0,
        };
        let figures = journal::Figures {
            records: 1000,
            persons: 50,
            filled_per_s: 10_000.0,
            file_bytes: 200_000,
            record_bytes: 200.0,
            page_max: 1000,
            opened_ms: 1.0,
            crashed_ms: None,
            cold: None,
            warm: Looked {
                took,
                fetched_bytes: Some(0.0),
            },
            applied_per_s: 5000.0,
            applied_at_once: 1000,
        };
        let text = journal_text(&figures);
        assert!(text.contains("file out of the system's memory   not measured here\n"));
        let warm = "file in it                           2000       100       200       300       0 bytes\n";
        assert!(text.ends_with(warm), "{text}");
    }
}
