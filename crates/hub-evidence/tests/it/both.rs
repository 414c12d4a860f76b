//! What must hold for every kind of store.

use std::time::Duration;

use futures::TryStreamExt;
use hub_evidence::{EvidenceError, EvidenceStore, Key, Link, Put};

use crate::server::{Server, folder_store, key_of, pieces};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and some pixels";

async fn read(store: &EvidenceStore, key: &Key) -> Vec<u8> {
    let (bytes, stream) = store.read(key).await.unwrap();
    let content: Vec<u8> = stream
        .try_fold(Vec::new(), async |mut all, piece| {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
        .unwrap();
    assert_eq!(content.len() as u64, bytes);
    content
}

async fn listed(store: &EvidenceStore, folder: &str) -> Vec<Key> {
    let mut keys: Vec<Key> = store.list(folder).map_ok(|stored| stored.key).try_collect().await.unwrap();
    keys.sort();
    keys
}

/// Large enough for three parts, and not the same in any two of them.
fn film() -> Vec<u8> {
    let mut film = b"\x1a\x45\xdf\xa3".to_vec();
    film.extend((0..20_000_000_u32 / 4).flat_map(u32::to_le_bytes));
    film
}

async fn puts_once_reads_lists_and_deletes(store: &EvidenceStore) {
    let key = key_of(PNG);
    assert_eq!(store.put(&key, "image/png", PNG.len() as u64, pieces(PNG)).await.unwrap(), Put::Sent);
    assert_eq!(store.put(&key, "image/png", PNG.len() as u64, pieces(PNG)).await.unwrap(), Put::WasThere);
    assert_eq!(read(store, &key).await, PNG);

    let film = film();
    let long = key_of(&film);
    assert_eq!(store.put(&long, "video/webm", film.len() as u64, pieces(&film)).await.unwrap(), Put::Sent);
    assert_eq!(read(store, &long).await, film);
    assert_eq!(store.put(&long, "video/webm", film.len() as u64, pieces(&film)).await.unwrap(), Put::WasThere);

    let empty = key_of(b"");
    store.put(&empty, "text/plain", 0, pieces(b"")).await.unwrap();
    let mut all = vec![key.clone(), long.clone(), empty.clone()];
    all.sort();
    assert_eq!(listed(store, "6f0d3f5e-0000-4000-8000-00000000000a/shop").await, all);
    assert_eq!(listed(store, "6f0d3f5e-0000-4000-8000-00000000000a/other").await, []);

    let unknown = key_of(b"never put");
    assert_eq!(store.delete(&[key.clone(), unknown, long]).await.unwrap(), 1);
    assert!(!store.exists(&key).await.unwrap());
    assert_eq!(listed(store, "6f0d3f5e-0000-4000-8000-00000000000a/shop").await, [empty]);
    assert!(matches!(store.read(&key).await.err().unwrap(), EvidenceError::NotThere { .. }));
}

/// A file that grows between the making of its key and its way into the store.
async fn a_changed_file_is_not_stored(store: &EvidenceStore) {
    for (content, later) in [(PNG.to_vec(), b"another".to_vec()), (film(), [film(), vec![1]].concat())] {
        let key = key_of(&content);
        let error = store.put(&key, "image/png", content.len() as u64, pieces(&later)).await.unwrap_err();
        assert_eq!(error.code().id, "HUB-6008", "{error}");
        assert!(!store.exists(&key).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_puts_once_reads_lists_and_deletes() {
    let server = Server::start().await;
    let store = EvidenceStore::open(&server.location()).unwrap();
    puts_once_reads_lists_and_deletes(&store).await;
    a_changed_file_is_not_stored(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_puts_once_reads_lists_and_deletes() {
    let (_folder, store) = folder_store();
    puts_once_reads_lists_and_deletes(&store).await;
    a_changed_file_is_not_stored(&store).await;
    assert_eq!(store.link(&key_of(PNG), Duration::from_secs(300)).await.unwrap(), Link::Local);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_not_sent_again() {
    let server = Server::start().await;
    let store = EvidenceStore::open(&server.location()).unwrap();
    let key = key_of(PNG);
    store.put(&key, "image/png", PNG.len() as u64, pieces(PNG)).await.unwrap();
    let before = server.count();
    store.put(&key, "image/png", PNG.len() as u64, pieces(PNG)).await.unwrap();
    assert_eq!(server.count() - before, 1, "one question and no bytes");
    assert_eq!(std::fs::read(server.file_of(&key)).unwrap(), PNG, "below the prefix, under its key");
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_are_deleted_in_batches() {
    let server = Server::start().await;
    let store = EvidenceStore::open(&server.location()).unwrap();
    let keys: Vec<Key> = (0..1_001_u32).map(|n| key_of(&n.to_le_bytes())).collect();
    for key in [&keys[0], &keys[1_000]] {
        std::fs::create_dir_all(server.file_of(key).parent().unwrap()).unwrap();
        std::fs::write(server.file_of(key), "x").unwrap();
    }
    let before = server.count();
    assert_eq!(store.delete(&keys).await.unwrap(), 2);
    assert_eq!(server.count() - before, 2, "a call for a thousand");
    assert!(!server.file_of(&keys[0]).exists() && !server.file_of(&keys[1_000]).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_address_reads_and_a_forged_one_does_not() {
    let server = Server::start().await;
    let store = EvidenceStore::open(&server.location()).unwrap();
    let key = key_of(PNG);
    store.put(&key, "image/png", PNG.len() as u64, pieces(PNG)).await.unwrap();
    let Link::Signed(url) = store.link(&key, Duration::from_secs(300)).await.unwrap() else { panic!("not signed") };
    assert!(url.as_str().contains("X-Amz-Expires=300"), "{url}");
    let answer = reqwest::get(url.clone()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(answer.bytes().await.unwrap(), PNG);
    let forged = url.as_str().replace("X-Amz-Signature=", "X-Amz-Signature=0");
    assert!(!reqwest::get(forged).await.unwrap().status().is_success());
    let other = url.as_str().replace(key.as_str(), key_of(b"other").as_str());
    assert!(!reqwest::get(other).await.unwrap().status().is_success());
}

#[test]
fn supabases_own_form_of_address_is_kept() {
    let location = hub_evidence::Location::S3 {
        bucket: "evidence".into(),
        prefix: String::new(),
        endpoint: Some("https://ref.storage.example.com/storage/v1/s3/".into()),
        region: "eu-central-1".into(),
        keys: Some(hub_evidence::Keys { access: "a".into(), secret: "b".into(), session: Some("c".into()) }),
    };
    let store = EvidenceStore::open(&location).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let key = key_of(PNG);
    let Link::Signed(url) = runtime.block_on(store.link(&key, Duration::from_secs(600))).unwrap() else { panic!() };
    let expect = format!("https://ref.storage.example.com/storage/v1/s3/evidence/{key}?");
    assert!(url.as_str().starts_with(&expect), "{url}");
    assert!(url.as_str().contains("X-Amz-Security-Token=c"), "{url}");
}
