//! `karvan audit export`: all evidence of one exchange in one file.

use std::path::{Path, PathBuf};

use clap::Args;
use gateway_messagelog::Protection;

use super::bundle::Bundled;
use super::{Error, LogArguments};

/// What is exported, and where to.
#[derive(Clone, Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    log: LogArguments,
    /// Message id, or x-road-request-id.
    id: String,
    /// The file to be written.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `true`: everything logged under the id is in the file, with its container and its proof.
pub(super) fn run(arguments: &Export) -> Result<bool, Error> {
    let _ = arguments;
    todo!()
}

/// Writes the bundle of everything logged under an id.
pub(crate) fn export(
    data: &Path,
    protection: Option<Protection>,
    id: &str,
    out: &Path,
) -> Result<Bundled, Error> {
    let _ = (data, protection, id, out);
    todo!()
}
