//! Bodies: one streaming type for both ways, and the ways to make and to collect one.

use std::error::Error as StdError;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};

use crate::Error;

mod channel;

pub use self::channel::{BodySender, channel};

/// A streaming body both ways. An error in it ends the HTTP message as truncated.
pub type Body = UnsyncBoxBody<Bytes, Error>;

/// A body that is already whole; it is sent with its length.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// No body.
#[must_use]
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body from chunks produced elsewhere, sent in chunked coding unless the message says its
/// length. An error of the source truncates the message.
pub fn from_stream<S, E>(chunks: S) -> Body
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + 'static,
{
    let frames = chunks.map(|chunk| chunk.map(Frame::data).map_err(Error::body_source));
    StreamBody::new(frames).boxed_unsync()
}

/// The whole body, if it is not longer than `bytes_max`.
///
/// # Errors
/// [`Error::BodyTooLarge`], or what broke the body.
pub async fn collect(mut body: Body, bytes_max: usize) -> Result<Bytes, Error> {
    let mut whole = BytesMut::new();
    let mut first: Option<Bytes> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let so_far = first.as_ref().map_or(whole.len(), Bytes::len);
        if data.len() > bytes_max.saturating_sub(so_far) {
            return Err(Error::BodyTooLarge { bytes_max });
        }
        if first.is_none() && whole.is_empty() {
            first = Some(data);
            continue;
        }
        if let Some(first) = first.take() {
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&data);
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}

#[cfg(test)]
mod tests;
