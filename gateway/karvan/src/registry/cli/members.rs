//! Classes, members, subsystems, servers, groups.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gateway_proto::id::{ClientId, MemberId, ServerId};
use gateway_registry::Command;
use gateway_registry::state::Fingerprint;

use super::asked::{self, Asked, Show};
use crate::registry::Error;

/// Member classes.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Class {
    /// List them.
    List,
    /// Add one.
    Add(Described),
    /// Change its description.
    Describe(Described),
    /// Remove one that no member is of.
    Remove {
        /// Its code.
        code: String,
    },
}

/// A code with what people read of it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Described {
    /// Its code.
    code: String,
    /// What people read of it.
    #[arg(long)]
    description: String,
}

/// Members.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Member {
    /// List them.
    List {
        /// Of this class only.
        #[arg(long)]
        class: Option<String>,
    },
    /// Show one.
    Show {
        /// `instance/class/code`.
        member: MemberId,
    },
    /// Add one.
    Add {
        /// `instance/class/code`.
        member: MemberId,
        /// Its name.
        #[arg(long)]
        name: String,
    },
    /// Change its name.
    Rename {
        /// `instance/class/code`.
        member: MemberId,
        /// The new name.
        #[arg(long)]
        name: String,
    },
    /// Remove one that owns no server, with its subsystems and registrations.
    Remove {
        /// `instance/class/code`.
        member: MemberId,
    },
}

/// Subsystems.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Subsystem {
    /// List them.
    List {
        /// Of this member only.
        #[arg(long)]
        member: Option<MemberId>,
    },
    /// Add one.
    Add {
        /// `instance/class/code/subsystem`.
        subsystem: ClientId,
        /// Its name.
        #[arg(long)]
        name: Option<String>,
    },
    /// Change its name.
    Rename {
        /// `instance/class/code/subsystem`.
        subsystem: ClientId,
        /// The new name; without it, it has none.
        #[arg(long)]
        name: Option<String>,
    },
    /// Remove one that is registered at no server.
    Remove {
        /// `instance/class/code/subsystem`.
        subsystem: ClientId,
    },
}

/// Security servers and their clients.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Server {
    /// List them.
    List,
    /// Show one.
    Show {
        /// `instance/class/owner code/server code`.
        server: ServerId,
    },
    /// Register an authentication certificate, and with the first one the server.
    Register {
        /// `instance/class/owner code/server code`.
        server: ServerId,
        /// Host name or IP address, without port.
        #[arg(long)]
        address: String,
        /// The certificate, PEM.
        #[arg(long, value_name = "FILE")]
        certificate: PathBuf,
    },
    /// Change its address.
    Address {
        /// `instance/class/owner code/server code`.
        server: ServerId,
        /// Host name or IP address, without port.
        address: String,
    },
    /// Give it to another member that is its client.
    Owner {
        /// `instance/class/owner code/server code`.
        server: ServerId,
        /// The new owner, `instance/class/code`.
        owner: MemberId,
    },
    /// Put it into maintenance.
    Maintain {
        /// `instance/class/owner code/server code`.
        server: ServerId,
        /// What its administrator says.
        #[arg(long, default_value = "")]
        message: String,
    },
    /// End its maintenance.
    Resume {
        /// `instance/class/owner code/server code`.
        server: ServerId,
    },
    /// Remove an authentication certificate.
    RemoveCertificate {
        /// `instance/class/owner code/server code`.
        server: ServerId,
        /// SHA-256 of the certificate, in hex.
        fingerprint: String,
    },
    /// Remove the server with its registrations.
    Remove {
        /// `instance/class/owner code/server code`.
        server: ServerId,
    },
    /// Register a client at it.
    AddClient {
        /// `instance/class/owner code/server code`.
        server: ServerId,
        /// `instance/class/code[/subsystem]`.
        client: ClientId,
    },
    /// End the registration of a client at it.
    RemoveClient {
        /// `instance/class/owner code/server code`.
        server: ServerId,
        /// `instance/class/code[/subsystem]`.
        client: ClientId,
    },
    /// Show a disabled registration in the configuration again.
    EnableClient {
        /// `instance/class/owner code/server code`.
        server: ServerId,
        /// `instance/class/code[/subsystem]`.
        client: ClientId,
    },
    /// Hide a registration from the configuration.
    DisableClient {
        /// `instance/class/owner code/server code`.
        server: ServerId,
        /// `instance/class/code[/subsystem]`.
        client: ClientId,
    },
}

