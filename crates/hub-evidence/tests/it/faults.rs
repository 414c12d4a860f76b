//! What goes wrong with a store is a state with a code, told apart, and soon.

use std::time::{Duration, Instant};

use hub_evidence::{EvidenceError, EvidenceStore, Location};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::server::{Server, key_of, pieces};

const TEXT: &[u8] = b"what the browser said";

async fn put(location: &Location) -> EvidenceError {
    let store = EvidenceStore::open(location).unwrap();
    store.put(&key_of(TEXT), "text/plain", TEXT.len() as u64, pieces(TEXT)).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_a_missing_bucket_and_a_server_that_is_down_are_told_apart() {
    let server = Server::start().await;
    let wrong = put(&server.location_with("evidence", "another")).await;
    assert_eq!(wrong.code().id, "HUB-6002", "{wrong:?}");
    let missing = put(&server.location_with("no-such-bucket", &crate::server::secret())).await;
    assert_eq!(missing.code().id, "HUB-6003", "{missing:?}");
    let location = server.location();
    server.stop().await;
    let began = Instant::now();
    let down = put(&location).await;
    assert_eq!(down.code().id, "HUB-6001", "{down:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!([wrong, missing, down].iter().all(EvidenceError::is_of_the_store));
}

/// A server that answers everything with one status, as a proxy in front of a store does.
async fn always(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0; 65_536];
                let mut first = true;
                loop {
                    match tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await {
                        Ok(0) | Err(_) => return,
                        Ok(n) => {
                            // An object is looked for first: it is not there.
                            let head = buffer.get(..n).is_some_and(|b| b.starts_with(b"HEAD"));
                            let answer = if head && first {
                                "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned()
                            } else {
                                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                            };
                            first = head;
                            let _ = stream.write_all(answer.as_bytes()).await;
                        }
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_stores_are_sorted_by_what_they_mean() {
    let server = Server::start().await;
    let cases = [
        ("413 Payload Too Large", "", "HUB-6004"),
        ("400 Bad Request", "<Error><Code>EntityTooLarge</Code></Error>", "HUB-6004"),
        ("400 Bad Request", "<Error><Code>InvalidKey</Code></Error>", "HUB-6004"),
        ("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>", "HUB-6002"),
        ("401 Unauthorized", "", "HUB-6002"),
        ("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>", "HUB-6003"),
        ("503 Slow Down", "<Error><Code>SlowDown</Code></Error>", "HUB-6001"),
        ("502 Bad Gateway", "<html>proxy</html>", "HUB-6001"),
    ];
    for (status, body, code) in cases {
        let Location::S3 { bucket, prefix, region, keys, .. } = server.location() else { panic!() };
        let endpoint = Some(always(status, body).await);
        let error = put(&Location::S3 { bucket, prefix, endpoint, region, keys }).await;
        assert_eq!(error.code().id, code, "{status} {body}: {error:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_told_at_once_and_no_key_is_shown() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = EvidenceStore::open(&Location::Folder(file.path().join("evidence"))).unwrap_err();
    assert_eq!(error.code().id, "HUB-4004");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start());
    let shown = format!("{} {:?}", server.location(), server.location());
    assert!(!shown.contains(&crate::server::secret()), "{shown}");
}
