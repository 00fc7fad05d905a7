//! What a listener bears from outside.

use std::time::Duration;

/// The bounds of one listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections; further ones are closed at once.
    pub connections_max: usize,
    /// Open connections from one IPv4 address or one IPv6 /64 network.
    pub connections_per_ip_max: usize,
    /// Bytes of a request's head; more is answered with status 431.
    pub header_bytes_max: usize,
    /// Header fields of a request; more is answered with status 431.
    pub headers_max: usize,
    /// From the first byte of a head (of a connection, for the first one) to its last.
    pub header_read_timeout: Duration,
    /// For the TLS handshake.
    pub handshake_timeout: Duration,
    /// A connection without a request is kept as long; also the time to drain at the end.
    pub idle_timeout: Duration,
    /// A body must move within, both ways.
    pub body_read_timeout: Duration,
}

impl Default for Limits {
    /// PR-MESSTRANSP says nothing here; these are near the reference's: 5 000 connections and 30 s,
    /// but heads up to 32 KiB, since consent artefacts travel in them.
    fn default() -> Self {
        Self {
            connections_max: 5_000,
            connections_per_ip_max: 2_500,
            header_bytes_max: 32 * 1024,
            headers_max: 100,
            header_read_timeout: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            body_read_timeout: Duration::from_secs(60),
        }
    }
}
