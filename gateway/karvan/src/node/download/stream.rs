//! Files written while they are sent, in constant memory.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufWriter, Read, Write};
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use gateway_evidence::archive::Envelope;
use gateway_net::{Body, BodySender};
use http::StatusCode;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Refused;

/// How many downloads may run at once: each holds a thread as long as its reader takes.
#[derive(Debug)]
pub(super) struct Slots {
    downloads: Arc<Semaphore>,
    shares: Shares,
    searches: Arc<Semaphore>,
}

/// A turn to search the log: kept until the search is over, also when nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

/// A place to run in.
#[derive(Debug)]
pub(super) struct Slot {
    #[expect(dead_code, reason = "held")]
    place: OwnedSemaphorePermit,
    #[expect(dead_code, reason = "held")]
    share: Share,
}

/// How many downloads each address has: one that reads slowly leaves places for others.
#[derive(Clone, Debug, Default)]
struct Shares(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One download of an address.
#[derive(Debug)]
struct Share {
    shares: Shares,
    address: IpAddr,
}

/// How much longer a reader may keep its writer waiting. What it reads earns it more.
#[derive(Debug)]
struct Patience(Duration);

/// Sends what is written to it as the body of a response.
struct BodyWriter {
    sender: BodySender,
    runtime: Handle,
    patience: Patience,
}

/// Hands what is written to a reader on another thread.
struct PipeWriter(SyncSender<Piece>);

/// The other end. A writer that went away without an end leaves an error, never half a file.
struct PipeReader {
    pieces: Receiver<Piece>,
    piece: Bytes,
    ended: bool,
}

enum Piece {
    Bytes(Bytes),
    End,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            downloads: Arc::new(Semaphore::new(DOWNLOADS_MAX)),
            shares: Shares::default(),
            searches: Arc::new(Semaphore::new(SEARCHES_MAX)),
        }
    }

    /// Waits in line to search the log: whoever asks much leaves threads for the exchanges.
    pub(super) async fn turn(&self) -> Option<Turn> {
        let turn = Arc::clone(&self.searches).acquire_owned().await;
        // It is never closed.
        turn.ok().map(Turn)
    }

    /// A place for a download to this address, if there is one.
    pub(super) fn take(&self, address: IpAddr) -> Result<Slot, Refused> {
        let share = self.shares.take(address);
        let place = Arc::clone(&self.downloads).try_acquire_owned().ok();
        match (place, share) {
            (Some(place), Some(share)) => Ok(Slot { place, share }),
            (None, _) | (_, None) => Err(Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many downloads at once; try again shortly",
            )),
        }
    }
}

impl Shares {
    fn take(&self, address: IpAddr) -> Option<Share> {
        let mut shares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = shares.entry(address).or_default();
        if *taken >= DOWNLOADS_PER_ADDRESS_MAX {
            return None;
        }
        *taken = taken.saturating_add(1);
        Some(Share {
            shares: self.clone(),
            address,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let shares = &self.shares.0;
        let mut shares = shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = shares.get_mut(&self.address) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                shares.remove(&self.address);
            }
        }
    }
}

impl Patience {
    /// It waited so long, and so many octets were taken then.
    fn waited(&mut self, time: Duration, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let earned = Duration::from_millis(bytes.saturating_mul(1000) / BYTES_PER_SECOND_MIN);
        let left = self.0.saturating_sub(time).saturating_add(earned);
        self.0 = left.min(STALL_MAX);
    }
}

impl Slot {
    /// The body that `write` writes, away from the executor; in an envelope when there is one. What
    /// it fails at is logged and cuts the body off: a reader never takes half a file for a whole one.
    pub(super) fn body<E, F>(self, envelope: Option<Envelope>, write: F) -> Body
    where
        E: std::error::Error + Send + Sync + 'static,
        F: FnOnce(&mut dyn Write) -> Result<(), E> + Send + 'static,
    {
        let (sender, body) = gateway_net::channel(CHUNKS_MAX);
        let runtime = Handle::current();
        let out = BodyWriter {
            sender,
            runtime,
            patience: Patience(STALL_MAX),
        };
        let mut out = BufWriter::with_capacity(CHUNK_BYTES, out);
        tokio::task::spawn_blocking(move || {
            let _slot = self;
            let written = match envelope {
                None => write(&mut out).map_err(|error| report(&error)),
                Some(envelope) => sealed(&envelope, write, &mut out),
            };
            if let (Ok(()), Ok(out)) = (written, out.into_inner()) {
                out.sender.end();
            }
        });
        body
    }
}

/// Two threads: one writes the file, this one seals it.
fn sealed<E, F>(envelope: &Envelope, write: F, out: &mut impl Write) -> Result<(), ()>
where
    E: std::error::Error + Send + Sync + 'static,
    F: FnOnce(&mut dyn Write) -> Result<(), E> + Send + 'static,
{
    let (sender, pieces) = sync_channel(CHUNKS_MAX);
    let mut pipe = BufWriter::with_capacity(CHUNK_BYTES, PipeWriter(sender));
    // Detached: when the reader goes away, the next piece that is handed on ends it.
    tokio::task::spawn_blocking(move || {
        let written = write(&mut pipe).map_err(|error| report(&error));
        if let (Ok(()), Ok(pipe)) = (written, pipe.into_inner()) {
            let _reader_gone = pipe.0.send(Piece::End);
        }
    });
    let reader = PipeReader {
        pieces,
        piece: Bytes::new(),
        ended: false,
    };
    let sealed = envelope.seal(reader, out);
    sealed.map(drop).map_err(|error| report(&error))
}

fn report(error: &dyn std::error::Error) {
    super::report("it is cut off", error);
}

impl Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = Bytes::copy_from_slice(bytes);
        let (begun, patience) = (Instant::now(), self.patience.0);
        let sending = async { tokio::time::timeout(patience, self.sender.send(chunk)).await };
        match self.runtime.block_on(sending) {
            Ok(Ok(())) => {
                self.patience.waited(begun.elapsed(), bytes.len());
                Ok(bytes.len())
            }
            Ok(Err(gone)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, gone)),
            Err(stalled) => Err(io::Error::new(io::ErrorKind::TimedOut, stalled)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Piece::Bytes(Bytes::copy_from_slice(bytes));
        match self.0.send(piece) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.pieces.recv() {
                Ok(Piece::Bytes(piece)) => self.piece = piece,
                Ok(Piece::End) => self.ended = true,
                Err(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let length = buffer.len().min(self.piece.len());
        if let Some(filled) = buffer.get_mut(..length) {
            self.piece.copy_to_slice(filled);
        }
        Ok(length)
    }
}

impl fmt::Debug for BodyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyWriter").finish_non_exhaustive()
    }
}

/// A reader that takes nothing for so long is given up: its thread is wanted.
const STALL_MAX: Duration = Duration::from_secs(60);
/// So is one that goes on taking less than this, after so long.
const BYTES_PER_SECOND_MIN: u64 = 16 << 10;
const DOWNLOADS_MAX: usize = 32;
const DOWNLOADS_PER_ADDRESS_MAX: usize = 16;
const SEARCHES_MAX: usize = 8;
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks on their way.
const CHUNKS_MAX: usize = 4;

#[cfg(test)]
mod tests;
