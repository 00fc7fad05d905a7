//! One opening of a log in a process of its own: nothing is warm but the system's own memory of the
//! files.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use certs_keys::Pin;
use gateway_messagelog::{MessageLog, Options, tree};
use serde::{Deserialize, Serialize};

use crate::bench::parts::part;
use crate::bench::{Error, report};
use crate::clock;
use crate::node::transparency::Keys;

/// How long it took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Opened {
    /// Until the log takes records.
    pub(super) open_ms: f64,
    /// Until it has found a record by its number: the index is up to date then.
    pub(super) found_ms: f64,
    /// Until it has proved one.
    pub(super) proved_ms: f64,
    /// The most memory of the process.
    pub(super) rss_mb: f64,
}

/// Opens the log that lies here, and prints how long it took.
pub(super) async fn run(dir: &Path) -> Result<(), Error> {
    let options = options(dir)?;
    let began = clock::instant();
    let took = || began.elapsed().as_secs_f64() * 1000.0;
    let log = MessageLog::open(&dir.join(LOG), options).map_err(|error| part(&error))?;
    let open_ms = took();
    let tree = log
        .tree()
        .ok_or_else(|| Error::Part("the log has no tree".to_owned()))?;
    let size = tree.size();
    tree.inclusion(size.div_ceil(2), size)
        .map_err(|error| part(&error))?;
    let proved_ms = took();
    log.get(log.last_ordinal().div_ceil(2))
        .await
        .map_err(|error| part(&error))?;
    let found_ms = took();
    let opened = Opened {
        open_ms,
        found_ms,
        proved_ms,
        rss_mb: report::rss_mb(Some(std::process::id())),
    };
    let text = serde_json::to_string(&opened).map_err(|error| part(&error))?;
    writeln!(io::stdout(), "{text}").map_err(Error::Output)
}

/// As the log of this folder is opened; its keys are made when they are missing.
pub(super) fn options(dir: &Path) -> Result<Options, Error> {
    let path = dir.join("pin");
    let pin = match std::fs::read_to_string(&path) {
        Ok(pin) => pin,
        Err(_) => {
            let pin = hex::encode(certs_keys::random_bytes::<16>());
            gateway_store::file::replace_secret(&path, pin.as_bytes())
                .map_err(|error| part(&error))?;
            pin
        }
    };
    let keys = Keys::at(
        &dir.join("log.key.pem"),
        &dir.join("witness.key.pem"),
        "bench",
        &Pin::new(pin),
    );
    let keys = keys.map_err(|error| part(&error))?;
    Ok(Options {
        tree: Some(tree::Options::new(Arc::new(keys.log))),
        ..Options::default()
    })
}

/// Where the log lies, and what lies in it.
pub(super) const LOG: &str = "log";
pub(super) const SEGMENTS: &str = "segments";
pub(super) const INDEX: &str = "index.redb";
pub(super) const TREE: &str = "tree";
