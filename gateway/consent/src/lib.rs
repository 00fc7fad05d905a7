//! The consent desk of the registry: requests for consent, the person's answer, what became of it; open
//! cases; notices of break-glass uses; and the feed that tells nodes.
//!
//! Its callers are known by the signed messages in which they asked: the node in front of it says who.
//! It deliberately knows no sockets: the caller hands in requests, rules and the time.
