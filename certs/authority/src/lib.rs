//! certs-authority
