//! Notices of break-glass uses: kept until somebody of the supervisor looked into them.

use std::ops::Bound;

use gateway_policy::json;
use gateway_store::tree::{ReadTx, WriteTx};
use jiff::Timestamp;

use crate::answer::{Answer, Counts, KeptNotice, Noticed, Notices, Reviewed};
use crate::request::{FindNotices, Notice, Review, Verdict};
use crate::trees::{self, DESK, NOTICE_NAMES, NOTICES, REVIEWED, UNREVIEWED};
use crate::{Caller, Desk, Error, Refusal, Settings, bounds};

impl Desk {
    /// Keeps a notice. The same one again is known: a node reports until it is answered. It is the
    /// same when all of it is: a message id alone may be used twice, and must not hide the second
    /// use.
    pub(crate) fn notify(
        &self,
        caller: &Caller,
        notice: Notice,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        check(caller, &notice)?;
        let notice = bounded(notice);
        let name = self.notice_name(caller, &notice)?;
        let noticed = self.store.try_write(|tx| {
            if let Some(stored) = tx.get(NOTICE_NAMES, name)? {
                return Ok::<_, Error>(Noticed {
                    id: trees::number(&stored, NOTICE_NAMES)?,
                    known: true,
                });
            }
            let mut counts = read_counts(tx)?;
            counts.total = counts.total.saturating_add(1);
            counts.unreviewed = counts.unreviewed.saturating_add(1);
            let kept = KeptNotice {
                id: counts.total,
                reporter: caller.client.clone(),
                received_at: now,
                notice,
                review: None,
            };
            self.put_notice(tx, &kept)?;
            tx.put(NOTICE_NAMES, name, kept.id.to_be_bytes())?;
            tx.put(UNREVIEWED, kept.id.to_be_bytes(), [])?;
            put_counts(tx, counts)?;
            Ok(Noticed {
                id: kept.id,
                known: false,
            })
        })?;
        tracing::info!(
            notice = noticed.id,
            known = noticed.known,
            "break-glass use reported"
        );
        Ok(Answer::Noticed(noticed))
    }

    /// Notices behind a number.
    pub(crate) fn find_notices(
        &self,
        caller: &Caller,
        find: FindNotices,
        settings: &Settings<'_>,
    ) -> Result<Answer, Refusal> {
        check_supervisor(caller, settings)?;
        let max = bounds::page(find.max)?;
        let after = find.after.unwrap_or(0).to_be_bytes();
        let tree = match find.unreviewed {
            true => UNREVIEWED,
            false => NOTICES,
        };
        let (notices, more) = self.store.try_read(|tx| {
            let mut notices = Vec::new();
            let behind = (Bound::Excluded(after.as_slice()), Bound::Unbounded);
            for pair in tx.range(tree, behind)?.take(max.saturating_add(1)) {
                let (key, _) = pair?;
                notices.push(self.notice(tx, &key)?);
            }
            let more = notices.len() > max;
            notices.truncate(max);
            Ok::<_, Error>((notices, more))
        })?;
        let next = notices.last().filter(|_| more).map(|notice| notice.id);
        Ok(Answer::Notices(Notices { notices, next }))
    }

    /// Says what a use was, once.
    pub(crate) fn review(
        &self,
        caller: &Caller,
        review: &Review,
        settings: &Settings<'_>,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        check_supervisor(caller, settings)?;
        bounds::prose("note", &review.note)?;
        let key = review.id.to_be_bytes();
        let kept = self.store.try_write(|tx| {
            let stored = tx.get(NOTICES, key)?.ok_or(Refusal::NoticeUnknown)?;
            let mut kept: KeptNotice = self.vault.get(NOTICES, &key, &stored)?;
            if kept.review.is_some() {
                return Err(Refusal::ReviewedBefore);
            }
            kept.review = Some(Reviewed {
                verdict: review.verdict,
                note: review.note.clone(),
                at: now,
                by: caller.client.clone(),
                user: caller.user.clone(),
            });
            let mut counts = read_counts(tx)?;
            counts.unreviewed = counts.unreviewed.saturating_sub(1);
            if review.verdict == Verdict::Abuse {
                counts.abuse = counts.abuse.saturating_add(1);
            }
            self.put_notice(tx, &kept)?;
            tx.delete(UNREVIEWED, key)?;
            tx.put(REVIEWED, [trees::second(now), key].concat(), [])?;
            put_counts(tx, counts)?;
            Ok(kept)
        })?;
        tracing::info!(notice = kept.id, "break-glass use reviewed");
        Ok(Answer::Reviewed(Box::new(kept)))
    }

