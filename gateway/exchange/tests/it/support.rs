//! The world of the tests.

mod ask;
mod country;
mod letter;
mod service;
mod wire;
mod world;

pub(crate) use ask::{Answer, Soap, multipart, rest, soap};
pub(crate) use country::{FRESHNESS_SECONDS, NOW, client, server};
pub(crate) use letter::{Letter, unstampable};
pub(crate) use service::{echo, replace_all, response};
pub(crate) use wire::Broken;
pub(crate) use world::{Place, World, options, right};
