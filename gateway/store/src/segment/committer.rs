//! The queue of a log and the one thread that commits.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::format::{self, DurableEnd, Hash};
use super::writer::Writer;
use super::{Committed, Observer, Options, Position};
use crate::Error;

/// Is told what became of a record.
pub(super) type Done = Box<dyn FnOnce(Result<Position, Error>) + Send>;

/// Is told whether the open segment was closed.
pub(super) type Rotated = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// The committing thread and the way to it. Dropping it commits what waits and ends the thread.
pub(super) struct Committer {
    shared: Arc<Shared>,
    room: Arc<Semaphore>,
    room_max: u32,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Something came into the queue, or it was closed.
    arrived: Condvar,
    /// Written by the committing thread only.
    end: Mutex<DurableEnd>,
}

struct Queue {
    waiting: VecDeque<Pending>,
    /// Who wants the open segment closed before what waits is committed.
    rotations: Vec<Rotated>,
    closed: bool,
}

struct Pending {
    payload: Bytes,
    digest: Hash,
    done: Done,
    /// Its room in the queue, given back when it is answered.
    _room: OwnedSemaphorePermit,
}

impl Committer {
    pub(super) fn start(
        writer: Writer,
        observer: Observer,
        options: &Options,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                rotations: Vec::new(),
                closed: false,
            }),
            arrived: Condvar::new(),
            end: Mutex::new(writer.end()),
        });
        let linger_max = options.linger_max;
        let thread = std::thread::Builder::new()
            .name("log-committer".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || {
                    Committing {
                        shared,
                        writer,
                        observer,
                        linger_max,
                        crowd: 1,
                    }
                    .run()
                }
            })
            .map_err(|source| {
                Error::io("start a thread for", std::path::Path::new("log"), source)
            })?;
        let room_max = u32::try_from(options.queue_max).unwrap_or(u32::MAX).max(1);
        // The semaphore has its own, lower bound of permits on small machines.
        let room_max = room_max.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        let permits = usize::try_from(room_max).unwrap_or(Semaphore::MAX_PERMITS);
        Ok(Self {
            shared,
            room: Arc::new(Semaphore::new(permits)),
            room_max,
            thread: Some(thread),
        })
    }

    /// Waits for room, then queues.
    pub(super) async fn push(&self, payload: Bytes, done: Done) -> Result<(), Error> {
        let room = Arc::clone(&self.room)
            .acquire_many_owned(self.room_of(&payload))
            .await
            .map_err(|_| Error::Closed)?;
        self.enqueue(payload, done, room)
    }

    /// Queues if there is room.
    pub(super) fn try_push(&self, payload: Bytes, done: Done) -> Result<(), Error> {
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(self.room_of(&payload))
            .map_err(|_| Error::QueueFull)?;
        self.enqueue(payload, done, room)
    }

    /// Has the open segment closed.
    pub(super) fn rotate(&self, done: Rotated) -> Result<(), Error> {
        let mut queue = self.shared.queue();
        if queue.closed {
            return Err(Error::Closed);
        }
        queue.rotations.push(done);
        drop(queue);
        self.shared.arrived.notify_one();
        Ok(())
    }

    pub(super) fn durable_end(&self) -> DurableEnd {
        *self
            .shared
            .end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, payload: Bytes, done: Done, room: OwnedSemaphorePermit) -> Result<(), Error> {
        // Hashed by whoever brings the record: the committer's time is everybody's.
        let digest = format::payload_digest(&payload);
        let mut queue = self.shared.queue();
        if queue.closed {
            return Err(Error::Closed);
        }
        queue.waiting.push_back(Pending {
            payload,
            digest,
            done,
            _room: room,
        });
        drop(queue);
        self.shared.arrived.notify_one();
        Ok(())
    }

    fn room_of(&self, payload: &Bytes) -> u32 {
        let units = payload.len().div_ceil(ROOM_BYTES).max(1);
        u32::try_from(units).unwrap_or(u32::MAX).min(self.room_max)
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.arrived.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the committer of the log had panicked");
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of the committing thread.
struct Committing {
    shared: Arc<Shared>,
    writer: Writer,
    observer: Observer,
    linger_max: Duration,
    /// How many were seen waiting at once lately.
    crowd: usize,
}

impl Committing {
    fn run(mut self) {
        // Also when something panics: nobody must wait for an answer that will not come.
        let _closing = Closing(Arc::clone(&self.shared));
        while let Some((rotations, batch)) = self.next() {
            self.rotate(rotations);
            if !batch.is_empty() {
                self.commit(batch);
            }
        }
        self.writer.close();
    }

    /// What waits, after lingering a little where there is company; `None`: closed and empty.
    fn next(&mut self) -> Option<(Vec<Rotated>, Vec<Pending>)> {
        let shared = Arc::clone(&self.shared);
        let mut queue = shared.queue();
        queue = shared
            .arrived
            .wait_while(queue, |queue| {
                queue.waiting.is_empty() && queue.rotations.is_empty() && !queue.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        if self.crowd > 1 && !self.linger_max.is_zero() {
            let crowd = self.crowd;
            let waited = shared
                .arrived
                .wait_timeout_while(queue, self.linger_max, |queue| {
                    queue.waiting.len() < crowd && queue.rotations.is_empty() && !queue.closed
                });
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut bytes = 0_usize;
        let count = queue
            .waiting
            .iter()
            .take_while(|pending| {
                let fits = bytes < BATCH_BYTES_MAX;
                bytes = bytes.saturating_add(pending.payload.len());
                fits
            })
            .count();
        let rotations = std::mem::take(&mut queue.rotations);
        let batch: Vec<_> = queue.waiting.drain(..count).collect();
        (!rotations.is_empty() || !batch.is_empty()).then_some((rotations, batch))
    }

    fn rotate(&mut self, rotations: Vec<Rotated>) {
        if rotations.is_empty() {
            return;
        }
        let result = self.writer.close_segment();
        self.tell_end();
        if let Err(error) = &result {
            tracing::error!(error = %chain(error), "the log cannot begin another segment");
        }
        for done in rotations {
            done(result.clone());
        }
    }

    fn tell_end(&self) {
        self.shared
            .end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&self.writer.end());
    }

    fn commit(&mut self, batch: Vec<Pending>) {
        let records = batch
            .iter()
            .map(|pending| (&pending.payload, &pending.digest));
        let result = self.writer.commit(records);
        self.tell_end();
        let count = batch.len();
        match result {
            Ok(positions) => {
                let told: Vec<_> = positions
                    .iter()
                    .zip(&batch)
                    .map(|(position, pending)| Committed {
                        position: *position,
                        payload: pending.payload.clone(),
                        digest: pending.digest,
                    })
                    .collect();
                (self.observer)(&told);
                for (pending, position) in batch.into_iter().zip(positions) {
                    (pending.done)(Ok(position));
                }
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), records = count, "the log refused records");
                let error = Arc::new(error);
                for pending in batch {
                    (pending.done)(Err(Error::NotWritten {
                        source: Arc::clone(&error),
                    }));
                }
            }
        }
        let seen = count.saturating_add(self.shared.queue().waiting.len());
        let faded = self.crowd.saturating_sub((self.crowd / 8).max(1)).max(1);
        self.crowd = seen.min(CROWD_MAX).max(faded);
    }
}

/// An error and what caused it, on one line.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

struct Closing(Arc<Shared>);

impl Drop for Closing {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.closed = true;
        // Answers are dropped with their records: whoever waits learns that the log is closed.
        let left = std::mem::take(&mut queue.waiting);
        let rotations = std::mem::take(&mut queue.rotations);
        drop(queue);
        drop((left, rotations));
    }
}

/// What one unit of room in the queue holds.
const ROOM_BYTES: usize = 16 << 10;
/// A batch that has reached this is committed.
const BATCH_BYTES_MAX: usize = 8 << 20;
const CROWD_MAX: usize = 1024;
