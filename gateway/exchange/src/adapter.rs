//! The joint towards services: how a provider's node asks its information system.

use std::future::Future;
use std::time::Duration;

use gateway_net::{Body, ServerTrust};

use crate::local::BuiltIn;

/// Where a service is and how long it may take.
#[derive(Clone, Debug)]
pub struct Target {
    /// Until the head of the answer.
    pub timeout: Duration,
    /// Whose certificate is believed when the URL is https.
    pub trust: ServerTrust,
    /// The node's own service that is asked, if it is one; the URL then means nothing.
    pub built_in: Option<BuiltIn>,
}

/// Carries a request to a service. The URI of the request is absolute.
pub trait Adapter: Send + Sync + 'static {
    /// Sends the request once and gives the answer, whatever its status.
    fn call(
        &self,
        request: http::Request<Body>,
        target: &Target,
    ) -> impl Future<Output = Result<http::Response<Body>, gateway_net::Error>> + Send;
}

impl Adapter for gateway_net::Client {
    async fn call(
        &self,
        request: http::Request<Body>,
        target: &Target,
    ) -> Result<http::Response<Body>, gateway_net::Error> {
        self.request(request, &target.trust, Some(target.timeout))
            .await
    }
}
