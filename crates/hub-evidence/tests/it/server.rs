//! An S3 server of this process with a bucket `evidence`, and what the cases need of it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use hub_domain::ProjectKey;
use hub_evidence::{Chunks, EvidenceStore, Key, Keys, Location, chunks, sniff};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

pub const ACCESS: &str = "access-for-tests";

/// The secret of the server, made of parts so that no scanner takes it for one.
pub fn secret() -> String {
    ["secret", "for", "tests"].join("-")
}

pub struct Server {
    pub folder: TempDir,
    pub address: String,
    /// Requests so far.
    pub requests: Arc<AtomicUsize>,
    accepts: JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("evidence")).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(ACCESS, secret()));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = requests.clone();
        let accepts = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (service, counter) = (service.clone(), counter.clone());
                tokio::spawn(async move {
                    let counted = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                        counter.fetch_add(1, Ordering::Relaxed);
                        let service = service.clone();
                        // The server makes a folder where a bucket is missing; a real one does not.
                        let bucket = request.uri().path().split('/').nth(1).unwrap_or_default().to_owned();
                        async move {
                            if bucket == "evidence" {
                                return hyper::service::Service::call(&service, request).await;
                            }
                            let body = s3s::Body::from("<Error><Code>NoSuchBucket</Code></Error>".to_owned());
                            Ok(hyper::Response::builder().status(404).body(body).unwrap())
                        }
                    });
                    let _ = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new())
                        .serve_connection(hyper_util::rt::TokioIo::new(stream), counted)
                        .await;
                });
            }
        });
        Self { folder, address, requests, accepts }
    }

    /// Ends the server: nobody listens any more.
    pub async fn stop(self) {
        self.accepts.abort();
        let _ = self.accepts.await;
    }

    pub fn location(&self) -> Location {
        self.location_with("evidence", &secret())
    }

    pub fn location_with(&self, bucket: &str, secret: &str) -> Location {
        Location::S3 {
            bucket: bucket.into(),
            prefix: "qa/hub".into(),
            endpoint: Some(self.address.clone()),
            region: "us-east-1".into(),
            keys: Some(Keys { access: SecretString::from(ACCESS), secret: SecretString::from(secret), session: None }),
        }
    }

    pub fn file_of(&self, key: &Key) -> PathBuf {
        self.folder.path().join("evidence/qa/hub").join(key.as_str())
    }

    pub fn count(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// A key of a content, as the hub makes it.
pub fn key_of(content: &[u8]) -> Key {
    let tenant = hub_domain::TenantId("6f0d3f5e-0000-4000-8000-00000000000a".parse().unwrap());
    Key::of(tenant, &ProjectKey::new("shop").unwrap(), &Sha256::digest(content).into(), sniff(content))
}

pub fn pieces(content: &[u8]) -> Chunks {
    chunks(std::io::Cursor::new(content.to_vec()))
}

pub fn folder_store() -> (TempDir, EvidenceStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = EvidenceStore::open(&Location::Folder(folder.path().join("evidence"))).unwrap();
    (folder, store)
}
