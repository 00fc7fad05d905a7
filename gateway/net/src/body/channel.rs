//! A body that is written while it is sent.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use super::Body;
use crate::Error;

/// A body that is written through its sender, with room for `capacity` chunks (at least one).
///
/// Dropping the sender without [`BodySender::end`] aborts the message: the peer sees it truncated,
/// never a false end.
#[must_use]
pub fn channel(capacity: usize) -> (BodySender, Body) {
    let (chunks, receiver) = mpsc::channel(capacity.max(1));
    let ended = Arc::new(AtomicBool::new(false));
    let body = ChannelBody {
        chunks: receiver,
        ended: Arc::clone(&ended),
        done: false,
    };
    (BodySender { chunks, ended }, body.boxed_unsync())
}

/// The writing end of [`channel`].
#[derive(Debug)]
pub struct BodySender {
    chunks: mpsc::Sender<Result<Bytes, Error>>,
    ended: Arc<AtomicBool>,
}

impl BodySender {
    /// Hands on one chunk; waits while the reader is behind.
    ///
    /// # Errors
    /// [`Error::BodyUnwanted`] when nobody reads any more.
    pub async fn send(&mut self, chunk: Bytes) -> Result<(), Error> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.chunks
            .send(Ok(chunk))
            .await
            .map_err(|_gone| Error::BodyUnwanted)
    }

    /// The body is whole.
    pub fn end(self) {
        // Set before the channel closes, so the reader that finds it closed sees it.
        self.ended.store(true, Ordering::Release);
    }

    /// Gives the body up for this reason: the message is truncated.
    pub async fn abort(self, reason: Error) {
        // A reader that is gone needs no reason.
        let _gone = self.chunks.send(Err(reason)).await;
    }
}

/// The reading end of [`channel`].
#[derive(Debug)]
struct ChannelBody {
    chunks: mpsc::Receiver<Result<Bytes, Error>>,
    ended: Arc<AtomicBool>,
    done: bool,
}

impl http_body::Body for ChannelBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let frame = match ready!(self.chunks.poll_recv(cx)) {
            Some(Ok(chunk)) => return Poll::Ready(Some(Ok(Frame::data(chunk)))),
            Some(Err(reason)) => Some(Err(reason)),
            None if self.ended.load(Ordering::Acquire) => None,
            None => Some(Err(Error::BodyAborted)),
        };
        self.done = true;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.done
    }
}
