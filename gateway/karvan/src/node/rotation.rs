//! Background task: the log begins another segment each day (UTC). Retention erases whole segments,
//! so without this a quiet log would keep everything.

use std::sync::Arc;
use std::time::Duration;

use gateway_exchange::Clock;
use gateway_messagelog::MessageLog;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::service::Stop;

/// The day of the open segment.
#[derive(Debug)]
struct Rotation {
    log: MessageLog,
    day: Date,
}

/// Looks every minute until told to stop.
pub(super) async fn run(log: MessageLog, clock: Arc<dyn Clock>, mut stop: Stop) {
    // While the index is being made, this takes as long.
    let mut rotation = tokio::select! {
        rotation = Rotation::new(log, clock.now()) => rotation,
        () = stop.clone().wait() => return,
    };
    loop {
        if let Err(error) = rotation.once(clock.now()).await {
            tracing::warn!("the log's segment was not closed: {error}");
        }
        if !stop.sleep(INTERVAL).await {
            return;
        }
    }
}

impl Rotation {
    /// What an earlier run wrote last tells which day its segment is of: had it begun on the day
    /// before, that run would have closed it at midnight.
    async fn new(log: MessageLog, now: Timestamp) -> Self {
        let last = log.get(log.last_ordinal()).await;
        let time = last.map_or(now, |logged| logged.entry.time());
        Self {
            log,
            day: date(time),
        }
    }

    async fn once(&mut self, now: Timestamp) -> Result<(), gateway_messagelog::Error> {
        let today = date(now);
        if today != self.day {
            self.log.rotate().await?;
            self.day = today;
        }
        Ok(())
    }
}

fn date(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

const INTERVAL: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use gateway_messagelog::{MessageLog, Options, Protocol, Refusal, Side};
    use jiff::Timestamp;

    use super::Rotation;

    const MIDNIGHT: i64 = 1_893_456_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn segments(dir: &Path) -> usize {
        std::fs::read_dir(dir.join("segments")).unwrap().count()
    }

    async fn log_something(log: &MessageLog, second: i64) {
        let before = log.refusal_counts().stored;
        log.note_refusal(Refusal {
            time: at(second),
            side: Side::Consumer,
            protocol: Protocol::Rest,
            client: None,
            service: None,
            message_id: None,
            peer: None,
            code: "x".to_owned(),
            reason: "x".to_owned(),
            fault_id: String::new(),
        });
        let stored = async {
            while log.refusal_counts().stored == before {
                tokio::task::yield_now().await;
            }
        };
        let patience = Duration::from_secs(20);
        tokio::time::timeout(patience, stored).await.unwrap();
    }

    #[tokio::test]
    async fn closes_the_segment_at_midnight_also_when_it_was_down_then() {
        let dir = tempfile::tempdir().unwrap();
        let log = MessageLog::open(dir.path(), Options::default()).unwrap();
        let before = segments(dir.path());
        let mut rotation = Rotation::new(log.clone(), at(MIDNIGHT - 2)).await;
        log_something(&log, MIDNIGHT - 1).await;
        rotation.once(at(MIDNIGHT - 1)).await.unwrap();
        assert_eq!(segments(dir.path()), before);
        rotation.once(at(MIDNIGHT)).await.unwrap();
        log_something(&log, MIDNIGHT + 10).await;
        rotation.once(at(MIDNIGHT + 10)).await.unwrap();
        assert_eq!(segments(dir.path()), before + 1);

        // Another run, on the next day.
        let mut rotation = Rotation::new(log.clone(), at(MIDNIGHT + 90_000)).await;
        rotation.once(at(MIDNIGHT + 90_000)).await.unwrap();
        log_something(&log, MIDNIGHT + 90_000).await;
        assert_eq!(segments(dir.path()), before + 2);
        // And one of the same day.
        let mut rotation = Rotation::new(log.clone(), at(MIDNIGHT + 90_001)).await;
        rotation.once(at(MIDNIGHT + 90_001)).await.unwrap();
        assert_eq!(segments(dir.path()), before + 2);
    }

    #[tokio::test]
    async fn a_clock_that_steps_over_midnight_and_back_closes_only_what_holds_something() {
        let dir = tempfile::tempdir().unwrap();
        let log = MessageLog::open(dir.path(), Options::default()).unwrap();
        let before = segments(dir.path());
        let mut rotation = Rotation::new(log.clone(), at(MIDNIGHT - 2)).await;
        log_something(&log, MIDNIGHT - 2).await;
        for step in [1, -1, 86_400, -86_400] {
            rotation.once(at(MIDNIGHT + step)).await.unwrap();
            assert_eq!(segments(dir.path()), before + 1, "{step}");
        }
        // A run that begins before the last record.
        log_something(&log, MIDNIGHT + 10).await;
        drop((rotation, log));
        let log = MessageLog::open(dir.path(), Options::default()).unwrap();
        let mut rotation = Rotation::new(log.clone(), at(MIDNIGHT - 86_000)).await;
        rotation.once(at(MIDNIGHT - 86_000)).await.unwrap();
        log_something(&log, MIDNIGHT - 86_000).await;
        rotation.once(at(MIDNIGHT - 85_000)).await.unwrap();
        assert_eq!(segments(dir.path()), before + 2);
        for ordinal in 1..=3 {
            log.get(ordinal).await.unwrap();
        }
    }
}
