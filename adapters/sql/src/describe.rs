//! Service descriptions made from the adapter's own: WSDL and OpenAPI.

mod openapi;
mod wsdl;

pub(crate) use openapi::openapi;
pub(crate) use wsdl::wsdl;
