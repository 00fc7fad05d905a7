//! What is made from the message log: time stamps, signed documents, archives, comparisons.
