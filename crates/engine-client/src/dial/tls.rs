//! TLS over whatever stream leads to the server.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, InvalidMessage, RootCertStore};

use super::Stream;
use super::anybody::Anybody;
use crate::EngineError;

/// Whom a client trusts, and who it is itself, for TLS 1.2 and 1.3. Cloning counts a reference; all clones resume each
/// other's sessions.
///
/// Without one, a [`Dialer`](crate::Dialer) trusts whom the platform trusts.
///
/// ```no_run
/// use sockeye_engine_client::{Dialer, Tls};
///
/// let own = std::fs::read("our-ca.pem")?;
/// let tls = Tls::builder().roots(&own)?.build()?;
/// let dialer = Dialer::default().tls(tls);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

/// Makes a [`Tls`].
///
/// ```no_run
/// use sockeye_engine_client::Tls;
///
/// let (chain, key) = (std::fs::read("me.pem")?, std::fs::read("me.key")?);
/// let tls = Tls::builder().client_certificate(&chain, &key)?.build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct TlsBuilder {
    roots: Vec<CertificateDer<'static>>,
    platform_too: bool,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    anybody: bool,
}

/// A certificate or a key that cannot be used.
///
/// ```
/// let problem = sockeye_engine_client::Tls::builder().roots(b"no PEM").unwrap_err();
/// assert_eq!(problem.to_string(), "the root certificates cannot be used: there is no certificate in PEM in there");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    what: &'static str,
    why: String,
}

impl Tls {
    /// Begins with what is usual: the platform's roots, no certificate of our own.
    ///
    /// ```
    /// let tls = sockeye_engine_client::Tls::builder().build()?;
    /// # Ok::<(), sockeye_engine_client::TlsError>(())
    /// ```
    pub fn builder() -> TlsBuilder {
        TlsBuilder::default()
    }

    /// Speaks TLS on this stream, with whoever proves to be `host`.
    pub(super) async fn connect(&self, stream: Stream, host: &str) -> Result<Stream, EngineError> {
        let failed = |problem| EngineError::tls(host, problem);
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|problem| failed(io::Error::other(problem)))?;
        let stream = TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await;
        Ok(Stream::new(stream.map_err(|problem| failed(in_words(problem)))?))
    }

    /// With the platform's roots: read from files once for all connections, by a thread that may wait for them.
    pub(super) async fn platform() -> Result<Tls, TlsError> {
        static PLATFORM: OnceLock<Tls> = OnceLock::new();
        if let Some(known) = PLATFORM.get() {
            return Ok(known.clone());
        }
        let read = tokio::task::spawn_blocking(|| Tls::builder().build()).await;
        let tls = read.unwrap_or_else(|ended| Err(TlsError::new("root certificates", &ended)))?;
        Ok(PLATFORM.get_or_init(|| tls).clone())
    }
}

