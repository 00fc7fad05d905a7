//! The figures, for people and for programs.

use std::io;

use serde_json::json;

use super::measure::Spread;
use super::{append, documents, exchanges, tree};
use crate::bench::sheet::{Sheet, line, ratio};

/// Text as the parts are measured, or one document at the end.
#[derive(Debug)]
pub(super) struct Report(Sheet);

impl Report {
    pub(super) fn new(as_json: bool) -> io::Result<Self> {
        let head = format!("logs in {}\n", std::env::temp_dir().display());
        Sheet::new(as_json, &head).map(Self)
    }

    pub(super) fn append(&mut self, figures: append::Figures) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.part("append", &json!(figures), || append_text(&figures))
    }

    pub(super) fn exchanges(&mut self, figures: exchanges::Figures) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.part("exchanges", &json!(figures), || exchanges_text(&figures))
    }

    pub(super) fn documents(&mut self, figures: documents::Figures) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.part("documents", &json!(figures), || documents_text(&figures))
    }

    pub(super) fn tree(&mut self, figures: tree::Figures) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.part("tree", &json!(figures), || tree_text(&figures))
    }

    pub(super) fn end(self) -> io::Result<()> {
        let Self(sheet) = self;
        sheet.end()
    }
}

fn append_text(figures: &append::Figures) -> String {
    let mut text = format!(
        "\ndurable records a second: SOAP of {} bytes with its signature; bound: bare segments; best of \
         the turns\n\
         {:<9}{:<6}{:<11}{:>10}{:>10}{:>7}{:>15}{:>22}\n",
        figures.message_bytes,
        "writers",
        "tree",
        "encrypted",
        "records/s",
        "bound/s",
        "ratio",
        "bytes/record",
        "written bytes/record"
    );
    for row in &figures.rows {
        let written = row
            .written_bytes
            .map_or("?".to_owned(), |bytes| format!("{bytes:.0}"));
        line(
            &mut text,
            format_args!(
                "{:<9}{:<6}{:<11}{:>10.0}{:>10.0}{:>7.2}{:>15.0}{:>22}",
                row.writers,
                on(row.tree),
                on(row.encrypted),
                row.records_per_s,
                row.bound_per_s,
                ratio(row.records_per_s, row.bound_per_s),
                row.stored_bytes,
                written,
            ),
        );
    }
    text
}

fn exchanges_text(figures: &exchanges::Figures) -> String {
    let mut text = format!(
        "\nexchanges a second, {}, {} clients: log in memory, durable, with tree, stamping each second and \
         witnesses\n\
         {:<9}{:>10}{:>9}{:>12}\n",
        figures.case, figures.clients, "round", "in memory", "durable", "with extras"
    );
    let known =
        |figure: Option<f64>| figure.map_or("?".to_owned(), |figure| format!("{figure:.0}"));
    for (round, number) in figures.rounds.iter().zip(1_u32..) {
        line(
            &mut text,
            format_args!(
                "{number:<9}{:>10}{:>9.0}{:>12.0}",
                known(round.memory_per_s),
                round.off_per_s,
                round.on_per_s
            ),
        );
    }
    line(
        &mut text,
        format_args!(
            "{:<9}{:>10}{:>9.0}{:>12.0}   bound of the parts {:.0}",
            "mean",
            known(figures.memory_per_s),
            figures.off_per_s,
            figures.on_per_s,
            figures.bound_per_s
        ),
    );
    if let Some(cost) = figures.durable_cost_percent {
        line(&mut text, format_args!("durability costs {cost:.1} %"));
    }
    line(
        &mut text,
        format_args!("the extras cost {:.1} %", figures.cost_percent),
    );
    if !figures.processors.is_empty() {
        line(
            &mut text,
            format_args!(
                "\nprocessor time of both nodes for an exchange, and in the threads of the log\n\
                 {:<16}{:>9}{:>9}{:>7}",
                "log", "all µs", "log µs", "share"
            ),
        );
    }
    for row in &figures.processors {
        line(
            &mut text,
            format_args!(
                "{:<16}{:>9.0}{:>9.0}{:>5.1} %",
                row.log,
                row.exchange_us,
                row.log_us,
                ratio(row.log_us, row.exchange_us) * 100.0
            ),
        );
    }
    line(
        &mut text,
        format_args!(
            "\nbytes on disk for an exchange, with the extras (the index grows in steps)\n\
             {:<11}{:>10}{:>10}{:>9}{:>8}{:>7}",
            "node", "exchanges", "messages", "stamps", "index", "tree"
        ),
    );
    for disk in &figures.disk {
        line(
            &mut text,
            format_args!(
                "{:<11}{:>10}{:>10.0}{:>9.0}{:>8.0}{:>7.0}",
                disk.node, disk.exchanges, disk.messages, disk.stamps, disk.index, disk.tree
            ),
        );
    }
    text
}

