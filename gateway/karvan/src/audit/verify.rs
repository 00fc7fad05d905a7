//! `karvan audit verify`: whether documents, archives, bundles and logs hold.

use std::path::PathBuf;

use clap::Args;

use super::Error;

/// What is checked, and by what.
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    /// Data folders of nodes; containers, archives, downloads, bundles; folders of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// `true`: everything holds.
pub(super) fn run(verify: &Verify) -> Result<bool, Error> {
    let _ = verify;
    todo!()
}
