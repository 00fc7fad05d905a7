//! Writes the seeds of a target, made ones too, into a folder: `fuzz-seeds TARGET FOLDER`. With no
//! arguments it names the targets.
#![allow(clippy::print_stdout, reason = "a command for people")]

use std::io::{Error, Result};
use std::path::PathBuf;

use conformance_fuzz::{TARGETS, Target};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        for target in TARGETS {
            println!("{}", target.name);
        }
        return Ok(());
    };
    let target = Target::find(&name).ok_or_else(|| Error::other(format!("no target {name:?}")))?;
    let folder = arguments.next().map(PathBuf::from);
    let folder = folder.ok_or_else(|| Error::other("say into which folder"))?;
    std::fs::create_dir_all(&folder)?;
    for (index, seed) in target.seeds()?.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{index}")), seed)?;
    }
    Ok(())
}
