//! A store in this process: what of the S3 interface our client uses, and what it must send.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_net::{Body, Handler, Limits, Listener, Peer, ServerTls, full};
use http::{HeaderMap, Method, Request, Response, StatusCode};

/// What one bucket holds, and what was asked of it.
#[derive(Debug, Default)]
pub(in crate::archive) struct Bucket {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(in crate::archive) struct State {
    pub(in crate::archive) objects: BTreeMap<String, Object>,
    pub(in crate::archive) uploads: BTreeMap<String, Upload>,
    /// Method, path and query.
    pub(in crate::archive) asked: Vec<String>,
    /// Answers given before any other, the last first.
    pub(in crate::archive) failing: Vec<StatusCode>,
    /// Keeps one octet less than it was sent.
    pub(in crate::archive) loses: bool,
    /// Requests whose target holds this are never answered.
    pub(in crate::archive) ignores: Option<&'static str>,
    uploads_begun: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::archive) struct Object {
    pub(in crate::archive) bytes: Vec<u8>,
    pub(in crate::archive) sha256: Option<String>,
    pub(in crate::archive) content_type: Option<String>,
}

#[derive(Debug, Default)]
pub(in crate::archive) struct Upload {
    path: String,
    object: Object,
    parts: BTreeMap<u32, Vec<u8>>,
}

#[derive(Debug)]
struct Served(Arc<Bucket>);

/// A running store.
pub(in crate::archive) struct Running {
    pub(in crate::archive) bucket: Arc<Bucket>,
    pub(in crate::archive) address: std::net::SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(in crate::archive) async fn serve(tls: Option<ServerTls>) -> Running {
    let bucket = Arc::new(Bucket::default());
    let listener = Listener::bind(([127, 0, 0, 1], 0).into(), tls, Limits::default())
        .await
        .unwrap();
    let address = listener.local_addr();
    let handler = Arc::new(Served(Arc::clone(&bucket)));
    let task = tokio::spawn(async move {
        listener
            .serve(handler, std::future::pending())
            .await
            .unwrap();
    });
    Running {
        bucket,
        address,
        task,
    }
}

impl Bucket {
    pub(in crate::archive) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Handler for Served {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = gateway_net::collect(body, 64 << 20).await.unwrap();
        let target = head.uri.path_and_query().unwrap().to_string();
        let ignored = {
            let mut state = self.0.state();
            state.asked.push(format!("{} {target}", head.method));
            state.ignores.is_some_and(|text| target.contains(text))
        };
        if ignored {
            std::future::pending::<()>().await;
        }
        let mut state = self.0.state();
        if let Some(status) = state.failing.pop() {
            return answer(status, "");
        }
        if let Err(missing) = check_signed(&head.headers, &body) {
            return answer(StatusCode::FORBIDDEN, missing);
        }
        let path = head.uri.path().to_owned();
        let query: BTreeMap<_, _> = head
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .collect();
        match (&head.method, query.get("uploadId").copied()) {
            (&Method::HEAD, None) => state.head(&path),
            (&Method::PUT, None) => state.put(path, object(&head.headers, body.to_vec())),
            (&Method::POST, None) if query.contains_key("uploads") => {
                state.begin(path, object(&head.headers, Vec::new()))
            }
            (&Method::PUT, Some(upload)) => {
                state.part(&path, upload, query["partNumber"].parse().unwrap(), &body)
            }
            (&Method::POST, Some(upload)) => state.complete(&path, upload, &body),
            (&Method::DELETE, Some(upload)) => {
                state.uploads.remove(upload);
                answer(StatusCode::NO_CONTENT, "")
            }
            _ => answer(StatusCode::METHOD_NOT_ALLOWED, ""),
        }
    }
}

impl State {
    fn head(&self, path: &str) -> Response<Body> {
        let Some(object) = self.objects.get(path) else {
            return answer(StatusCode::NOT_FOUND, "");
        };
        let mut response = Response::builder()
            .header("content-length", object.bytes.len())
            .header("etag", etag(&object.bytes))
            .header("last-modified", "Sun, 22 Nov 2026 09:00:00 GMT");
        if let Some(digest) = &object.sha256 {
            response = response.header("x-amz-meta-sha256", digest);
        }
        response.body(full("")).unwrap()
    }

