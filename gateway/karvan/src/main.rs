//! The one binary: wires everything, and alone may name adapters.
//!
//! `sandbox` is the front door; `node`, `registry`, `certs` and `adapter` are the services it is made
//! of, each with one configuration file; `audit` checks logs, `archive` makes keys for archives.

mod adapter;
mod archive;
mod audit;
mod bench;
mod causes;
mod certs;
mod clock;
mod config;
mod country;
mod fetch;
mod node;
mod registry;
mod sandbox;
mod service;
#[cfg(test)]
mod testing;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::config::Loaded;

/// A fifth of a node's time went into the system's allocator under load.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Karvan: an interagency data-exchange gateway, wire-compatible with X-Road 7.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    /// What the log on standard error holds: error, warn, info, debug; or a filter as of RUST_LOG.
    #[arg(long, global = true, env = "KARVAN_LOG", default_value = "warn")]
    log: String,
    /// How the log looks.
    #[arg(long, global = true, env = "KARVAN_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A whole country on one machine: registry, authority, five nodes, their databases; and a story.
    Sandbox(sandbox::Options),
    /// A security server.
    Node(Service),
    /// The central registry; with a command it is asked or changed, running or not.
    Registry(registry::Options),
    /// The sandbox authority: OCSP and time-stamping.
    Certs(Service),
    /// A database as SOAP and REST services.
    Adapter(Service),
    /// What the road carries, beside what its parts would allow.
    Bench(bench::Options),
    /// Check logs, signed documents, archives and bundles, offline.
    #[command(subcommand)]
    Audit(audit::Command),
    /// OpenPGP keys for archives, and decrypting what is encrypted for them.
    #[command(subcommand)]
    Archive(archive::Command),
}

/// A service started from its configuration file.
#[derive(Clone, Debug, Args)]
struct Service {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only read it, say what is wrong, and end.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(&arguments);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments.command)),
        Err(error) => Err(Box::from(error)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let text = causes::with_causes(&*error);
            let _closed = writeln!(std::io::stderr(), "karvan: {text}");
            ExitCode::from(2)
        }
    }
}

type Failure = Box<dyn std::error::Error>;

async fn run(command: Command) -> Result<bool, Failure> {
    match command {
        Command::Sandbox(options) => Ok(Box::pin(sandbox::run(options)).await?),
        Command::Node(service) => {
            let config = Loaded::read(&service.config)?;
            if service.check {
                node::check(&config)?;
                return Ok(true);
            }
            let started = Box::pin(node::start(&config)).await?;
            started.running.until_asked().await?;
            Ok(true)
        }
        Command::Registry(options) => run_registry(options).await,
        Command::Certs(service) => {
            let config = Loaded::read(&service.config)?;
            if service.check {
                certs::check(&config)?;
                return Ok(true);
            }
            let (running, _) = certs::start(&config).await?;
            running.until_asked().await?;
            Ok(true)
        }
        Command::Adapter(service) => {
            if service.check {
                adapter::check(&service.config)?;
                return Ok(true);
            }
            let (running, _) = adapter::start(&service.config).await?;
            running.until_asked().await?;
            Ok(true)
        }
        Command::Bench(options) => Ok(Box::pin(bench::run(options)).await?),
        Command::Audit(command) => {
            Ok(tokio::task::spawn_blocking(move || audit::run(&command)).await??)
        }
        Command::Archive(command) => {
            Ok(tokio::task::spawn_blocking(move || archive::run(&command)).await??)
        }
    }
}

async fn run_registry(options: registry::Options) -> Result<bool, Failure> {
    let path = options.config.ok_or("--config FILE names the registry")?;
    let config = Loaded::read(&path)?;
    if let Some(command) = options.command {
        return Ok(registry::ask(&config, command, options.json).await?);
    }
    if options.check {
        registry::check(&config)?;
        return Ok(true);
    }
    let opened = registry::open(&config)?;
    let (running, _) = registry::start(&config, opened).await?;
    running.until_asked().await?;
    Ok(true)
}

fn start_log(arguments: &Arguments) {
    let filter = EnvFilter::try_new(&arguments.log).unwrap_or_else(|_| EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match arguments.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
