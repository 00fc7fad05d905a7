//! A command of the operator, run after files were made.

use std::fmt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Runs as `/bin/bash -c ‹text›` in the folder of the archives, with the node's environment and
/// nothing on its input.
#[derive(Clone, Debug)]
pub struct Command {
    text: String,
    time_max: Duration,
}

/// Why a command did not do its work.
#[derive(Debug)]
pub enum Failed {
    /// It could not be started, or not be watched.
    Run(std::io::Error),
    /// It was still running when its time was over, and was ended.
    Late {
        /// Its time.
        time_max: Duration,
        /// The end of what it wrote.
        output: String,
    },
    /// It said that it failed.
    Status {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote.
        output: String,
    },
}

impl Failed {
    /// The end of what the command wrote. It may hold secrets of the operator's.
    #[must_use]
    pub fn output(&self) -> &str {
        match self {
            Self::Run(_) => "",
            Self::Late { output, .. } | Self::Status { output, .. } => output,
        }
    }
}

impl Command {
    /// A command that may take so long.
    #[must_use]
    pub fn new(text: &str, time_max: Duration) -> Self {
        Self {
            text: text.to_owned(),
            time_max,
        }
    }

    /// Runs it to its end; gives the end of what it wrote.
    ///
    /// # Errors
    /// It could not be started, failed, or took too long; then it and all it started are ended. So
    /// they are when the future is dropped before the command has ended.
    pub async fn run(&self, dir: &Path) -> Result<String, Failed> {
        let mut child = tokio::process::Command::new(SHELL)
            .arg("-c")
            .arg(&self.text)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, to be ended as a whole.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(Failed::Run)?;
        let mut group = Group(child.id());
        let mut output = Output::default();
        let mut errors = Output::default();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let reading = async {
            tokio::join!(output.read(out), errors.read(err));
        };
        let ended = {
            tokio::pin!(reading);
            let watched = async {
                let mut read = false;
                loop {
                    tokio::select! {
                        status = child.wait() => break (status, read),
                        () = &mut reading, if !read => read = true,
                    }
                }
            };
            let ended = tokio::time::timeout(self.time_max, watched).await;
            if ended.is_ok() {
                // What it left running is its own affair.
                group.0 = None;
            }
            if let Ok((_, false)) = ended {
                // What it left running may hold its output open for ever.
                let _left = tokio::time::timeout(OUTPUT_AFTER_END_MAX, reading).await;
            }
            ended
        };
        let output = join(output, errors);
        let Ok((status, _)) = ended else {
            // Away from the executor: it takes the moment that a shell takes.
            let _ended = tokio::task::spawn_blocking(move || drop(group)).await;
            // Should there be no shell to end it with.
            let _killed = child.kill().await;
            return Err(Failed::Late {
                time_max: self.time_max,
                output,
            });
        };
        let status = status.map_err(Failed::Run)?;
        match status.success() {
            true => Ok(output),
            false => Err(Failed::Status { status, output }),
        }
    }
}

/// A command and all that it started: the group with the number of its leader, who was not yet
/// collected. Dropping this ends them.
#[derive(Debug)]
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            let _told = std::process::Command::new(SHELL)
                .args(["-c", &format!("kill -KILL -- -{group}")])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// The end of what was written to one pipe.
#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    cut: bool,
}

impl Output {
    async fn read(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
            self.bytes
                .extend_from_slice(buffer.get(..read).unwrap_or_default());
            let over = self.bytes.len().saturating_sub(OUTPUT_BYTES_MAX);
            if over > 0 {
                self.bytes.drain(..over);
                self.cut = true;
            }
        }
    }
}

fn join(output: Output, errors: Output) -> String {
    [output, errors]
        .iter()
        .filter(|part| !part.bytes.is_empty())
        .map(|part| {
            let text = String::from_utf8_lossy(&part.bytes);
            let begin = if part.cut { "…" } else { "" };
            format!("{begin}{}", text.trim_end())
        })
        .collect::<Vec<_>>()
        .join("\n")
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(_) => f.write_str("the transfer command cannot be run"),
            // Not what it wrote: that is for the operator alone.
            Self::Late { time_max, .. } => write!(
                f,
                "the transfer command was ended after {} s",
                time_max.as_secs()
            ),
            Self::Status { status, .. } => write!(f, "the transfer command failed ({status})"),
        }
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Run(source) => Some(source),
            Self::Late { .. } | Self::Status { .. } => None,
        }
    }
}

const SHELL: &str = "/bin/bash";
/// Of each of its two outputs.
const OUTPUT_BYTES_MAX: usize = 4096;
const OUTPUT_AFTER_END_MAX: Duration = Duration::from_millis(500);
