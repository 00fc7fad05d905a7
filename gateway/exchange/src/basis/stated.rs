//! What a message says of its ground.

use std::borrow::Cow;

use gateway_proto::basis::Basis;

use super::BasisError;
use crate::message::Request;

/// Reads it; nothing of it is believed yet.
pub(super) fn of(message: &Request) -> Result<Cow<'_, Basis>, BasisError> {
    let stated = match message {
        Request::Soap(soap) => match &soap.header().basis {
            Ok(basis) => Ok(Cow::Borrowed(basis)),
            Err(error) => Err(*error),
        },
        Request::Rest(rest) => rest.basis().map(Cow::Owned),
    };
    stated.map_err(BasisError::Stated)
}
