//! What stands between the socket and the HTTP library: strict framing and the clocks of waiting.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

use super::framing::{Framing, Phase};
use crate::{Limits, stream::Stream};

/// One accepted connection, guarded.
#[derive(Debug)]
pub(super) struct Guard {
    stream: Stream,
    framing: Framing,
    after: AfterRefusal,
    reading: Clock,
    writing: Clock,
    allowed: Allowed,
    state: Arc<State>,
}

/// What the guard and the answering of requests know of each other.
#[derive(Debug, Default)]
pub(super) struct State {
    /// A request is being answered: the connection is not idle.
    busy: AtomicBool,
    /// Who reads, to start the clock of idleness when the answer is written.
    reader: AtomicWaker,
    /// An answer could not be finished: the peer must not take its end for a whole one.
    aborted: AtomicBool,
}

/// What is still given to the HTTP library after a refusal: the end of the head it was reading,
/// so that it sees a malformed one and answers 400; then nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterRefusal {
    NotRefused,
    EndOfHead,
    Nothing,
}

#[derive(Debug)]
struct Allowed {
    head: Duration,
    idle: Duration,
    body: Duration,
}

/// What a clock measures; a new purpose starts it anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    First,
    Idle,
    Head,
    Body,
    Write,
}

/// Measures one wait.
#[derive(Debug, Default)]
struct Clock {
    running: Option<Purpose>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Guard {
    pub(super) fn new(stream: Stream, limits: &Limits, state: Arc<State>) -> Self {
        Self {
            stream,
            framing: Framing::new(),
            after: AfterRefusal::NotRefused,
            reading: Clock::default(),
            writing: Clock::default(),
            allowed: Allowed {
                head: limits.header_read_timeout,
                idle: limits.idle_timeout,
                body: limits.body_read_timeout,
            },
            state,
        }
        .opened()
    }

    /// True when bytes of a request were left unread.
    pub(super) fn is_mid_message(&self) -> bool {
        self.framing.phase() != Phase::Between
    }

    /// The connection below.
    pub(super) fn stream_mut(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// A connection that says nothing at first has as long as a head has.
    fn opened(mut self) -> Self {
        self.reading.start(Purpose::First, self.allowed.head);
        self
    }

    /// Looks at what was read into `buf` after its first `before` bytes.
    fn inspect(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let fresh = buf.filled().get(before..).unwrap_or_default();
        let Err(refused) = self.framing.feed(fresh) else {
            return;
        };
        // The first bad byte becomes one that no HTTP reader accepts anywhere in a head or in
        // the framing of chunks; nothing after it is passed on.
        let bad = before.saturating_add(refused.good);
        if let Some(byte) = buf.filled_mut().get_mut(bad) {
            *byte = 0;
        }
        buf.set_filled(bad.saturating_add(1));
        self.after = AfterRefusal::EndOfHead;
    }

    /// Starts or stops the clock of reading, by what is waited for.
    fn clock_reading(&mut self, moved: bool) {
        let busy = self.state.busy.load(Ordering::Acquire);
        match (self.framing.phase(), self.reading.running) {
            (Phase::Between, Some(Purpose::First)) if !moved => {}
            (Phase::Between, Some(Purpose::Idle)) if !busy && !moved => {}
            (Phase::Between, _) if busy => self.reading.stop(),
            (Phase::Between, _) => self.reading.start(Purpose::Idle, self.allowed.idle),
            // The next head, while the earlier request is being answered.
            (Phase::Head, _) if busy => self.reading.stop(),
            // A head has one time for all of it, however it trickles in.
            (Phase::Head, Some(Purpose::Head | Purpose::First)) => {}
            (Phase::Head, _) => self.reading.start(Purpose::Head, self.allowed.head),
            (Phase::Body, Some(Purpose::Body)) if !moved => {}
            (Phase::Body, _) => self.reading.start(Purpose::Body, self.allowed.body),
        }
    }

    /// Whether writing, which cannot go on now, has waited too long.
    fn wait_to_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.writing.running.is_none() {
            self.writing.start(Purpose::Write, self.allowed.body);
        }
        ready!(self.writing.poll(cx));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }
}

impl AsyncRead for Guard {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        match guard.after {
            AfterRefusal::NotRefused => {}
            AfterRefusal::EndOfHead if buf.remaining() >= END_OF_HEAD.len() => {
                buf.put_slice(END_OF_HEAD);
                guard.after = AfterRefusal::Nothing;
                return Poll::Ready(Ok(()));
            }
            AfterRefusal::EndOfHead | AfterRefusal::Nothing => return Poll::Ready(Ok(())),
        }
        let before = buf.filled().len();
        match Pin::new(&mut guard.stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                let moved = buf.filled().len() > before;
                guard.inspect(buf, before);
                guard.clock_reading(moved);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                guard.state.reader.register(cx.waker());
                guard.clock_reading(false);
                ready!(guard.reading.poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncWrite for Guard {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        match Pin::new(&mut guard.stream).poll_write(cx, data) {
            Poll::Ready(written) => {
                guard.writing.stop();
                Poll::Ready(written)
            }
            Poll::Pending => guard.wait_to_write(cx).map(Err),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        match Pin::new(&mut guard.stream).poll_write_vectored(cx, slices) {
            Poll::Ready(written) => {
                guard.writing.stop();
                Poll::Ready(written)
            }
            Poll::Pending => guard.wait_to_write(cx).map(Err),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        match Pin::new(&mut guard.stream).poll_flush(cx) {
            Poll::Ready(flushed) => {
                guard.writing.stop();
                Poll::Ready(flushed)
            }
            Poll::Pending => guard.wait_to_write(cx).map(Err),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        match Pin::new(&mut guard.stream).poll_shutdown(cx) {
            Poll::Ready(shut) => Poll::Ready(shut),
            Poll::Pending => guard.wait_to_write(cx).map(Err),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.state.aborted.load(Ordering::Acquire) {
            // A reset instead of an orderly end: an HTTP/1.0 client, whose answer has no other
            // end than that of the connection, must not take half of it for all. Best effort.
            let _unset = self.stream.tcp().set_zero_linger();
        }
    }
}

impl State {
    pub(super) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Release);
        if !busy {
            self.reader.wake();
        }
    }

    pub(super) fn set_aborted(&self) {
        self.aborted.store(true, Ordering::Release);
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }
}

impl Clock {
    fn start(&mut self, purpose: Purpose, allowed: Duration) {
        // A time beyond what the clock can hold is no limit.
        let Some(deadline) = Instant::now().checked_add(allowed) else {
            return self.stop();
        };
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(deadline),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(deadline))),
        }
        self.running = Some(purpose);
    }

    fn stop(&mut self) {
        self.running = None;
    }

    /// Ready when the time is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match (&self.running, &mut self.sleep) {
            (Some(_), Some(sleep)) => sleep.as_mut().poll(cx),
            _ => Poll::Pending,
        }
    }
}

const END_OF_HEAD: &[u8] = b"\r\n\r\n";
