#![allow(
    clippy::all,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    missing_docs,
    unused_crate_dependencies,
    clippy::expect_used,
    clippy::disallowed_methods
)]
use adapters_sql::Service;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use std::sync::Arc;
#[tokio::main]
async fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let mut out = vec![];
    let args: Vec<String> = std::env::args().skip(2).collect();
    for name in args {
        let text = std::fs::read_to_string(format!("{dir}/{name}.toml")).unwrap();
        let mut adapter = Service::check(&name, &text).unwrap_or_else(|e| panic!("{e}"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        adapter.listen = listener.local_addr().unwrap();
        println!("{name} http://{}", adapter.listen);
        let service = Arc::new(
            Service::open(adapter, dir.as_ref())
                .unwrap_or_else(|e| panic!("{e}: {:?}", std::error::Error::source(&e))),
        );
        service
            .probe()
            .await
            .unwrap_or_else(|e| panic!("{e}: {:?}", std::error::Error::source(&e)));
        out.push(tokio::spawn(async move { loop {
            let (s, _) = listener.accept().await.unwrap(); let service = service.clone();
            tokio::spawn(async move { let _ = hyper::server::conn::http1::Builder::new().serve_connection(hyper_util::rt::TokioIo::new(s), hyper::service::service_fn(move |r: http::Request<hyper::body::Incoming>| { let service = service.clone(); async move {
                let (p, b) = r.into_parts(); let b = b.collect().await?.to_bytes();
                let mut a = service.handle(http::Request::from_parts(p, b)).await;
                let t = String::from_utf8_lossy(a.body()).into_owned();
                if t.contains("requestHash") == false && t.contains("Header>") && t.contains("Envelope") { for e in [":id>", "</id>"] { if let Some(at) = t.find(&format!("{e}")) { let end = if e == "</id>" { at + 5 } else { let open = t[at+4..].find(":id>").map(|x| at+4+x+4); match open { Some(x) => x, None => at+4 } };
                    let (h, r) = t.split_at(end); *a.body_mut() = Bytes::from(format!("{h}<requestHash xmlns=\"http://x-road.eu/xsd/xroad.xsd\" algorithmId=\"http://www.w3.org/2001/04/xmlenc#sha512\">AA==</requestHash>{r}")); break; } } }
                Ok::<_, hyper::Error>(a.map(Full::new)) } })).await; });
        }}));
    }
    for o in out {
        o.await.unwrap();
    }
}
