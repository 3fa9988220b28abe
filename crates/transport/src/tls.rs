//! TLS of the server's own listener: certificate and key from files, which can be read again while it runs.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// Protocols that are offered inside TLS (ALPN), the preferred one first.
#[cfg(feature = "http2")]
const PROTOCOLS: &[&[u8]] = &[HTTP2, b"http/1.1"];
#[cfg(not(feature = "http2"))]
const PROTOCOLS: &[&[u8]] = &[b"http/1.1"];

/// HTTP/2, as ALPN calls it.
#[cfg(feature = "http2")]
pub(crate) const HTTP2: &[u8] = b"h2";

/// Certificate and key of a server, for TLS 1.2 and 1.3. Cloning counts a reference: all clones read anew together.
///
/// ```no_run
/// use sockeye_transport::Tls;
///
/// let tls = Tls::from_files("fullchain.pem", "privkey.pem")?;
/// // … the certificate has been renewed:
/// if let Err(problem) = tls.reload() {
///     eprintln!("still with the old certificate: {problem}");
/// }
/// # Ok::<(), sockeye_transport::TlsError>(())
/// ```
#[derive(Clone)]
pub struct Tls(Arc<Files>);

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// Guards what new connections get. Held to copy a reference, or to put in another.
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the certificate, with those of its issuers behind it, and its private key (PKCS #8, PKCS #1 or SEC 1), both
    /// PEM. They may be in one file.
    ///
    /// # Errors
    ///
    /// If one of them cannot be read, or they do not belong together.
    pub fn from_files(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Tls, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        let current = RwLock::new(read(&certificate, &key)?);
        Ok(Tls(Arc::new(Files { certificate, key, current })))
    }

    /// Reads the files again. Connections that come from now on get what is in there; those that are there go on
    /// with what they have.
    ///
    /// # Errors
    ///
    /// As [`from_files`](Self::from_files); the old certificate stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let Files { certificate, key, current } = &*self.0;
        let new = read(certificate, key)?;
        *current.write() = new;
        Ok(())
    }

    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.current.read())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Files { certificate, key, .. } = &*self.0;
        f.debug_struct("Tls").field("certificate", certificate).field("key", key).finish()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let no_certificate = |why: &dyn fmt::Display| TlsError::new("certificate", certificate, why);
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain: Vec<CertificateDer<'static>> = chain.map_err(|error| no_certificate(&error))?;
    if chain.is_empty() {
        return Err(no_certificate(&"there is no certificate in PEM in it"));
    }
    let secret = PrivateKeyDer::from_pem_file(key);
    let secret = secret.map_err(|error| TlsError::new("key", key, &error))?;
    let configured = configure(chain, secret);
    configured.map_err(|error| no_certificate(&format!("with the key {}: {error}", key.display())))
}

fn configure(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

/// A certificate or a key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    what: &'static str,
    path: PathBuf,
    why: String,
}

impl TlsError {
    fn new(what: &'static str, path: &Path, why: &dyn fmt::Display) -> TlsError {
        TlsError { what, path: path.to_owned(), why: why.to_string() }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TlsError { what, path, why } = self;
        write!(f, "the {what} in {} cannot be used: {why}", path.display())
    }
}

impl Error for TlsError {}
