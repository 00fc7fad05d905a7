pub(in crate::archive) mod bucket;
mod command;
mod store;
