//! One archive file on its way: containers in, a file under a temporary name out.
//!
//! An encrypted one is encrypted while it is written, by a thread at the other end of a pipe: what it
//! holds never lies on the disk in clear.

use std::io::{self, BufWriter, Cursor, PipeWriter, Write};
use std::thread::JoinHandle;

use certs_keys::DigestAlgorithm;
use gateway_asic::archive::Writer;
use gateway_asic::names;

use super::folder::{Content, Folder, Handle, Hashed};
use super::state::End;
use super::{Envelope, Error, Group};
use crate::containers::Document;

/// A file that takes containers.
#[derive(Debug)]
pub(super) struct File {
    folder: Folder,
    group: Group,
    temporary: String,
    writer: Writer<Sink>,
    encrypting: Option<Encrypting>,
    messages: u64,
}

/// A file that is written, and durable under its temporary name.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) group: Group,
    pub(super) temporary: String,
    pub(super) name: String,
    pub(super) content: Content,
    pub(super) last_digest: String,
    pub(super) messages: u64,
}

type Out = Hashed<Box<dyn Handle>>;
type Encrypting = JoinHandle<Result<Out, Error>>;

/// Where the ZIP goes.
#[derive(Debug)]
enum Sink {
    File(Box<BufWriter<Out>>),
    Pipe(BufWriter<PipeWriter>),
}

impl File {
    /// Begins a file that goes on after `previous`.
    pub(super) fn begin(
        folder: Folder,
        group: Group,
        previous: Option<End>,
        algorithm: DigestAlgorithm,
        envelope: Option<Envelope>,
    ) -> Result<Self, Error> {
        let (temporary, handle) = folder.temporary()?;
        let out = Hashed::new(handle);
        let (sink, encrypting) = match envelope {
            None => (
                Sink::File(Box::new(BufWriter::with_capacity(BUFFER_BYTES, out))),
                None,
            ),
            Some(envelope) => {
                let begun = encrypt(out, envelope);
                let (pipe, thread) =
                    begun.map_err(|source| folder.failed("encrypt", &temporary, source))?;
                (Sink::Pipe(pipe), Some(thread))
            }
        };
        Ok(Self {
            folder,
            group,
            temporary,
            writer: Writer::new(sink, algorithm, previous.map(Into::into)),
            encrypting,
            messages: 0,
        })
    }

    pub(super) fn group(&self) -> &Group {
        &self.group
    }

    /// The containers so far.
    pub(super) fn bytes(&self) -> u64 {
        self.writer.container_bytes()
    }

    /// Adds a container. After an error the file is worth nothing.
    pub(super) async fn add(self, document: Document) -> Result<Self, Error> {
        blocking(move || self.add_blocking(document)).await
    }

    /// Writes the end and makes the file durable.
    pub(super) async fn finish(self) -> Result<Finished, Error> {
        blocking(move || self.finish_blocking()).await
    }

    fn add_blocking(mut self, document: Document) -> Result<Self, Error> {
        match add(&mut self.writer, document) {
            Ok(()) => {
                self.messages = self.messages.saturating_add(1);
                Ok(self)
            }
            Err(failed) => {
                let Self {
                    writer,
                    encrypting,
                    temporary,
                    folder,
                    ..
                } = self;
                // Ends the pipe, and with it the thread.
                drop(writer);
                Err(cause(failed, encrypting, &folder, &temporary))
            }
        }
    }

