//! Maps a database to X-Road services: each statement of a small TOML file becomes one SOAP
//! operation and, when it has a route, one REST endpoint, with generated descriptions.
//!
//! The adapter stands between a node and a register. It speaks plain HTTP messages as values
//! ([`Service::handle`]); it deliberately knows no sockets, no TLS towards the node, no access
//! rights and no signatures: who may call is decided by the node before.
//!
//! | module | subject |
//! |---|---|
//! | [`config`] | the TOML file: what it says, and every problem with line and hint |
//! | [`statement`] | SQL texts with named parameters |
//! | [`value`] | kinds of values, how they are read and written |
//! | [`fin`] | the form of FIN and VÖEN |
//! | [`service`] | the HTTP face |
//! | [`error`] | what goes wrong |
//! | `soap`, `rest` | messages in and out |
//! | `arguments` | from what a message gives to what a statement binds |
//! | `describe` | WSDL and OpenAPI |
//! | `database` | SQLite and PostgreSQL: pools, transactions, messages applied once |

mod arguments;
pub mod config;
mod database;
mod describe;
pub mod error;
pub mod fin;
mod rest;
pub mod service;
mod soap;
pub mod statement;
pub mod value;

pub use config::{Adapter, Problems};
pub use error::Error;
pub use service::Service;