/// Global groups.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Group {
    /// List them.
    List,
    /// Show one with its members.
    Show {
        /// Its code.
        code: String,
    },
    /// Add one.
    Add(Described),
    /// Change its description.
    Describe(Described),
    /// Remove one.
    Remove {
        /// Its code.
        code: String,
    },
    /// Add a member or subsystem to it.
    AddMember {
        /// Its code.
        code: String,
        /// `instance/class/code[/subsystem]`.
        client: ClientId,
    },
    /// Remove a member or subsystem from it.
    RemoveMember {
        /// Its code.
        code: String,
        /// `instance/class/code[/subsystem]`.
        client: ClientId,
    },
}

impl Class {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        let command = match self {
            Self::List => {
                let show = Show::Table(&["code", "description"]);
                return Ok(Asked::get("/member-classes", show));
            }
            Self::Add(Described { code, description }) => {
                Command::AddMemberClass { code, description }
            }
            Self::Describe(Described { code, description }) => {
                Command::DescribeMemberClass { code, description }
            }
            Self::Remove { code } => Command::RemoveMemberClass { code },
        };
        Asked::command(&command)
    }
}

impl Member {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        let command = match self {
            Self::List { class } => {
                let show = Show::Table(&["id", "name", "subsystems"]);
                return Ok(Asked::get("/members", show).with_any("class", class.as_deref()));
            }
            Self::Show { member } => return Ok(Asked::one(&["members", &member.to_rest()])),
            Self::Add { member, name } => Command::AddMember { member, name },
            Self::Rename { member, name } => Command::RenameMember { member, name },
            Self::Remove { member } => Command::RemoveMember { member },
        };
        Asked::command(&command)
    }
}

impl Subsystem {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        let command = match self {
            Self::List { member } => {
                let show = Show::Table(&["id", "name", "servers"]);
                let member = member.map(|member| member.to_rest());
                return Ok(Asked::get("/subsystems", show).with_any("member", member.as_deref()));
            }
            Self::Add { subsystem, name } => Command::AddSubsystem { subsystem, name },
            Self::Rename { subsystem, name } => Command::RenameSubsystem { subsystem, name },
            Self::Remove { subsystem } => Command::RemoveSubsystem { subsystem },
        };
        Asked::command(&command)
    }
}

impl Server {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        let command = match self {
            Self::List => {
                let show = Show::Table(&["id", "address", "clients"]);
                return Ok(Asked::get("/servers", show));
            }
            Self::Show { server } => return Ok(Asked::one(&["servers", &server.to_rest()])),
            Self::Register {
                server,
                address,
                certificate,
            } => Command::RegisterServer {
                server,
                address,
                certificate: asked::certificate_file(&certificate)?,
            },
            Self::Address { server, address } => Command::ChangeServerAddress { server, address },
            Self::Owner { server, owner } => Command::ChangeServerOwner { server, owner },
            Self::Maintain { server, message } => Command::BeginMaintenance { server, message },
            Self::Resume { server } => Command::EndMaintenance { server },
            Self::RemoveCertificate {
                server,
                fingerprint,
            } => Command::RemoveAuthCertificate {
                server,
                certificate: read_fingerprint(&fingerprint)?,
            },
            Self::Remove { server } => Command::RemoveServer { server },
            Self::AddClient { server, client } => Command::RegisterClient { server, client },
            Self::RemoveClient { server, client } => Command::UnregisterClient { server, client },
            Self::EnableClient { server, client } => enabled(server, client, true),
            Self::DisableClient { server, client } => enabled(server, client, false),
        };
        Asked::command(&command)
    }
}

impl Group {
    pub(super) fn asked(self) -> Result<Asked, Error> {
        let command = match self {
            Self::List => {
                let show = Show::Table(&["code", "description", "members"]);
                return Ok(Asked::get("/groups", show));
            }
            Self::Show { code } => return Ok(Asked::one(&["groups", &code])),
            Self::Add(Described { code, description }) => Command::AddGroup { code, description },
            Self::Describe(Described { code, description }) => {
                Command::DescribeGroup { code, description }
            }
            Self::Remove { code } => Command::RemoveGroup { code },
            Self::AddMember { code, client } => Command::AddGroupMember {
                group: code,
                client,
            },
            Self::RemoveMember { code, client } => Command::RemoveGroupMember {
                group: code,
                client,
            },
        };
        Asked::command(&command)
    }
}

fn enabled(server: ServerId, client: ClientId, enabled: bool) -> Command {
    Command::SetClientEnabled {
        server,
        client,
        enabled,
    }
}

fn read_fingerprint(text: &str) -> Result<Fingerprint, Error> {
    Fingerprint::parse(text).ok_or_else(|| {
        Error::Use(format!(
            "{text:?} is no fingerprint: write the certificate's SHA-256 in 64 hexadecimal digits"
        ))
    })
}
