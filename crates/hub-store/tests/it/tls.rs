//! TLS to the database: a certificate is verified, against a file where one is named.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::Command,
};

use hub_store::{DatabaseConfig, EmbeddedConfig, EmbeddedServer, Store};

/// A key and a certificate that vouches for `localhost`; false where there is no openssl.
fn make_certificate(folder: &Path) -> bool {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split(' '));
    command.args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]);
    command.args(["-keyout", "key.pem", "-out", "cert.pem"]);
    command.output().is_ok_and(|answer| answer.status.success())
}

#[tokio::test]
async fn the_certificate_is_verified_against_the_file_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if !make_certificate(dir.path()) {
        println!("skipped: there is no openssl to make a certificate with");
        return;
    }
    let mut config = EmbeddedConfig::new(dir.path().join("server"));
    drop(EmbeddedServer::start(&config).unwrap());
    // The server's user must own the key.
    let user = fs::metadata(config.data_dir.join("pg")).unwrap();
    let (key, certificate) = (dir.path().join("key.pem"), dir.path().join("cert.pem"));
    chown(&key, Some(user.uid()), Some(user.gid())).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    config.settings = [
        ("listen_addresses", "localhost".to_owned()),
        ("port", port.to_string()),
        ("ssl", "on".to_owned()),
        ("ssl_key_file", key.display().to_string()),
        ("ssl_cert_file", certificate.display().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    let _server = EmbeddedServer::start(&config).unwrap();

    let url = format!("postgres://hub@localhost:{port}/postgres?sslmode=verify-full");
    let trusted = format!("{url}&sslrootcert={}", certificate.display());
    let store = Store::connect(&DatabaseConfig::url(trusted)).await.unwrap();
    assert_eq!(store.ensure_current().await.unwrap_err().code().id, "HUB-3004");
    let stranger = Store::connect(&DatabaseConfig::url(url)).await.unwrap_err();
    assert_eq!(stranger.code().id, "HUB-3003");
}
