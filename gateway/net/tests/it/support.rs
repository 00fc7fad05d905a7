//! A listener with a closure behind it, and raw conversations with it.

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use gateway_net::{Body, Handler, Limits, Listener, Peer, ServerTls, collect, full};
use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

pub(crate) type Answer = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// A handler that is a closure.
pub(crate) struct On<F>(F);

impl<F: Fn(Request<Body>, Peer) -> Answer + Send + Sync + 'static> Handler for On<F> {
    fn handle(
        &self,
        request: Request<Body>,
        peer: &Peer,
    ) -> impl Future<Output = Response<Body>> + Send {
        (self.0)(request, peer.clone())
    }
}

/// A listener that runs until it is stopped or dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }
}

pub(crate) async fn serve(
    tls: Option<ServerTls>,
    limits: Limits,
    answer: impl Fn(Request<Body>, Peer) -> Answer + Send + Sync + 'static,
) -> Running {
    let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), tls, limits)
        .await
        .unwrap();
    let address = listener.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        listener.serve(Arc::new(On(answer)), stopped).await.unwrap();
    });
    Running {
        address,
        stop: Some(stop),
        task,
    }
}

/// Answers with the method, the target and the body of the request.
pub(crate) fn echo(request: Request<Body>, _peer: Peer) -> Answer {
    Box::pin(async move {
        let (parts, body) = request.into_parts();
        match collect(body, 1 << 20).await {
            Ok(body) => {
                let body = String::from_utf8_lossy(&body).into_owned();
                Response::new(full(format!("{} {} {body}", parts.method, parts.uri)))
            }
            Err(error) => {
                let status = if error.is_timeout() { 408 } else { 422 };
                Response::builder()
                    .status(status)
                    .body(full(error.to_string()))
                    .unwrap()
            }
        }
    })
}

/// Writes these bytes and reads until the other side closes.
pub(crate) async fn talk(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_ref()).await.unwrap();
    String::from_utf8(read_all(&mut stream).await).unwrap()
}

pub(crate) async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    answer
}

/// Reads one head, of a request or a response.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A wait that must end, however slow the machine.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), work)
        .await
        .expect("takes too long")
}

pub(crate) fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(gateway_net::empty()).unwrap()
}

pub(crate) async fn text(response: Response<Body>) -> String {
    let bytes: Bytes = soon(collect(response.into_body(), 1 << 20)).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}
