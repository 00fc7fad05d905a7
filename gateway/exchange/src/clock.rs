//! Time as the path sees it.

use std::fmt;

use jiff::Timestamp;

/// Tells the time. The binary gives the system's; tests give a fixed one.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}