    /// How many there are.
    pub(crate) fn count_notices(
        &self,
        caller: &Caller,
        settings: &Settings<'_>,
    ) -> Result<Answer, Refusal> {
        check_supervisor(caller, settings)?;
        let counts = self
            .store
            .try_read(|tx| counts(tx.get(DESK, COUNTS)?.as_deref()))?;
        Ok(Answer::Counts(counts))
    }

    /// Forgets a notice that was reviewed.
    pub(crate) fn forget_notice(&self, tx: &WriteTx<'_>, key: &[u8]) -> Result<(), Error> {
        let Some(stored) = tx.get(NOTICES, key)? else {
            return Ok(());
        };
        let kept: KeptNotice = self.vault.get(NOTICES, key, &stored)?;
        let name = self.name_of(&kept.reporter.to_rest(), &kept.notice)?;
        tx.delete(NOTICE_NAMES, name)?;
        tx.delete(NOTICES, key)?;
        Ok(())
    }

    fn notice(&self, tx: &ReadTx, key: &[u8]) -> Result<KeptNotice, Error> {
        let stored = tx.get(NOTICES, key)?.ok_or(Error::Row {
            tree: NOTICES.name(),
        })?;
        self.vault.get(NOTICES, key, &stored)
    }

    fn put_notice(&self, tx: &WriteTx<'_>, kept: &KeptNotice) -> Result<(), Error> {
        let key = kept.id.to_be_bytes();
        tx.put(NOTICES, key, self.vault.put(NOTICES, &key, kept)?)?;
        Ok(())
    }

    fn notice_name(&self, caller: &Caller, notice: &Notice) -> Result<[u8; 16], Error> {
        self.name_of(&caller.client.to_rest(), notice)
    }

    fn name_of(&self, reporter: &str, notice: &Notice) -> Result<[u8; 16], Error> {
        let notice = json::canonical_of(notice).map_err(|_| Error::Row {
            tree: NOTICE_NAMES.name(),
        })?;
        Ok(self
            .vault
            .name_of(&[reporter.as_bytes(), b"\n", &notice].concat()))
    }
}

fn check_supervisor(caller: &Caller, settings: &Settings<'_>) -> Result<(), Refusal> {
    match settings.supervisors.contains(&caller.client) {
        true => Ok(()),
        false => Err(Refusal::NotSupervisor),
    }
}

/// A member reports uses of its own services only. Who asked and what for was verified by its node, so
/// no identifier of a true notice is longer than any that is registered.
fn check(caller: &Caller, notice: &Notice) -> Result<(), Refusal> {
    let identifiers = [
        ("consumer", notice.consumer.to_rest()),
        ("service", notice.service.to_rest()),
    ];
    for (field, identifier) in identifiers {
        if identifier.len() > IDENTIFIER_BYTES_MAX {
            return Err(Refusal::Field {
                field,
                takes: "an identifier of 8192 bytes at most, percent-encoded",
            });
        }
    }
    match notice.service.provider().member() == caller.client.member() {
        true => Ok(()),
        false => Err(Refusal::NotProvider),
    }
}

/// What stands in a notice was written by whoever broke the glass. Nothing of it may keep the notice
/// from being taken: what is too long is cut.
fn bounded(mut notice: Notice) -> Notice {
    cut(&mut notice.message_id);
    cut(&mut notice.rule);
    cut(&mut notice.reason);
    for text in [&mut notice.user, &mut notice.purpose, &mut notice.case] {
        text.as_mut().map(cut);
    }
    notice
}

fn cut(text: &mut String) {
    let kept = text.floor_char_boundary(FIELD_BYTES_MAX);
    text.truncate(kept);
}

fn read_counts(tx: &WriteTx<'_>) -> Result<Counts, Error> {
    counts(tx.get(DESK, COUNTS)?.as_deref())
}

fn put_counts(tx: &WriteTx<'_>, counts: Counts) -> Result<(), Error> {
    let stored = serde_json::to_vec(&counts).map_err(|_| Error::Row { tree: DESK.name() })?;
    tx.put(DESK, COUNTS, stored)?;
    Ok(())
}

fn counts(stored: Option<&[u8]>) -> Result<Counts, Error> {
    match stored {
        Some(stored) => {
            serde_json::from_slice(stored).map_err(|_| Error::Row { tree: DESK.name() })
        }
        None => Ok(Counts::default()),
    }
}

const COUNTS: &str = "counts";
const IDENTIFIER_BYTES_MAX: usize = 8192;
/// So much of each field of a notice is kept.
const FIELD_BYTES_MAX: usize = 4096;
