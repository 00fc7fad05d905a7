//! Bodies: read under a limit, kept, written out again. Nothing whole in memory above a threshold.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use gateway_messagelog::{Content, ContentReader, Spool};
use gateway_net::Body;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;

use crate::error::Error;

/// A stretch of an outgoing body.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Bytes at hand.
    Bytes(Bytes),
    /// A kept body or attachment.
    Content(Content),
}

/// Reads a body whole.
///
/// # Errors
/// When it is longer than `bytes_max`, or breaks off.
pub async fn collect(mut body: Body, bytes_max: usize) -> Result<Bytes, Error> {
    let mut first: Option<Bytes> = None;
    let mut more: Option<BytesMut> = None;
    let mut length = 0_usize;
    while let Some(chunk) = next_chunk(&mut body).await? {
        length = length.saturating_add(chunk.len());
        if length > bytes_max {
            return Err(too_large(bytes_max));
        }
        match (&mut more, &mut first) {
            (Some(buffer), _) => buffer.extend_from_slice(&chunk),
            (None, Some(head)) => {
                let mut buffer = BytesMut::with_capacity(length.saturating_mul(2));
                buffer.extend_from_slice(head);
                buffer.extend_from_slice(&chunk);
                more = Some(buffer);
            }
            (None, slot) => *slot = Some(chunk),
        }
    }
    Ok(more.map(BytesMut::freeze).or(first).unwrap_or_default())
}

/// Keeps a body of any length. `None` when it has no byte.
///
/// # Errors
/// When it is longer than the log allows, breaks off, or cannot be kept.
pub async fn keep(mut body: Body, mut spool: Spool) -> Result<Option<Content>, Error> {
    let mut any = false;
    while let Some(chunk) = next_chunk(&mut body).await? {
        any = true;
        spool.write(chunk).await.map_err(Error::kept)?;
    }
    if !any {
        return Ok(None);
    }
    spool.finish().await.map(Some).map_err(Error::kept)
}

/// The next non-empty data of a body; trailers are passed over.
pub(crate) async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, Error> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Error::Body)?;
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// The body made of these pieces, of known length, copied nowhere.
#[must_use]
pub fn body(pieces: Vec<Piece>) -> Body {
    let length = pieces
        .iter()
        .map(Piece::len)
        .fold(0_u64, u64::saturating_add);
    Pieces {
        pieces: pieces.into(),
        length,
        reading: Reading::Nothing,
    }
    .boxed_unsync()
}

/// Holds the length of what is in memory against its bound.
pub(crate) fn check_length(bytes: &[u8], bytes_max: usize) -> Result<(), Error> {
    match bytes.len() <= bytes_max {
        true => Ok(()),
        false => Err(too_large(bytes_max)),
    }
}

fn too_large(bytes_max: usize) -> Error {
    Error::TooLarge {
        bytes_max: u64::try_from(bytes_max).unwrap_or(u64::MAX),
    }
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Content(content) => content.len(),
        }
    }
}

impl From<Vec<u8>> for Piece {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

struct Pieces {
    pieces: VecDeque<Piece>,
    /// Bytes not given out yet.
    length: u64,
    reading: Reading,
}

type NextChunk = Result<Option<Bytes>, gateway_messagelog::Error>;

enum Reading {
    Nothing,
    Between(ContentReader),
    Waiting(Pin<Box<dyn Future<Output = (ContentReader, NextChunk)> + Send>>),
}

impl Pieces {
    fn gave(&mut self, chunk: Bytes) -> Frame<Bytes> {
        let given = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_sub(given);
        Frame::data(chunk)
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = gateway_net::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        loop {
            match std::mem::replace(&mut this.reading, Reading::Nothing) {
                Reading::Nothing => match this.pieces.pop_front() {
                    None => return Poll::Ready(None),
                    Some(Piece::Bytes(bytes)) if bytes.is_empty() => {}
                    Some(Piece::Bytes(bytes)) => return Poll::Ready(Some(Ok(this.gave(bytes)))),
                    Some(Piece::Content(content)) => match content.bytes() {
                        Some(bytes) if bytes.is_empty() => {}
                        Some(bytes) => {
                            let bytes = bytes.clone();
                            return Poll::Ready(Some(Ok(this.gave(bytes))));
                        }
                        None => this.reading = Reading::Between(content.reader()),
                    },
                },
                Reading::Between(mut reader) => {
                    this.reading = Reading::Waiting(Box::pin(async move {
                        let chunk = reader.next_chunk().await;
                        (reader, chunk)
                    }));
                }
                Reading::Waiting(mut next) => match next.as_mut().poll(context) {
                    Poll::Pending => {
                        this.reading = Reading::Waiting(next);
                        return Poll::Pending;
                    }
                    Poll::Ready((reader, Ok(Some(chunk)))) => {
                        this.reading = Reading::Between(reader);
                        return Poll::Ready(Some(Ok(this.gave(chunk))));
                    }
                    Poll::Ready((_, Ok(None))) => {}
                    Poll::Ready((_, Err(error))) => {
                        this.pieces.clear();
                        return Poll::Ready(Some(Err(gateway_net::Error::body_source(error))));
                    }
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.length == 0 && matches!(self.reading, Reading::Nothing)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces")
            .field("bytes_left", &self.length)
            .finish_non_exhaustive()
    }
}
