//! MIME: media types, part headers, a streaming multipart decoder, framing of parts.
//!
//! The decoder takes bytes in any chunks and gives events; body data are slices of the chunks.
//! Content transfer encodings are never decoded: parts are hashed and signed as they travel.

mod decoder;
mod error;
mod headers;
mod media_type;
mod window;
mod writer;

pub use decoder::{Decoder, Event};
pub use error::Error;
pub use headers::Headers;
pub use media_type::MediaType;
pub use writer::Writer;

#[cfg(test)]
mod tests;
