//! `karvan archive key`: a new OpenPGP key, in two files.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use gateway_evidence::archive::openpgp;
use gateway_exchange::Clock as _;
use serde_json::json;

use super::{Draft, Error, passphrase, print};
use crate::clock::SystemClock;

/// Whose key, and where to.
#[derive(Clone, Debug, Args)]
pub(crate) struct Key {
    /// Whose key it is, for people: 'Node AZ/GOV/1/node <it@example.org>'.
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// The folder to write the key into; made when missing. No file in it is overwritten.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The file with the passphrase to put the secret key under; for a node's own key, the file with
    /// its PIN. Without it whoever can read the secret key's file can use it.
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Both files are there and durable, or neither is.
pub(super) fn run(key: &Key) -> Result<(), Error> {
    let name = key.name.trim();
    if name.is_empty() || name.chars().any(char::is_control) {
        let problem = "--name says whose key it is, in one line";
        return Err(Error::Use(problem.to_owned()));
    }
    let pin = key.pin_file.as_deref().map(passphrase).transpose()?;
    let out = std::path::absolute(&key.out).map_err(|source| Error::Write {
        path: key.out.clone(),
        source,
    })?;
    gateway_store::file::create_secret_dir(&out).map_err(Error::Folder)?;
    let mut secret = Draft::new(out.join(SECRET), 0o600)?;
    let mut public = Draft::new(out.join(PUBLIC), 0o644)?;
    let pair = openpgp::generate(name, pin.as_deref(), SystemClock.now()).map_err(Error::Key)?;
    for (draft, text) in [(&mut secret, &*pair.secret), (&mut public, &pair.public)] {
        if let Err(source) = draft.write_all(text.as_bytes()) {
            return Err(Error::Write {
                path: draft.target.clone(),
                source,
            });
        }
    }
    let secret = secret.finish()?;
    let public = match public.finish() {
        Ok(public) => public,
        Err(error) => {
            // Ours, and of no use to anybody; the first error is the one to tell.
            let _removed = std::fs::remove_file(&secret);
            return Err(error);
        }
    };
    let made = Made {
        fingerprint: pair.fingerprint,
        secret,
        public,
        protected: pin.is_some(),
    };
    match key.json {
        true => print(&made.json()),
        false => print(&made.text()),
    }
}

/// What there is now.
struct Made {
    fingerprint: String,
    secret: PathBuf,
    public: PathBuf,
    protected: bool,
}

impl Made {
    fn text(&self) -> String {
        let protection = match self.protected {
            true => "under the passphrase",
            false => "NOT under a passphrase: whoever can read the file can use it",
        };
        format!(
            "fingerprint  {}\n\
             secret key   {} ({protection})\n\
             public key   {}\n\
             \n\
             For a node to sign its archives with it, in [archive.encryption] of node.toml:\n\
             {}\n\
             For a node to encrypt its archives for it:\n\
             {}\n",
            self.fingerprint,
            self.secret.display(),
            self.public.display(),
            self.signing(),
            self.recipients()
        )
    }

    fn json(&self) -> String {
        let document = json!({
            "fingerprint": self.fingerprint,
            "secret_key_file": self.secret.to_string_lossy(),
            "public_key_file": self.public.to_string_lossy(),
            "protected": self.protected,
            "configuration": { "signing": self.signing(), "recipients": self.recipients() },
        });
        format!("{document:#}\n")
    }

    fn signing(&self) -> String {
        format!("signing_key_file = {}", quoted(&self.secret))
    }

    fn recipients(&self) -> String {
        format!("default_recipients = [{}]", quoted(&self.public))
    }
}

/// As TOML has it.
fn quoted(path: &Path) -> String {
    toml::Value::from(path.to_string_lossy().into_owned()).to_string()
}

const SECRET: &str = "archive.secret.asc";
const PUBLIC: &str = "archive.public.asc";
