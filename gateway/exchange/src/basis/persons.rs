//! Whom a request is about, by what its service declares.

use bytes::{Bytes, BytesMut};
use gateway_messagelog::Content;
use gateway_policy::locate::{self, JSON_BYTES_MAX, Locator, Source};
use gateway_policy::person::{Alphabet, PersonKey};

use super::BasisError;
use crate::error::Error;
use crate::message::{Attachment, Request};

/// Finds all persons the request names, from the bytes that are signed.
pub(super) async fn of(
    message: &Request,
    attachments: &[Attachment],
    locators: &[Locator],
    alphabet: &Alphabet,
) -> Result<Vec<PersonKey>, Error> {
    let found = match message {
        Request::Soap(soap) => {
            let envelope = soap.bytes();
            locate::persons(locators, Source::Soap { envelope }, alphabet)
        }
        Request::Rest(rest) => {
            let (method, path) = (rest.method(), rest.service_path());
            // Whatever its Content-Type says: a service may read a body as JSON that does not call
            // itself so, and would find persons there whom we had not seen.
            let body = match attachments.first() {
                Some(body) if locate::needs_json(locators, method, path) => {
                    Some(whole(&body.content).await?)
                }
                _ => None,
            };
            let source = Source::Rest {
                method,
                path,
                query: rest.query(),
                headers: rest.headers(),
                json: body.as_deref(),
            };
            locate::persons(locators, source, alphabet)
        }
    };
    found.map_err(|error| Error::Basis(BasisError::Persons(error)))
}

/// All bytes of a body, if they are few enough to be looked into. What is in memory is not copied;
/// what is in a file is read off the executor.
async fn whole(content: &Content) -> Result<Bytes, Error> {
    let length = usize::try_from(content.len()).unwrap_or(usize::MAX);
    if length > JSON_BYTES_MAX {
        return Err(Error::Basis(BasisError::BodyTooLong {
            bytes_max: JSON_BYTES_MAX,
        }));
    }
    if let Some(bytes) = content.bytes() {
        return Ok(bytes.clone());
    }
    let mut bytes = BytesMut::with_capacity(length);
    let mut reader = content.reader();
    while let Some(chunk) = reader.next_chunk().await.map_err(Error::Content)? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}
