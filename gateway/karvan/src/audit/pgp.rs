//! Encrypted archives, opened with the key of a recipient.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use gateway_asic::zip::Source;
use gateway_evidence::archive::openpgp::{self, Opened, Passphrase, PublicKey, SecretKey};

use super::unpacked::{Room, Unpacked};
use super::{Error, documents, file_error};
use crate::causes::with_causes;

/// OpenPGP keys, as they are given.
#[derive(Clone, Debug, Args)]
pub(crate) struct PgpArguments {
    /// The secret OpenPGP key of a recipient of encrypted archives.
    #[arg(long, value_name = "FILE")]
    pgp_key: Option<PathBuf>,
    /// The file with its passphrase.
    #[arg(long, value_name = "FILE", requires = "pgp_key")]
    pgp_pin_file: Option<PathBuf>,
    /// Public OpenPGP keys of which one has to have signed; without, the recipient's own. May be
    /// repeated.
    #[arg(long, value_name = "FILE", requires = "pgp_key")]
    pgp_signer: Vec<PathBuf>,
}

/// Who may read encrypted archives, and who has to have signed them.
pub(super) struct Pgp {
    key: SecretKey,
    signers: Vec<PublicKey>,
}

impl Pgp {
    /// `None`: there is no key.
    pub(super) fn of(arguments: &PgpArguments) -> Result<Option<Self>, Error> {
        let Some(key) = &arguments.pgp_key else {
            return Ok(None);
        };
        let passphrase = match &arguments.pgp_pin_file {
            None => None,
            Some(path) => {
                let mut text =
                    std::fs::read_to_string(path).map_err(|source| file_error(path, source))?;
                text.truncate(text.trim_end_matches(['\r', '\n']).len());
                Some(Passphrase::new(text))
            }
        };
        let unusable = |path: &Path, error: &openpgp::Error| {
            Error::Use(format!("{}: {}", path.display(), with_causes(error)))
        };
        let read = |path: &Path| std::fs::read(path).map_err(|source| file_error(path, source));
        let key =
            SecretKey::read(&read(key)?, passphrase).map_err(|error| unusable(key, &error))?;
        let mut signers = Vec::with_capacity(arguments.pgp_signer.len());
        for path in &arguments.pgp_signer {
            let signer = PublicKey::read(&read(path)?);
            signers.push(signer.map_err(|error| unusable(path, &error))?);
        }
        if signers.is_empty() {
            signers.push(key.public());
        }
        Ok(Some(Self { key, signers }))
    }

    /// Into a file without name. The inner error: why not.
    pub(super) fn decrypted(
        &self,
        path: &Path,
        room: Room,
    ) -> Result<Result<(Source, Opened), String>, Error> {
        let file = File::open(path).map_err(|source| file_error(path, source))?;
        let mut plain = Unpacked::new(documents::temporary()?, room);
        let opened = openpgp::decrypt(BufReader::new(file), &mut plain, &self.key, &self.signers);
        let plain = match plain.finish()? {
            Ok(plain) => plain,
            Err(reason) => return Ok(Err(reason)),
        };
        match opened {
            Ok(opened) => Ok(Ok((documents::rewound(plain)?, opened))),
            Err(error) => Ok(Err(with_causes(&error))),
        }
    }
}
