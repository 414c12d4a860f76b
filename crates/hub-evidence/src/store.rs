//! The store: put once, link for minutes, delete, list.

use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    Attribute, Attributes, ClientOptions, Error, ObjectStore, ObjectStoreExt as _, PutOptions, RetryConfig,
    WriteMultipart,
    aws::{AmazonS3, AmazonS3Builder},
    local::LocalFileSystem,
    path::Path,
    signer::Signer,
};
// Gives object_store its TLS: see the manifest.
use reqwest as _;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use url::Url;

use crate::{EvidenceError, Key, Location};

/// The size of a part of a large object, and the largest object that is sent in one piece: above the least that S3 takes (5
/// MiB), and small enough that a few of them are no memory.
const PART: usize = 8 << 20;
/// Parts on the way at once.
const PARTS: usize = 2;
/// The size of a piece in which files are read.
const PIECE: usize = 256 << 10;
/// The most keys that one call deletes: what S3 takes.
pub const DELETE_BATCH: usize = 1_000;
/// How long a connection may take, and a whole call. A part of 8 MiB passes within it at 100 KiB a second.
const CONNECT: Duration = Duration::from_secs(5);
const CALL: Duration = Duration::from_secs(90);
/// How often the library repeats a call that the server failed, and for how long: the caller has retries of its own.
const RETRIES: usize = 2;
const RETRY_FOR: Duration = Duration::from_secs(10);

/// An open store of evidence.
#[derive(Debug, Clone)]
pub struct EvidenceStore {
    store: Arc<dyn ObjectStore>,
    /// What signs addresses; nothing for a folder, whose files the hub hands out itself.
    signer: Option<Arc<AmazonS3>>,
    prefix: String,
    name: String,
}

/// What became of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was sent.
    Sent,
    /// The same content was there: nothing was sent.
    WasThere,
}

/// How evidence is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// At the store itself, for minutes.
    Signed(Url),
    /// The hub reads it out.
    Local,
}

/// An object as a list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its key; what is no key of ours is left out of lists.
    pub key: Key,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Bytes on their way into the store, in pieces.
pub type Chunks = mpsc::Receiver<io::Result<Bytes>>;

/// Reads in a thread of its own and hands over in pieces; a slow taker slows the reader.
#[must_use]
pub fn chunks(mut reader: impl Read + Send + 'static) -> Chunks {
    let (sender, receiver) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            match reader.read(&mut piece) {
                Ok(0) => return,
                Ok(n) => {
                    piece.truncate(n);
                    if sender.blocking_send(Ok(Bytes::from(piece))).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let _ = sender.blocking_send(Err(error));
                    return;
                }
            }
        }
    });
    receiver
}