fn documents_text(figures: &documents::Figures) -> String {
    let mut text = format!(
        "\nsigned documents a second on one core, {} messages under one time stamp; bounds: without \
         reading the log; public-key operations alone\n\
         {:<34}{:>7}{:>9}{:>9}{:>7}{:>12}{:>9}{:>7}\n",
        figures.stamped,
        "document",
        "bytes",
        "made",
        "bound",
        "ratio",
        "verified",
        "bound",
        "ratio"
    );
    for row in &figures.rows {
        line(
            &mut text,
            format_args!(
                "{:<34}{:>7.0}{:>9.0}{:>9.0}{:>7.2}{:>12.0}{:>9.0}{:>7.2}",
                row.name,
                row.document_bytes,
                row.made_per_s,
                row.made_bound_per_s,
                ratio(row.made_per_s, row.made_bound_per_s),
                row.verified_per_s,
                row.verified_bound_per_s,
                ratio(row.verified_per_s, row.verified_bound_per_s),
            ),
        );
    }
    text
}

fn tree_text(figures: &tree::Figures) -> String {
    let (middle, most) = (&figures.opened, &figures.opened_max);
    let mut text = format!(
        "\na log of {} small records (refusals), files in the system's memory\n",
        figures.records
    );
    line(
        &mut text,
        format_args!(
            "bytes/record       segments {:.0}, index {:.0}, tree {:.1}",
            figures.segment_bytes, figures.index_bytes, figures.tree_bytes
        ),
    );
    line(
        &mut text,
        format_args!(
            "opened             {:.0} ms (slowest {:.0}); first proof after {:.0} ms, first look-up \
             after {:.0} ms; {:.0} MB",
            middle.open_ms, most.open_ms, middle.proved_ms, middle.found_ms, most.rss_mb
        ),
    );
    line(
        &mut text,
        format_args!(
            "tree and index lost: opened after {:.1} s with the tree made anew; the index {:.1} s \
             later",
            figures.tree_rebuilt_s, figures.index_rebuilt_s
        ),
    );
    for (name, spread) in [
        ("inclusion proof", &figures.inclusion),
        ("consistency proof", &figures.consistency),
        ("bound: its tiles", &figures.tiles),
    ] {
        let Spread { p50_us, p99_us } = spread;
        line(
            &mut text,
            format_args!("{name:<19}p50 {p50_us:.0} µs, p99 {p99_us:.0} µs"),
        );
    }
    text
}

fn on(is_on: bool) -> &'static str {
    match is_on {
        true => "on",
        false => "off",
    }
}

#[cfg(test)]
mod tests {
    use super::exchanges_text;
    use crate::bench::evidence::exchanges::{Disk, Figures, Processors, Round};

    #[test]
    fn the_load_is_told_round_by_round() {
        let round = |memory_per_s, off_per_s, on_per_s| Round {
            memory_per_s,
            off_per_s,
            on_per_s,
        };
        let mut figures = Figures {
            case: "rest-2k-p256".to_owned(),
            clients: 48,
            bound_per_s: 3000.0,
            rounds: vec![
                round(Some(1100.0), 1000.0, 950.0),
                round(Some(1000.0), 1100.0, 940.0),
            ],
            memory_per_s: Some(1050.0),
            off_per_s: 1050.0,
            on_per_s: 945.0,
            durable_cost_percent: Some(0.0),
            cost_percent: 10.0,
            processors: vec![Processors {
                log: "durable",
                exchange_us: 1000.0,
                log_us: 75.0,
            }],
            disk: vec![Disk {
                node: "consumer",
                exchanges: 4700,
                messages: 18_000.0,
                stamps: 150.0,
                index: 900.0,
                tree: 130.0,
            }],
        };
        let expected = "
exchanges a second, rest-2k-p256, 48 clients: log in memory, durable, with tree, stamping each second and witnesses
round     in memory  durable with extras
1              1100     1000         950
2              1000     1100         940
mean           1050     1050         945   bound of the parts 3000
durability costs 0.0 %
the extras cost 10.0 %

processor time of both nodes for an exchange, and in the threads of the log
log                all µs   log µs  share
durable              1000       75  7.5 %

bytes on disk for an exchange, with the extras (the index grows in steps)
node        exchanges  messages   stamps   index   tree
consumer         4700     18000      150     900    130
";
        assert_eq!(exchanges_text(&figures), expected);

        figures.durable_cost_percent = None;
        figures.memory_per_s = None;
        figures.processors = Vec::new();
        let text = exchanges_text(&figures);
        assert!(text.contains("mean              ?     1050"), "{text}");
        assert!(
            !text.contains("durability costs") && !text.contains("processor time"),
            "{text}"
        );
    }
}