/// A configuration of rustls's own, for what is not offered here: other versions, verifiers, providers.
///
/// ALPN is the caller's to set: nothing, or `http/1.1`.
impl From<Arc<ClientConfig>> for Tls {
    fn from(config: Arc<ClientConfig>) -> Self {
        Tls(config)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl TlsBuilder {
    /// Trusts the issuers in this PEM, and nobody else: not those of the platform. May be called several times.
    ///
    /// ```no_run
    /// let roots = std::fs::read("ca.pem")?;
    /// let tls = sockeye_engine_client::Tls::builder().roots(&roots)?.build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no certificate in it, or one that cannot be read.
    pub fn roots(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        self.roots.extend(certificates("root certificates", pem)?);
        Ok(self)
    }

    /// Trusts those of the platform besides one's own [`roots`](Self::roots).
    ///
    /// ```no_run
    /// use sockeye_engine_client::Tls;
    ///
    /// let tls = Tls::builder().roots(&std::fs::read("our-ca.pem")?)?.and_platform_roots().build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn and_platform_roots(mut self) -> Self {
        self.platform_too = true;
        self
    }

    /// Shows this certificate to a server that asks for one: the chain, our own first, and its private key (PKCS #8,
    /// PKCS #1 or SEC 1), both PEM.
    ///
    /// ```no_run
    /// let (chain, key) = (std::fs::read("client.pem")?, std::fs::read("client.key")?);
    /// let tls = sockeye_engine_client::Tls::builder().client_certificate(&chain, &key)?.build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If one of them cannot be read.
    pub fn client_certificate(mut self, chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates("client certificate", chain)?;
        let key = PrivateKeyDer::from_pem_slice(key);
        let key = key.map_err(|error| TlsError::new("key of the client certificate", &error))?;
        self.identity = Some((chain, key));
        Ok(self)
    }

    /// Trusts anybody, whatever certificate is shown: whoever sits in between can read and change everything. For experiments;
    /// for a server with a certificate of its own making, [`roots`](Self::roots) with that certificate is as easy, and safe.
    ///
    /// ```
    /// let tls = sockeye_engine_client::Tls::builder().dangerous_accept_any().build()?;
    /// # Ok::<(), sockeye_engine_client::TlsError>(())
    /// ```
    #[must_use]
    pub fn dangerous_accept_any(mut self) -> Self {
        self.anybody = true;
        self
    }

    /// Puts it together.
    ///
    /// ```
    /// let tls = sockeye_engine_client::Tls::builder().build()?;
    /// # Ok::<(), sockeye_engine_client::TlsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the machine has no roots that can be read, or certificate and key do not belong together.
    pub fn build(self) -> Result<Tls, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring has what TLS 1.2 and 1.3 need");
        let client = if self.anybody {
            let anybody = Arc::new(Anybody::new(provider));
            client.dangerous().with_custom_certificate_verifier(anybody)
        } else {
            client.with_webpki_verifier(self.verifier(provider)?)
        };
        let mut config = match self.identity {
            Some((chain, key)) => client
                .with_client_auth_cert(chain, key)
                .map_err(|error| TlsError::new("client certificate", &error))?,
            None => client.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls(Arc::new(config)))
    }

    fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
        let wrong = |why: &dyn fmt::Display| TlsError::new("root certificates", why);
        let mut roots = RootCertStore::empty();
        for root in &self.roots {
            roots.add(root.clone()).map_err(|error| wrong(&error))?;
        }
        if self.roots.is_empty() || self.platform_too {
            add_platform_roots(&mut roots)?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        verifier.build().map_err(|error| wrong(&error))
    }
}

/// Single ones that cannot be read are left out, as everybody does: a store of a platform often holds some.
fn add_platform_roots(roots: &mut RootCertStore) -> Result<(), TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken > 0 {
        return Ok(());
    }
    let why = found.errors.first().map_or("none were found".to_owned(), ToString::to_string);
    Err(TlsError::new("root certificates of this machine", &why))
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| TlsError::new(what, &error))?;
    if found.is_empty() {
        return Err(TlsError::new(what, &"there is no certificate in PEM in there"));
    }
    Ok(found)
}

/// The mistakes that everybody makes once are named.
fn in_words(problem: io::Error) -> io::Error {
    let cause = problem.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            io::Error::new(problem.kind(), "what answers there does not speak TLS; try http or ws")
        }
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(why)))
            if why.to_string().contains("CaUsedAsEndEntity") =>
        {
            let words = "the server shows a certificate that is for issuing others (CA:TRUE), and it needs one with CA:FALSE";
            io::Error::new(problem.kind(), words)
        }
        _ => problem,
    }
}

impl TlsError {
    fn new(what: &'static str, why: &dyn fmt::Display) -> TlsError {
        TlsError { what, why: why.to_string() }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} cannot be used: {}", self.what, self.why)
    }
}

impl std::error::Error for TlsError {}
