//! What is made from the message log: time stamps, signed documents, archives, comparisons.
//!
//! It knows when a message may be stamped, how a signed document is put together, and how documents
//! become archives. It does not know HTTP, the configuration file or the clock: the node asks an
//! authority for it, and says what time it is.
//!
//! Each subject has an error of its own: nobody does two of these at once.
//!
//! * [`stamper`]: asks the approved authorities for time stamps over what was logged
//! * [`containers`]: makes signed documents of stamped messages
//! * [`archive`]: files of signed documents, encrypted, carried away, and the log cleaned behind them
//! * [`witness`]: cosigns the checkpoints of other nodes
//! * [`cosigning`]: has this node's checkpoints cosigned by others

pub mod archive;
mod causes;
pub mod containers;
pub mod cosigning;
pub mod stamper;
#[cfg(test)]
mod testing;
pub mod witness;
