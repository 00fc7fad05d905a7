//! The refusals of the answering node, step by step: the service is not asked after one. The asking
//! node hands the fault on as it is.

mod authenticate;
mod call;
mod log;
mod permit;
mod receive;
mod timely;
mod verify;
