//! `karvan registry …`: the registry from the command line of its machine.
//!
//! Each command is one call of the admin API. While the registry is stopped it is carried out on the
//! store; while it runs (the store is taken then) the running registry is asked, with the key that it
//! wrote for its own machine at start. Either way the same code carries it out, and the audit trail
//! says who: `store:USER` or `local:USER`.
//!
//! Exit code 0: done, 1: refused, or something is not as it should be, 2: asked wrongly, or it could
//! not be done.

mod asked;
mod door;
mod members;
mod print;
mod rules;
mod user;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::asked::{Asked, Show};
use self::door::Door;
use super::{Error, keys, open};
use crate::config::Loaded;
use crate::config::registry as file;

/// The registry: started, or asked for something.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The configuration file.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Only read it, say what is wrong, and end.
    #[arg(long)]
    pub(crate) check: bool,
    /// Print answers as JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What is asked; without it the registry is started.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What can be asked.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// The registry at a glance.
    Status,
    /// Give the registry its instance, once; its address is that of the configuration file.
    Initialise {
        /// The instance, as all identifiers of the network begin.
        instance: String,
    },
    /// Member classes.
    #[command(subcommand)]
    Class(members::Class),
    /// Members.
    #[command(subcommand)]
    Member(members::Member),
    /// Subsystems.
    #[command(subcommand)]
    Subsystem(members::Subsystem),
    /// Security servers and their clients.
    #[command(subcommand)]
    Server(members::Server),
    /// Global groups.
    #[command(subcommand)]
    Group(members::Group),
    /// Information systems, with their entry in a state register.
    #[command(subcommand)]
    System(rules::System),
    /// What services declare.
    #[command(subcommand)]
    Service(rules::Service),
    /// Purposes for which data may be asked.
    #[command(subcommand)]
    Purpose(rules::Purpose),
    /// Categories of data.
    #[command(subcommand)]
    Category(rules::Category),
    /// Rules: who may ask what, for which purposes, on what ground.
    #[command(subcommand)]
    Rule(rules::Rule),
    /// Settings of the configuration and of the rules.
    #[command(subcommand)]
    Setting(rules::Setting),
    /// Keys of the admin API.
    #[command(subcommand)]
    Key(Key),
    /// The audit trail.
    Trail(Trail),
    /// Carry out any command of the registry, written as JSON.
    Change {
        /// The file with the command; `-`: standard input.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
}

/// Keys of the admin API.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Key {
    /// List names and roles.
    List,
    /// Make a key and print it, this once.
    Add {
        /// What the audit trail calls its holder.
        name: String,
        /// `registrar` (changes and reads) or `auditor` (reads).
        #[arg(long, value_parser = ["registrar", "auditor"])]
        role: String,
    },
    /// End a key.
    Remove {
        /// Its name.
        name: String,
    },
}

/// The audit trail, newest first.
#[derive(Clone, Debug, Args)]
pub(crate) struct Trail {
    /// Entries below this number only.
    #[arg(long, value_name = "NUMBER")]
    below: Option<u64>,
    /// How many at most, 1 to 500.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    max: u64,
    /// With what stood in each row before, and what stands there now.
    #[arg(long)]
    full: bool,
    /// Instead check that no entry is missing, altered or out of place.
    #[arg(long)]
    verify: bool,
}

/// Asks, and prints what is answered. `false`: it was refused, or something is not as it should be.
pub(crate) async fn ask(
    config: &Loaded<file::Registry>,
    command: Command,
    json: bool,
) -> Result<bool, Error> {
    if let Command::Setting(rules::Setting::RotateHashKey) = command {
        return rotate_hash_key(config, json);
    }
    let asked = command.asked(config)?;
    let door = Door::open(config, asked.of_desk)?;
    let answer = door.ask(&asked).await?;
    print::answer(&asked.show, &answer, json)
}

/// Makes the next hash key of the consent desk; it needs the files only.
fn rotate_hash_key(config: &Loaded<file::Registry>, json: bool) -> Result<bool, Error> {
    if config.values.desk.is_none() {
        let text = "this registry has no consent desk: there is no [desk] in its file";
        return Err(Error::Use(text.to_owned()));
    }
    let number = keys::add_hash_key(&open::data_dir(config), &open::pin(config)?)?;
    let text = format!(
        "made hash key {number}; from its next start the registry finds persons under it, and marks \
         older entries anew\n"
    );
    match json {
        true => print::json(&json!({ "hash_key": number })),
        false => print::text(&text),
    }?;
    Ok(true)
}

impl Command {
    /// The call that this is.
    fn asked(self, config: &Loaded<file::Registry>) -> Result<Asked, Error> {
        match self {
            Self::Status => Ok(Asked::get("/status", Show::Fields)),
            Self::Initialise { instance } => {
                Asked::command(&gateway_registry::Command::Initialise {
                    instance,
                    address: config.values.address.clone(),
                })
            }
            Self::Class(class) => class.asked(),
            Self::Member(member) => member.asked(),
            Self::Subsystem(subsystem) => subsystem.asked(),
            Self::Server(server) => server.asked(),
            Self::Group(group) => group.asked(),
            Self::System(system) => system.asked(),
            Self::Service(service) => service.asked(),
            Self::Purpose(purpose) => purpose.asked(),
            Self::Category(category) => category.asked(),
            Self::Rule(rule) => rule.asked(),
            Self::Setting(setting) => setting.asked(),
            Self::Key(key) => Ok(key.asked()),
            Self::Trail(trail) => Ok(trail.asked()),
            Self::Change { file } => {
                let command: Value = asked::json_file(&file)?;
                Ok(Asked::change(command))
            }
        }
    }
}

impl Key {
    fn asked(self) -> Asked {
        match self {
            Self::List => Asked::get("/api-keys", Show::Table(&["name", "role", "created"])),
            Self::Add { name, role } => {
                let body = json!({ "name": name, "role": role });
                Asked::post("/api-keys", body, Show::Key)
            }
            Self::Remove { name } => Asked::delete(&["api-keys", &name], Show::Entry),
        }
    }
}

impl Trail {
    fn asked(self) -> Asked {
        let Self {
            below,
            max,
            full,
            verify,
        } = self;
        if verify {
            return Asked::get("/trail/verification", Show::Verification);
        }
        let mut asked = Asked::get("/trail", Show::Trail { full }).with("count", &max.to_string());
        if let Some(below) = below {
            asked = asked.with("below", &below.to_string());
        }
        asked
    }
}