impl EvidenceStore {
    /// Opens a store. No call is made: a store that is away shows when it is used.
    ///
    /// # Errors
    /// [`EvidenceError::Settings`] where the location cannot be one, or the folder cannot be made.
    pub fn open(location: &Location) -> Result<Self, EvidenceError> {
        let name = location.to_string();
        let refuse = |reason: String| EvidenceError::Settings { store: name.clone(), reason };
        match location {
            Location::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| refuse(error.to_string()))?;
                let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| refuse(error.to_string()))?;
                Ok(Self { store: Arc::new(store), signer: None, prefix: String::new(), name })
            }
            Location::S3 { bucket, prefix, endpoint, region, keys } => {
                // The process has one provider of cryptography; whoever comes first sets it.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let plain = endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
                let options =
                    ClientOptions::new().with_allow_http(plain).with_connect_timeout(CONNECT).with_timeout(CALL);
                let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_FOR, ..RetryConfig::default() };
                let mut builder = AmazonS3Builder::new()
                    .with_bucket_name(bucket)
                    .with_region(region)
                    .with_virtual_hosted_style_request(false)
                    .with_client_options(options)
                    .with_retry(retry);
                if let Some(endpoint) = endpoint {
                    builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
                }
                if let Some(keys) = keys {
                    builder = builder
                        .with_access_key_id(keys.access.expose_secret())
                        .with_secret_access_key(keys.secret.expose_secret());
                    if let Some(session) = &keys.session {
                        builder = builder.with_token(session.expose_secret());
                    }
                }
                let store = Arc::new(builder.build().map_err(|error| refuse(error.to_string()))?);
                let prefix = prefix.trim_matches('/').to_owned();
                Ok(Self { store: store.clone(), signer: Some(store), prefix, name })
            }
        }
    }

    /// The store for people; never a key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn path(&self, key: &str) -> Path {
        match self.prefix.as_str() {
            "" => Path::from(key),
            prefix => Path::from(format!("{prefix}/{key}")),
        }
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// The store's.
    pub async fn exists(&self, key: &Key) -> Result<bool, EvidenceError> {
        match self.store.head(&self.path(key.as_str())).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(EvidenceError::of("look for an object", &self.name, error)),
        }
    }

    /// Puts a content under its key, unless it is there. What arrives is compared with the key: a file that changed since its
    /// key was made is not stored.
    ///
    /// # Errors
    /// The store's, the reader's, or [`EvidenceError::Changed`].
    pub async fn put(&self, key: &Key, content_type: &str, bytes: u64, content: Chunks) -> Result<Put, EvidenceError> {
        if self.exists(key).await? {
            return Ok(Put::WasThere);
        }
        if bytes <= PART as u64 {
            self.put_small(key, content_type, content).await?;
        } else {
            self.put_parts(key, content_type, content).await?;
        }
        Ok(Put::Sent)
    }

    async fn put_small(&self, key: &Key, content_type: &str, mut content: Chunks) -> Result<(), EvidenceError> {
        let mut sum = Sum::new(key);
        let mut whole = BytesMut::new();
        while let Some(piece) = content.recv().await {
            let piece = sum.add(piece)?;
            whole.extend_from_slice(&piece);
            if whole.len() > PART {
                return Err(EvidenceError::Changed { key: key.to_string() });
            }
        }
        sum.check()?;
        let options = PutOptions { attributes: self.attributes(content_type), ..PutOptions::default() };
        let put = self.store.put_opts(&self.path(key.as_str()), whole.freeze().into(), options).await;
        put.map(|_| ()).map_err(|error| self.failed(error))
    }

    async fn put_parts(&self, key: &Key, content_type: &str, mut content: Chunks) -> Result<(), EvidenceError> {
        let options = object_store::PutMultipartOptions {
            attributes: self.attributes(content_type),
            ..object_store::PutMultipartOptions::default()
        };
        let upload = self.store.put_multipart_opts(&self.path(key.as_str()), options).await;
        let mut write = WriteMultipart::new_with_chunk_size(upload.map_err(|error| self.failed(error))?, PART);
        let mut sum = Sum::new(key);
        let mut sent = async || {
            while let Some(piece) = content.recv().await {
                let piece = sum.add(piece)?;
                write.wait_for_capacity(PARTS).await.map_err(|error| self.failed(error))?;
                write.write(&piece);
            }
            sum.check()
        };
        match sent().await {
            Ok(()) => write.finish().await.map(|_| ()).map_err(|error| self.failed(error)),
            Err(error) => {
                // What was sent of it is nothing without the end; where even this fails the store's own rules remove it.
                let _ = write.abort().await;
                Err(error)
            }
        }
    }

    fn failed(&self, error: Error) -> EvidenceError {
        EvidenceError::of("store an object", &self.name, error)
    }

    /// A folder keeps no attributes: the type is in the caller's row.
    fn attributes(&self, content_type: &str) -> Attributes {
        let mut attributes = Attributes::new();
        if self.signer.is_some() {
            attributes.insert(Attribute::ContentType, content_type.to_owned().into());
        }
        attributes
    }

    /// How an object is reached: an address signed for so long, or through the hub.
    ///
    /// # Errors
    /// The store's, where it cannot sign.
    pub async fn link(&self, key: &Key, lives: Duration) -> Result<Link, EvidenceError> {
        let Some(signer) = &self.signer else { return Ok(Link::Local) };
        let signed = signer.signed_url("GET".parse().unwrap_or_default(), &self.path(key.as_str()), lives).await;
        signed.map(Link::Signed).map_err(|error| EvidenceError::of("sign an address", &self.name, error))
    }

    /// Reads an object out: its size and its bytes in pieces.
    ///
    /// # Errors
    /// [`EvidenceError::NotThere`], or the store's.
    pub async fn read(&self, key: &Key) -> Result<(u64, BoxStream<'static, Result<Bytes, io::Error>>), EvidenceError> {
        const DOING: &str = "read an object";
        match self.store.get(&self.path(key.as_str())).await {
            Ok(found) => {
                let bytes = found.meta.size;
                Ok((bytes, found.into_stream().map_err(io::Error::other).boxed()))
            }
            Err(Error::NotFound { .. }) => {
                Err(EvidenceError::NotThere { doing: DOING, store: self.name.clone(), key: key.to_string() })
            }
            Err(error) => Err(EvidenceError::of(DOING, &self.name, error)),
        }
    }

    /// Deletes objects, at most [`DELETE_BATCH`] a call. One that is not there counts as deleted. Returns how many calls.
    ///
    /// # Errors
    /// The store's; what was deleted before it stays deleted.
    pub async fn delete(&self, keys: &[Key]) -> Result<u64, EvidenceError> {
        let mut calls = 0;
        for batch in keys.chunks(DELETE_BATCH) {
            let paths: Vec<_> = batch.iter().map(|key| Ok(self.path(key.as_str()))).collect();
            let mut answers = self.store.delete_stream(futures::stream::iter(paths).boxed());
            calls += 1;
            while let Some(answer) = answers.next().await {
                match answer {
                    Ok(_) | Err(Error::NotFound { .. }) => {}
                    Err(error) => return Err(EvidenceError::of("delete objects", &self.name, error)),
                }
            }
        }
        Ok(calls)
    }

    /// Every object below a folder of the store, in no order. What is no key of ours is passed over.
    pub fn list(&self, folder: &str) -> BoxStream<'static, Result<Stored, EvidenceError>> {
        let (name, prefix) = (self.name.clone(), self.prefix.clone());
        let listed = self.store.list(Some(&self.path(folder)));
        listed
            .filter_map(move |object| {
                let found = match object {
                    Ok(object) => {
                        let path = object.location.as_ref();
                        let key = path.strip_prefix(prefix.as_str()).unwrap_or(path).trim_start_matches('/');
                        Key::parse(key).ok().map(|key| Ok(Stored { key, bytes: object.size }))
                    }
                    Err(Error::NotFound { .. }) => None,
                    Err(error) => Some(Err(EvidenceError::of("list objects", &name, error))),
                };
                futures::future::ready(found)
            })
            .boxed()
    }
}

/// The sum of what was read, against the one in the key.
struct Sum<'a> {
    key: &'a Key,
    sha: Sha256,
}

impl<'a> Sum<'a> {
    fn new(key: &'a Key) -> Self {
        Self { key, sha: Sha256::new() }
    }

    fn add(&mut self, piece: io::Result<Bytes>) -> Result<Bytes, EvidenceError> {
        let piece = piece.map_err(|source| EvidenceError::Read { key: self.key.to_string(), source })?;
        self.sha.update(&piece);
        Ok(piece)
    }

    fn check(&mut self) -> Result<(), EvidenceError> {
        let sum: String = self.sha.finalize_reset().iter().map(|byte| format!("{byte:02x}")).collect();
        if sum == self.key.sha256() { Ok(()) } else { Err(EvidenceError::Changed { key: self.key.to_string() }) }
    }
}
