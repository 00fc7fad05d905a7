//! The refusals of the asking node, step by step: nothing goes on after one.

mod authorize;
mod log;
mod receive;
mod route;
mod seal;
mod send;
mod timely;
mod verify;