    fn finish_blocking(self) -> Result<Finished, Error> {
        let Self {
            folder,
            group,
            temporary,
            writer,
            encrypting,
            messages,
        } = self;
        let archive = match writer.finish() {
            Ok(archive) => archive,
            Err(error) => {
                return Err(cause(Failed::Write(error), encrypting, &folder, &temporary));
            }
        };
        let last_digest = archive.info.last_digest().to_owned();
        let clear_name = archive.file_name(group.name.as_deref());
        let failed = |source| folder.failed("write", &temporary, source);
        let (out, name) = match (archive.out, encrypting) {
            (Sink::File(out), _) => {
                let out = out
                    .into_inner()
                    .map_err(|error| failed(error.into_error()))?;
                (out, clear_name)
            }
            (Sink::Pipe(pipe), Some(thread)) => {
                // Dropped after this: the end of the pipe is the end of the message.
                let flushed = pipe.into_inner().map(drop);
                let out = join(thread)?;
                flushed.map_err(|error| failed(error.into_error()))?;
                (out, names::encrypted(&clear_name))
            }
            (Sink::Pipe(_), None) => return Err(Error::Interrupted),
        };
        let (mut handle, content) = out.content();
        handle.flush().map_err(failed)?;
        handle.sync().map_err(failed)?;
        Ok(Finished {
            group,
            temporary,
            name,
            content,
            last_digest,
            messages,
        })
    }
}

impl Write for Sink {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(buffer),
            Self::Pipe(pipe) => pipe.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Pipe(pipe) => pipe.flush(),
        }
    }
}

/// Why a container was not added.
enum Failed {
    Container(Error),
    Write(gateway_asic::archive::Error),
}

/// The container is asked for as something to read: a small one is made in memory, a long one by a
/// thread at the other end of a pipe.
fn add(writer: &mut Writer<Sink>, document: Document) -> Result<(), Failed> {
    let (name, time, ordinal) = (
        document.name().to_owned(),
        document.time(),
        document.ordinal(),
    );
    let unmade = |source| Failed::Container(Error::Container { ordinal, source });
    let mut small = Small::default();
    match document.write(&mut small) {
        Ok(_) => {
            let mut container = Cursor::new(small.bytes);
            let added = writer.add(&name, time, &mut container);
            return added.map(drop).map_err(Failed::Write);
        }
        Err(_) if small.is_full => {}
        Err(source) => return Err(unmade(source)),
    }
    let begun = io::pipe().and_then(|(reader, pipe)| {
        let thread = std::thread::Builder::new().spawn(move || {
            let mut pipe = BufWriter::with_capacity(BUFFER_BYTES, pipe);
            let written = document.write(&mut pipe);
            (written, pipe.flush())
        })?;
        Ok((reader, thread))
    });
    let broken = |source| Failed::Container(Error::Pipe(source));
    let (mut reader, thread) = begun.map_err(broken)?;
    let added = writer.add(&name, time, &mut reader);
    // Should the archive not take it, its maker must not wait for ever.
    drop(reader);
    let Ok((made, flushed)) = thread.join() else {
        return Err(Failed::Container(Error::Interrupted));
    };
    // A container that was cut looks like a whole one from here.
    added.map_err(Failed::Write)?;
    made.map_err(unmade)?;
    flushed.map_err(broken)
}

/// Encrypts what comes through a pipe into a file.
fn encrypt(out: Out, envelope: Envelope) -> io::Result<(BufWriter<PipeWriter>, Encrypting)> {
    let (reader, pipe) = io::pipe()?;
    let thread = std::thread::Builder::new().spawn(move || {
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
        envelope.seal(reader, &mut out)?;
        let out = out.into_inner();
        out.map_err(|error| Error::OpenPgp(super::openpgp::Error::Io(error.into_error())))
    })?;
    Ok((BufWriter::with_capacity(BUFFER_BYTES, pipe), thread))
}

/// What was really wrong: a pipe that broke says only that its other end is gone.
fn cause(failed: Failed, encrypting: Option<Encrypting>, folder: &Folder, name: &str) -> Error {
    match (failed, encrypting.map(join)) {
        (_, Some(Err(error))) => error,
        (Failed::Container(error), _) => error,
        (Failed::Write(source), _) => Error::Write {
            path: folder.path(name),
            source,
        },
    }
}

fn join(thread: Encrypting) -> Result<Out, Error> {
    thread.join().unwrap_or(Err(Error::Interrupted))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Error::Interrupted)?
}

/// Takes a container that is not long.
#[derive(Debug, Default)]
struct Small {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Write for Small {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(buffer.len()) > SMALL_BYTES_MAX {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const BUFFER_BYTES: usize = 64 << 10;
const SMALL_BYTES_MAX: usize = 1 << 20;
