//! Certificates that nobody else would trust, and clients that do.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::soon;

/// The two files of a certificate, in a directory that goes away.
pub struct Files {
    _directory: tempfile::TempDir,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Files {
    pub fn new() -> Files {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        Files { certificate: path("cert.pem"), key: path("key.pem"), _directory: directory }
    }

    /// Writes a new certificate for `localhost`, and gives it.
    pub fn renew(&self) -> CertificateDer<'static> {
        let new = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&self.certificate, new.cert.pem()).unwrap();
        fs::write(&self.key, new.signing_key.serialize_pem()).unwrap();
        new.cert.der().clone()
    }
}

/// A connection to a server that has this certificate; `None` if it has another, or there is no agreement.
pub async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> Option<Box<TlsStream<TcpStream>>> {
    over(TcpStream::connect(address).await.unwrap(), trusted, protocols).await
}

/// The same on a connection that is there.
pub async fn over(
    socket: TcpStream,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> Option<Box<TlsStream<TcpStream>>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    soon(TlsConnector::from(Arc::new(config)).connect(name, socket)).await.ok().map(Box::new)
}
