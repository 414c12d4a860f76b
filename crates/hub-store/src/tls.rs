//! TLS to the database: rustls with ring, Mozilla's certificate authorities, and those of a file where one is named
//! (Supabase signs its databases' certificates itself and hands out the file in its dashboard).

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// A connector that verifies the server's certificate.
pub(crate) fn connector(root_certificates: Option<&Path>) -> Result<MakeRustlsConnect, StoreError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = root_certificates {
        let refuse = |why: String| StoreError::Settings(vec![format!("sslrootcert {}: {why}", path.display())]);
        let mut found = false;
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| refuse(error.to_string()))? {
            let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
            roots.add(certificate).map_err(|error| refuse(error.to_string()))?;
            found = true;
        }
        if !found {
            return Err(refuse("holds no certificate".into()));
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Settings(vec![format!("TLS: {error}")]))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = connector(Some(file.path())).err().unwrap();
        assert_eq!(error.code().id, "HUB-4004");
        assert!(error.to_string().contains(&file.path().display().to_string()));
        assert!(connector(Some(Path::new("/no/such/file.pem"))).is_err());
        assert!(connector(None).is_ok());
    }
}
