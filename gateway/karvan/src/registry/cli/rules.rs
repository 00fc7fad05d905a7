//! Systems, services, purposes, categories, rules and settings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use gateway_policy::rules::Register;
use gateway_proto::id::{ClientId, MemberId, ServiceId};
use gateway_registry::Command;
use serde_json::{Value, json};

use super::asked::{self, Asked, Show};
use crate::registry::Error;

/// Information systems.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum System {
    /// List them.
    List,
    /// Show one with its services.
    Show {
        /// Its code.
        code: String,
    },
    /// Register one with its entry in a state register.
    Register(Described),
    /// Change what is known of one, all of it.
    Change(Described),
    /// End its registration, published at once: each node switches its services off when it next asks
    /// for the configuration, within a minute unless it is set otherwise.
    Deregister {
        /// Its code.
        code: String,
    },
    /// Register it again; publish the rules to switch its services on.
    Reregister {
        /// Its code.
        code: String,
    },
}

/// What is known of an information system.
#[derive(Clone, Debug, Args)]
pub(crate) struct Described {
    /// Its code in the instance.
    code: String,
    /// Whose it is, `instance/class/code`.
    #[arg(long)]
    owner: MemberId,
    /// What it is called.
    #[arg(long)]
    name: String,
    /// The state register: `state-resource` or `personal-data`.
    #[arg(long, value_parser = register)]
    register: Register,
    /// The number of its entry there.
    #[arg(long)]
    entry: String,
    /// A purpose it declared; may be repeated.
    #[arg(long = "purpose", value_name = "CODE")]
    purposes: Vec<String>,
}

/// What services declare.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Service {
    /// List them.
    List {
        /// Of this provider only.
        #[arg(long)]
        provider: Option<ClientId>,
        /// Of this system only.
        #[arg(long)]
        system: Option<String>,
    },
    /// Show what one declares.
    Show {
        /// `instance/class/code/subsystem`.
        provider: ClientId,
        /// Its code.
        code: String,
    },
    /// Declare one of a registered system.
    Declare {
        /// The declaration, JSON; `-`: standard input.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Change what one declares, all of it.
    Change {
        /// The declaration, JSON; `-`: standard input.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Remove a declaration that no rule names.
    Remove {
        /// `instance/class/code/subsystem`.
        provider: ClientId,
        /// Its code.
        code: String,
    },
    /// List services as nodes know them from the rules in force.
    Published,
    /// Compare a list approved by law or decree with the published services.
    Compare {
        /// The approved services, one `instance/class/code/subsystem/service` a line; `-`: standard
        /// input. Empty lines, and those that begin with `#`, are passed over.
        #[arg(long, value_name = "FILE")]
        approved: PathBuf,
    },
}

/// Purposes.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Purpose {
    /// List them.
    List,
    /// Add one.
    Add(Titled),
    /// Change what persons read of it.
    Describe(Titled),
    /// Remove one that nothing names.
    Remove {
        /// Its code.
        code: String,
    },
}

/// Categories of data.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Category {
    /// List them.
    List,
    /// Add one.
    Add {
        #[command(flatten)]
        titled: Titled,
        /// It is special by law: race or nationality, family life, religion, health, conviction.
        #[arg(long)]
        special: bool,
    },
    /// Change one, all of it.
    Change {
        #[command(flatten)]
        titled: Titled,
        /// It is special by law.
        #[arg(long)]
        special: bool,
    },
    /// Remove one that nothing names.
    Remove {
        /// Its code.
        code: String,
    },
}

/// A code with what persons read.
#[derive(Clone, Debug, Args)]
pub(crate) struct Titled {
    /// Its code.
    code: String,
    /// What persons read, `language=text`; may be repeated.
    #[arg(long = "title", value_name = "LANGUAGE=TEXT", value_parser = title)]
    titles: Vec<(String, String)>,
}

