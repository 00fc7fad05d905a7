//! One signer a key: takes whatever is queued and signs once.
//!
//! While a signature is being made others queue up; the next round takes them all, at most
//! `BATCH_MAX`, and makes one signature over a hash chain. With an empty queue a message is signed
//! at once: latency is never traded for batching. Private-key work runs on the signer's own thread,
//! so an RSA signature does not hold up the executor.

use std::sync::Arc;

use arc_swap::ArcSwap;
use gateway_seal::{Parts, Seal, SigningContext};
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

/// Why there is no signature.
#[derive(Debug)]
pub enum Error {
    /// Too many messages wait to be signed.
    Overloaded,
    /// The signer's thread has ended.
    Stopped,
    /// The key or the template refused. Shared by a whole batch.
    Seal(Arc<gateway_seal::Error>),
}

/// A handle on the signer of one key. The thread ends with the last handle.
#[derive(Debug)]
pub struct Signer {
    context: Arc<ArcSwap<SigningContext>>,
    queue: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    parts: Parts,
    now: Timestamp,
    done: oneshot::Sender<Result<Seal, Error>>,
}

impl Signer {
    /// Starts the signer of this key.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(context: SigningContext) -> std::io::Result<Self> {
        let context = Arc::new(ArcSwap::from_pointee(context));
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let signing = Arc::clone(&context);
        std::thread::Builder::new()
            .name("signer".to_owned())
            .spawn(move || run(&signing, jobs))?;
        Ok(Self { context, queue })
    }

    /// Certificate, chain and OCSP responses as of now.
    #[must_use]
    pub fn context(&self) -> Arc<SigningContext> {
        self.context.load_full()
    }

    /// New OCSP responses or a new certificate for the same member; from the next round on.
    pub fn replace(&self, context: SigningContext) {
        self.context.store(Arc::new(context));
    }

    /// How many messages wait for the next round.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let queue = &self.queue;
        queue.max_capacity().saturating_sub(queue.capacity())
    }

    /// Signs one message, with others if others wait.
    ///
    /// # Errors
    /// When the queue is full, the signer has stopped, or the key refuses.
    pub async fn sign(&self, parts: Parts, now: Timestamp) -> Result<Seal, Error> {
        let (done, sealed) = oneshot::channel();
        self.queue
            .try_send(Job { parts, now, done })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Error::Overloaded,
                mpsc::error::TrySendError::Closed(_) => Error::Stopped,
            })?;
        sealed.await.map_err(|_| Error::Stopped)?
    }
}

fn run(context: &ArcSwap<SigningContext>, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while jobs.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
        // The asker may have gone away while waiting.
        batch.retain(|job| !job.done.is_closed());
        let Some(first) = batch.first() else { continue };
        let now = first.now;
        let parts: Vec<Parts> = batch.iter().map(|job| job.parts.clone()).collect();
        match gateway_seal::sign(&context.load(), &parts, now) {
            Ok(seals) => {
                for (job, seal) in batch.drain(..).zip(seals) {
                    let _gone = job.done.send(Ok(seal));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for job in batch.drain(..) {
                    let _gone = job.done.send(Err(Error::Seal(Arc::clone(&error))));
                }
            }
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Overloaded => "too many messages are waiting to be signed",
            Self::Stopped => "the signer has stopped",
            Self::Seal(_) => "the signature could not be made",
        })
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Seal(error) => Some(error.as_ref()),
            Self::Overloaded | Self::Stopped => None,
        }
    }
}

/// Messages that share one signature at most; bounds the chain a verifier walks.
const BATCH_MAX: usize = 32;
/// Messages that may wait for one key.
const QUEUE_MAX: usize = 4096;
