//! The refusals of the answering node.