/// Rules.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Rule {
    /// List them, each with its version in force and its draft.
    List,
    /// Show all versions of one.
    Show {
        /// Its id.
        id: String,
    },
    /// Write a draft: the next version of a rule, or the first.
    Put {
        /// The rule, JSON; `-`: standard input.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Take one back; at once, if it is in force.
    Withdraw {
        /// Its id.
        id: String,
        /// This version alone.
        #[arg(long)]
        version: Option<u32>,
    },
    /// Check what would be published now: contradictions, shadowed rules, purposes nobody uses.
    Check {
        /// Write the document that would be published here.
        #[arg(long, value_name = "FILE")]
        part_out: Option<PathBuf>,
    },
    /// Put all that was declared and drafted in force. The first time it switches rules on.
    Publish,
    /// Show what is in force, or was.
    Published {
        /// What was published under this version.
        #[arg(long)]
        version: Option<u64>,
        /// Write the document that nodes are given here.
        #[arg(long, value_name = "FILE")]
        part_out: Option<PathBuf>,
    },
}

/// Settings.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Setting {
    /// Show all.
    Show,
    /// Change what holds for all rules, all of it.
    Rules {
        /// The settings, JSON; `-`: standard input.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Change the numbers that the configuration is made with, all of them.
    Configuration {
        /// The settings, JSON; `-`: standard input.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Change the address under which nodes reach the registry.
    Address {
        /// Host name or IP address; a port may follow.
        address: String,
    },
    /// Set the subsystem that provides the management services.
    ManagementProvider {
        /// `instance/class/code/subsystem`.
        provider: ClientId,
    },
    /// Set where authentication certificates are registered.
    RegistrationAddress {
        /// An `https` address.
        url: String,
        /// Its TLS certificate, which nodes pin; PEM.
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
    },
    /// Have nodes believe the consent desk of this registry; at once, where rules are in force.
    ConsentService {
        /// Where the feed is, if not at the host of the configuration; may be repeated.
        #[arg(long = "feed-url", value_name = "URL")]
        feed_urls: Vec<String>,
        /// Believe consents on that were signed with a key published now. For a change of keys; not
        /// when one was lost.
        #[arg(long)]
        keep_keys: bool,
    },
    /// Have nodes believe no consent desk; at once.
    NoConsentService,
    /// Make the next key under which the consent desk finds persons.
    RotateHashKey,
}

impl System {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        let command = match self {
            Self::List => {
                let show = Show::Table(&["code", "status", "owner", "register", "entry", "name"]);
                return Ok(Asked::get("/systems", show));
            }
            Self::Show { code } => return Ok(Asked::one(&["systems", &code])),
            Self::Register(system) => Command::RegisterSystem {
                code: system.code,
                owner: system.owner,
                name: system.name,
                register: system.register,
                entry: system.entry,
                purposes: system.purposes,
            },
            Self::Change(system) => Command::ChangeSystem {
                code: system.code,
                owner: system.owner,
                name: system.name,
                register: system.register,
                entry: system.entry,
                purposes: system.purposes,
            },
            Self::Deregister { code } => Command::DeregisterSystem { code },
            Self::Reregister { code } => Command::ReregisterSystem { code },
        };
        Asked::command(&command)
    }
}

impl Service {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        match self {
            Self::List { provider, system } => {
                let show = Show::Table(&["provider", "code", "system", "personal", "purposes"]);
                let provider = provider.map(|provider| provider.to_rest());
                Ok(Asked::get("/services", show)
                    .with_any("provider", provider.as_deref())
                    .with_any("system", system.as_deref()))
            }
            Self::Show { provider, code } => {
                Ok(Asked::one(&["services", &provider.to_rest(), &code]))
            }
            Self::Declare { file } => Asked::change_with("declare-service", "service", &file),
            Self::Change { file } => Asked::change_with("change-service", "service", &file),
            Self::Remove { provider, code } => {
                Asked::command(&Command::RemoveService { provider, code })
            }
            Self::Published => {
                let show = Show::Table(&["provider", "code", "system", "active", "reachable"]);
                Ok(Asked::get("/published-services", show))
            }
            Self::Compare { approved } => {
                let body = json!({ "services": approved_services(&approved)? });
                let path = "/published-services/comparison";
                Ok(Asked::post(path, body, Show::Comparison))
            }
        }
    }
}

