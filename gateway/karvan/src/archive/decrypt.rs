//! `karvan archive decrypt`: the plain files of encrypted archives and downloads.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use clap::Args;
use gateway_evidence::archive::openpgp::{self, Opened, PublicKey, SecretKey};
use serde_json::{Value, json};

use super::{Draft, Error, print, read, secret_key};
use crate::causes::with_causes;

/// What to decrypt, for whom, and whose word it has to be.
#[derive(Clone, Debug, Args)]
pub(crate) struct Decrypt {
    /// Archives and downloads, encrypted; their names end with .gpg.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The secret OpenPGP key of a recipient.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file with its passphrase.
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
    /// A public OpenPGP key of a node; one of those named has to have signed. May be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    signer: Vec<PathBuf>,
    /// The folder to write the plain files into; made when missing. Without it they are written
    /// beside the encrypted ones. No file is overwritten.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `true`: all files are decrypted. Each is there whole, with integrity and signature checked, or
/// not at all.
pub(super) fn run(decrypt: &Decrypt) -> Result<bool, Error> {
    let key = secret_key(&decrypt.key, decrypt.pin_file.as_deref())?;
    let signers = decrypt.signer.iter().map(|path| signer(path));
    let signers = signers.collect::<Result<Vec<_>, _>>()?;
    if let Some(out) = &decrypt.out {
        gateway_store::file::create_secret_dir(out).map_err(Error::Folder)?;
    }
    let mut documents = Vec::new();
    let mut all = true;
    for file in &decrypt.files {
        let done = one(file, decrypt.out.as_deref(), &key, &signers);
        all &= done.is_ok();
        match decrypt.json {
            true => documents.push(document(file, &done)),
            false => print(&line(file, &done))?,
        }
    }
    if decrypt.json {
        print(&format!("{:#}\n", json!({ "ok": all, "files": documents })))?;
    }
    Ok(all)
}

fn signer(path: &Path) -> Result<PublicKey, Error> {
    PublicKey::read(&read(path)?).map_err(|source| Error::KeyFile {
        path: path.to_owned(),
        source,
    })
}

fn one(
    file: &Path,
    out: Option<&Path>,
    key: &SecretKey,
    signers: &[PublicKey],
) -> Result<(PathBuf, Opened), Error> {
    let name = plain_name(file)?;
    let target = match out {
        Some(out) => out.join(name),
        None => file.with_file_name(name),
    };
    let source = File::open(file).map_err(|source| Error::Read {
        path: file.to_owned(),
        source,
    })?;
    let mut draft = Draft::new(target, 0o600)?;
    let plain = BufWriter::new(&mut draft);
    let opened = openpgp::decrypt(BufReader::new(source), plain, key, signers);
    let opened = opened.map_err(Error::Decrypt)?;
    Ok((draft.finish()?, opened))
}

/// The name of an encrypted file without what encryption has added to it.
fn plain_name(file: &Path) -> Result<&OsStr, Error> {
    let named = file.extension() == Some(OsStr::new("gpg"));
    file.file_stem().filter(|_| named).ok_or_else(|| {
        Error::Use("its name does not end with .gpg: what is in it has no name".to_owned())
    })
}

fn line(file: &Path, done: &Result<(PathBuf, Opened), Error>) -> String {
    match done {
        Ok((target, opened)) => format!(
            "{}: {} octets, signed at {} by the OpenPGP key {}\n",
            target.display(),
            opened.bytes,
            opened.signed_at,
            opened.signed_by
        ),
        Err(error) => format!("{}: FAILS: {}\n", file.display(), with_causes(error)),
    }
}

fn document(file: &Path, done: &Result<(PathBuf, Opened), Error>) -> Value {
    let file = file.to_string_lossy();
    match done {
        Ok((target, opened)) => json!({
            "file": file,
            "ok": true,
            "decrypted": target.to_string_lossy(),
            "bytes": opened.bytes,
            "signed_by": opened.signed_by,
            "signed_at": opened.signed_at.to_string(),
        }),
        Err(error) => json!({ "file": file, "ok": false, "reason": with_causes(error) }),
    }
}
