//! The world of the tests.

mod ask;
mod country;
mod gate;
mod letter;
mod place;
mod registry;
mod service;
mod wire;
mod world;

pub(crate) use ask::{Answer, Soap, multipart, rest, soap, stating};
pub(crate) use country::{FRESHNESS_SECONDS, NOW, client, server};
pub(crate) use gate::Gate;
pub(crate) use letter::{Letter, unstampable};
pub(crate) use place::{Place, right};
pub(crate) use registry::{
    AID, CREDIT, Desk, FIN, OTHER_FIN, RESCUE, THIRD_FIN, case_closed, case_opened, fin, law,
    ruled, vital, with_consent,
};
pub(crate) use service::{echo, replace_all, response};
pub(crate) use wire::Broken;
pub(crate) use world::{World, options};