impl Purpose {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        let command = match self {
            Self::List => {
                let show = Show::Table(&["code", "title"]);
                return Ok(Asked::get("/purposes", show));
            }
            Self::Add(titled) => {
                let (code, title) = titled.parts()?;
                Command::AddPurpose { code, title }
            }
            Self::Describe(titled) => {
                let (code, title) = titled.parts()?;
                Command::DescribePurpose { code, title }
            }
            Self::Remove { code } => Command::RemovePurpose { code },
        };
        Asked::command(&command)
    }
}

impl Category {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        let command = match self {
            Self::List => {
                let show = Show::Table(&["code", "special", "title"]);
                return Ok(Asked::get("/categories", show));
            }
            Self::Add { titled, special } => {
                let (code, title) = titled.parts()?;
                Command::AddCategory {
                    code,
                    title,
                    special,
                }
            }
            Self::Change { titled, special } => {
                let (code, title) = titled.parts()?;
                Command::ChangeCategory {
                    code,
                    title,
                    special,
                }
            }
            Self::Remove { code } => Command::RemoveCategory { code },
        };
        Asked::command(&command)
    }
}

impl Titled {
    fn parts(self) -> Result<(String, BTreeMap<String, String>), Error> {
        let mut titles = BTreeMap::new();
        for (language, text) in self.titles {
            if titles.insert(language.clone(), text).is_some() {
                return Err(Error::Use(format!(
                    "two titles in the language {language:?}"
                )));
            }
        }
        Ok((self.code, titles))
    }
}

impl Rule {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        match self {
            Self::List => {
                let show = Show::Table(&["id", "in_force", "draft", "basis", "title"]);
                Ok(Asked::get("/rules", show))
            }
            Self::Show { id } => Ok(Asked::one(&["rules", &id])),
            Self::Put { file } => Asked::change_with("put-rule", "rule", &file),
            Self::Withdraw { id, version } => {
                Asked::command(&Command::WithdrawRule { id, version })
            }
            Self::Check { part_out } => {
                let show = Show::Findings { part_out };
                Ok(Asked::get("/publication/preview", show))
            }
            Self::Publish => Ok(Asked::change(json!({ "command": "publish-rules" }))),
            Self::Published { version, part_out } => {
                let show = Show::Published { part_out };
                Ok(match version {
                    Some(version) => Asked::get(&format!("/publication/versions/{version}"), show),
                    None => Asked::get("/publication", show),
                })
            }
        }
    }
}

impl Setting {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        match self {
            Self::Show => Ok(Asked::get("/settings", Show::Fields)),
            Self::Rules { file } => Asked::change_with("change-rule-settings", "settings", &file),
            Self::Configuration { file } => {
                Asked::change_with("change-settings", "settings", &file)
            }
            Self::Address { address } => {
                Asked::command(&Command::ChangeRegistryAddress { address })
            }
            Self::ManagementProvider { provider } => {
                Asked::command(&Command::SetManagementProvider { provider })
            }
            Self::RegistrationAddress { url, certificate } => {
                let certificate = certificate.map(|file| asked::certificate_file(&file));
                Asked::command(&Command::SetRegistrationAddress {
                    url,
                    certificate: certificate.transpose()?,
                })
            }
            Self::ConsentService {
                feed_urls,
                keep_keys,
            } => {
                let body = json!({ "feed_urls": feed_urls, "keep_keys": keep_keys });
                Ok(Asked::put("/settings/consent-service", body, Show::Entry).of_desk())
            }
            Self::NoConsentService => Asked::command(&Command::SetConsentService { service: None }),
            Self::RotateHashKey => Err(Error::Use("this is done with files only".to_owned())),
        }
    }
}

fn approved_services(file: &Path) -> Result<BTreeSet<ServiceId>, Error> {
    let text = asked::text_file(file)?;
    let mut services = BTreeSet::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let service = line.parse().map_err(|error| {
            let number = index.saturating_add(1);
            asked::unusable(
                file,
                format!("line {number}: {line:?} is no service: {error}"),
            )
        })?;
        services.insert(service);
    }
    Ok(services)
}

fn title(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((language, title)) if !language.is_empty() && !title.is_empty() => {
            Ok((language.to_owned(), title.to_owned()))
        }
        _ => Err("write language=text, as az=Sosial yardım".to_owned()),
    }
}

fn register(text: &str) -> Result<Register, String> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_| "write state-resource or personal-data".to_owned())
}
