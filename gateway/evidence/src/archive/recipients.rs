//! For whom archives and downloads are encrypted.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use gateway_proto::id::MemberId;
use jiff::Timestamp;

use super::openpgp::{self, PublicKey, SecretKey};

/// Who signs, and who may read.
#[derive(Clone, Debug)]
pub struct Encryption {
    /// The server's own key.
    pub signer: SecretKey,
    /// Recipients where no others are named. None: the server itself, as with deployed servers.
    pub default: Vec<PublicKey>,
    /// The recipients of members' archives.
    pub members: BTreeMap<MemberId, Vec<PublicKey>>,
}

/// What one file, or one download, is encrypted with.
#[derive(Clone, Debug)]
pub struct Envelope {
    signer: SecretKey,
    recipients: Vec<PublicKey>,
    now: Timestamp,
}

impl Encryption {
    /// The recipients for a member; grouping by subsystem uses the member's, too. `None`: archives
    /// are not grouped.
    ///
    /// # Errors
    /// A key that is needed may not be used now.
    pub fn for_member(
        &self,
        member: Option<&MemberId>,
        now: Timestamp,
    ) -> Result<Envelope, openpgp::Error> {
        let named = member
            .and_then(|member| self.members.get(member))
            .filter(|named| !named.is_empty())
            .unwrap_or(&self.default);
        let recipients = match named.is_empty() {
            true => vec![self.signer.public()],
            false => named.clone(),
        };
        self.signer.check_signs(now)?;
        for recipient in &recipients {
            recipient.check_encrypts(now)?;
        }
        Ok(Envelope {
            signer: self.signer.clone(),
            recipients,
            now,
        })
    }

    /// Every key may be used now.
    ///
    /// # Errors
    /// The first that may not.
    pub fn check(&self, now: Timestamp) -> Result<(), openpgp::Error> {
        self.for_member(None, now)?;
        for member in self.members.keys() {
            self.for_member(Some(member), now)?;
        }
        Ok(())
    }
}

impl Envelope {
    /// Signs and encrypts all of `source`; blocks.
    ///
    /// # Errors
    /// As [`openpgp::encrypt`].
    pub fn seal<R: Read, W: Write>(&self, source: R, out: W) -> Result<u64, openpgp::Error> {
        openpgp::encrypt(source, out, &self.recipients, &self.signer, self.now)
    }
}