    fn put(&mut self, path: String, mut object: Object) -> Response<Body> {
        let etag = etag(&object.bytes);
        if self.loses {
            object.bytes.pop();
        }
        self.objects.insert(path, object);
        Response::builder()
            .header("etag", etag)
            .body(full(""))
            .unwrap()
    }

    fn begin(&mut self, path: String, object: Object) -> Response<Body> {
        self.uploads_begun += 1;
        let id = format!("upload-{}", self.uploads_begun);
        let parts = BTreeMap::new();
        let upload = Upload {
            path,
            object,
            parts,
        };
        self.uploads.insert(id.clone(), upload);
        answer(
            StatusCode::OK,
            &format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId>\
                 </InitiateMultipartUploadResult>"
            ),
        )
    }

    fn part(&mut self, path: &str, upload: &str, number: u32, body: &[u8]) -> Response<Body> {
        let upload = self.uploads.get_mut(upload).unwrap();
        assert_eq!(upload.path, path);
        upload.parts.insert(number, body.to_vec());
        Response::builder()
            .header("etag", etag(body))
            .body(full(""))
            .unwrap()
    }

    fn complete(&mut self, path: &str, id: &str, body: &[u8]) -> Response<Body> {
        let Upload {
            path: begun,
            mut object,
            parts,
        } = self.uploads.remove(id).unwrap();
        assert_eq!(begun, path);
        let named = String::from_utf8(body.to_vec()).unwrap();
        for (number, part) in &parts {
            let number = format!("<PartNumber>{number}</PartNumber>");
            let tag = etag(part).replace('"', "&quot;");
            assert!(named.contains(&number), "{named}");
            assert!(
                named.contains(&tag) || named.contains(&etag(part)),
                "{named}"
            );
        }
        object.bytes = parts.into_values().flatten().collect();
        let tag = etag(&object.bytes);
        self.put(path.to_owned(), object);
        answer(
            StatusCode::OK,
            &format!(
                "<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>"
            ),
        )
    }
}

/// Signature Version 4: what carries the request's authenticity, and the digest of its body.
fn check_signed(headers: &HeaderMap, body: &[u8]) -> Result<(), &'static str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = text("authorization").ok_or("no authorization")?;
    let credential = "AWS4-HMAC-SHA256 Credential=KEYID/";
    if !authorization.starts_with(credential) || !authorization.contains("/az-1/s3/aws4_request") {
        return Err("authorization");
    }
    if !authorization.contains("x-amz-content-sha256") {
        return Err("the digest is not signed");
    }
    text("x-amz-date").ok_or("no date")?;
    text("host").ok_or("no host")?;
    let digest = hex::encode(Digest::of(DigestAlgorithm::Sha256, body).as_bytes());
    match text("x-amz-content-sha256") {
        Some(signed) if signed == digest => Ok(()),
        _ => Err("the body is not what was signed"),
    }
}

fn object(headers: &HeaderMap, bytes: Vec<u8>) -> Object {
    let text = |name| {
        let value = headers.get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    Object {
        bytes,
        sha256: text("x-amz-meta-sha256"),
        content_type: text("content-type"),
    }
}

/// Not the digest S3 has there: clients must not know it.
fn etag(bytes: &[u8]) -> String {
    format!(
        "\"{}\"",
        hex::encode(Digest::of(DigestAlgorithm::Sha1, bytes).as_bytes())
    )
}

fn answer(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(full(Bytes::from(text.to_owned())));
    *response.status_mut() = status;
    response
}
