//! Tests of asking authorities over HTTP.

use gateway_evidence::stamper::{Ask, AskError};
use gateway_net::{Body, Handler, Limits, Peer};
use http::{Request, Response};

use super::{ANSWER_BYTES_MAX, HttpAsk, timely};
use crate::config::evidence::Timestamping;
use crate::service::Running;

/// Answers as its path says.
struct Authority;

impl Handler for Authority {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
        let asked = gateway_net::collect(request.into_body(), 100)
            .await
            .unwrap();
        let status = match path.as_str() {
            "/tsa" => 200,
            "/long" => {
                return Response::new(gateway_net::full(vec![0; ANSWER_BYTES_MAX + 1]));
            }
            "/silent" => std::future::pending().await,
            status => status.trim_start_matches('/').parse().unwrap(),
        };
        assert_eq!(headers["content-type"], "application/timestamp-query");
        assert_eq!(headers["content-length"], asked.len().to_string());
        let mut response = Response::new(gateway_net::full(asked));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        response
    }
}

#[tokio::test]
async fn gives_the_answer_or_says_why_there_is_none() {
    let mut running = Running::new();
    let any = "127.0.0.1:0".parse().unwrap();
    let bound = running
        .listen(any, None, Limits::default(), Authority)
        .await;
    let bound = bound.unwrap();
    let ask = HttpAsk::new(&Timestamping {
        connect_timeout_seconds: 1,
        answer_timeout_seconds: 1,
        ..Timestamping::default()
    })
    .unwrap();
    let at = |path: &str| ask_for(&ask, format!("http://{bound}{path}"));
    assert_eq!(at("/tsa").await.unwrap(), "query");
    assert_eq!(at("/503").await, Err(AskError::Status(503)));
    // Only 200 will do.
    assert_eq!(at("/204").await, Err(AskError::Status(204)));
    let too_large = AskError::TooLarge {
        bytes_max: ANSWER_BYTES_MAX,
    };
    assert_eq!(at("/long").await, Err(too_large));
    assert_eq!(at("/silent").await, Err(AskError::Timeout));
    for url in ["tsa", "ftp://tsa/", "http://", "http://a b/"] {
        assert_eq!(
            ask_for(&ask, url.to_owned()).await,
            Err(AskError::Url),
            "{url}"
        );
    }
    drop(running);
    let gone = at("/tsa").await;
    assert!(matches!(gone, Err(AskError::Connection { .. })), "{gone:?}");
}

async fn ask_for(ask: &HttpAsk, url: String) -> Result<bytes::Bytes, AskError> {
    ask.ask(&url, b"query".to_vec()).await
}

#[test]
fn stamps_often_enough_for_the_policy() {
    for (interval, lag_max, expected) in [
        (60, 259_200, 60),
        (86_400, 259_200, 86_400),
        (86_400, 14_400, 7200),
        (60, 1, 1),
        (86_400, 0, 86_400),
    ] {
        assert_eq!(timely(interval, lag_max), expected, "{interval} {lag_max}");
    }
}
