//! TLS with servers that are trusted, that are not, and that are none.

mod support;

use std::io;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use sockeye_engine_client::http::Lane;
use sockeye_engine_client::{EngineError, Tls, TlsBuilder, TlsError};
use support::{Client, Server, ok, pair, read_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::join;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

/// Somebody who issues certificates.
struct Issuer(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Issuer {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Issuer(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        Identity { certificate: params.signed_by(&key, &self.0).unwrap(), key }
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

impl Identity {
    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.der().clone()]
    }

    fn secret(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.serialize_der().into())
    }
}

/// A server that shows this certificate, and asks for one of these issuers if there are some.
fn acceptor(identity: &Identity, clients: Option<&Issuer>) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(issuer) => {
            let roots = Arc::new(issuer.roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let mut config = config.with_single_cert(identity.chain(), identity.secret()).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(
    server: &mut Server,
    acceptor: &TlsAcceptor,
) -> io::Result<TlsStream<DuplexStream>> {
    acceptor.accept(server.accept().await).await
}

fn trusting(issuer: &Issuer) -> TlsBuilder {
    Tls::builder().roots(issuer.pem().as_bytes()).unwrap()
}

/// A client of this URL in memory, with this TLS.
fn client(url: &str, tls: TlsBuilder) -> (Client, Server) {
    let (mut client, server) = pair(url);
    client.dialer = client.dialer.tls(tls.build().unwrap());
    (client, server)
}

/// What a client says who could not connect.
async fn problem(url: &str, tls: TlsBuilder, acceptor: &TlsAcceptor) -> String {
    let (client, mut server) = client(url, tls);
    let (outcome, _) = join!(client.dialer.dial(&client.target), accept(&mut server, acceptor));
    let error = outcome.expect_err("not trusted");
    assert!(matches!(error, EngineError::Tls { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_server_of_an_issuer_of_ours_is_trusted_and_spoken_to_in_http_1() {
    let issuer = Issuer::new("ours");
    let acceptor = acceptor(&issuer.issue("example.com"), None);
    let (client, mut server) = client("https://example.com", trusting(&issuer));
    let serve = async {
        let mut stream = accept(&mut server, &acceptor).await.unwrap();
        let request = read_request(&mut stream).await;
        stream.write_all(ok("hello").as_bytes()).await.unwrap();
        let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        (request, protocol)
    };
    let mut lane = Lane::default();
    let (got, (request, protocol)) = join!(client.get(&mut lane), serve);
    assert_eq!(got.unwrap().body, "hello");
    assert!(request.contains("host: example.com\r\n"), "without the usual port: {request}");
    assert_eq!(protocol.as_deref(), Some(b"http/1.1".as_slice()));
}

#[tokio::test]
async fn an_address_is_a_name_as_well() {
    let issuer = Issuer::new("ours");
    for (url, name) in [("wss://127.0.0.1:3000", "127.0.0.1"), ("wss://[::1]:3000", "::1")] {
        let acceptor = acceptor(&issuer.issue(name), None);
        let (client, mut server) = client(url, trusting(&issuer));
        let (stream, accepted) =
            join!(client.dialer.dial(&client.target), accept(&mut server, &acceptor));
        assert!(stream.is_ok() && accepted.is_ok(), "{url}: {stream:?}");
    }
}

#[tokio::test]
async fn a_server_with_a_certificate_of_its_own_making_is_trusted_if_that_is_a_root() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let identity = Identity { certificate: made.cert, key: made.signing_key };
    let acceptor = acceptor(&identity, None);
    let tls = Tls::builder().roots(identity.certificate.pem().as_bytes()).unwrap();
    let (client, mut server) = client("https://localhost", tls);
    let (stream, _) = join!(client.dialer.dial(&client.target), accept(&mut server, &acceptor));
    assert!(stream.is_ok(), "{stream:?}");
}

#[tokio::test]
async fn a_server_of_another_name_is_not_trusted() {
    let issuer = Issuer::new("ours");
    let acceptor = acceptor(&issuer.issue("example.org"), None);
    let told = problem("https://example.com", trusting(&issuer), &acceptor).await;
    assert!(told.starts_with("no TLS with example.com: invalid peer certificate"), "{told}");
    assert!(told.contains("example.org"), "says for whom it is: {told}");
}

#[tokio::test]
async fn a_server_of_another_issuer_is_not_trusted() {
    let acceptor = acceptor(&Issuer::new("theirs").issue("example.com"), None);
    let told = problem("https://example.com", trusting(&Issuer::new("ours")), &acceptor).await;
    assert_eq!(told, "no TLS with example.com: invalid peer certificate: UnknownIssuer");
}

#[tokio::test]
async fn whoever_accepts_anybody_accepts_anybody() {
    let acceptor = acceptor(&Issuer::new("ours").issue("example.org"), None);
    let (client, mut server) = client("https://example.com", Tls::builder().dangerous_accept_any());
    let (stream, _) = join!(client.dialer.dial(&client.target), accept(&mut server, &acceptor));
    assert!(stream.is_ok(), "{stream:?}");
}

#[tokio::test]
async fn a_client_shows_its_certificate_to_a_server_that_asks() {
    let issuer = Issuer::new("ours");
    let acceptor = acceptor(&issuer.issue("example.com"), Some(&issuer));
    let me = issuer.issue("me.example");
    let tls = trusting(&issuer)
        .client_certificate(me.certificate.pem().as_bytes(), me.key.serialize_pem().as_bytes())
        .unwrap();
    let (client, mut server) = client("https://example.com", tls);
    let (stream, accepted) =
        join!(client.dialer.dial(&client.target), accept(&mut server, &acceptor));
    assert!(stream.is_ok(), "{stream:?}");
    let accepted = accepted.unwrap();
    let shown = accepted.get_ref().1.peer_certificates().unwrap();
    assert_eq!(shown[0], *me.certificate.der());
}

#[tokio::test]
async fn a_client_without_a_certificate_hears_that_it_needs_one() {
    let issuer = Issuer::new("ours");
    let acceptor = acceptor(&issuer.issue("example.com"), Some(&issuer));
    let (client, mut server) = client("https://example.com", trusting(&issuer));
    let mut lane = Lane::default();
    // In TLS 1.3 the server says no behind the client's handshake.
    let (got, accepted) = join!(client.get(&mut lane), accept(&mut server, &acceptor));
    assert!(accepted.is_err());
    let told = got.expect_err("no certificate").to_string();
    assert!(told.contains("CertificateRequired"), "{told}");
}

#[tokio::test]
async fn a_server_without_tls_is_recognised() {
    let (client, mut server) =
        client("https://localhost:3000", Tls::builder().dangerous_accept_any());
    let serve = async {
        let mut stream = server.accept().await;
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    let (outcome, _stream) = join!(client.dialer.dial(&client.target), serve);
    let told = outcome.expect_err("no TLS").to_string();
    assert_eq!(
        told,
        "no TLS with localhost: what answers there does not speak TLS; try http or ws"
    );
}

#[tokio::test]
async fn a_server_that_hangs_up_in_the_handshake_is_told() {
    let (client, mut server) =
        client("https://localhost:3000", Tls::builder().dangerous_accept_any());
    let hang_up = async { drop(server.accept().await) };
    let (outcome, ()) = join!(client.dialer.dial(&client.target), hang_up);
    let error = outcome.expect_err("closed");
    assert!(matches!(error, EngineError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn without_a_choice_the_platform_says_whom_to_trust() {
    let acceptor = acceptor(&Issuer::new("ours").issue("example.com"), None);
    let (client, mut server) = pair("https://example.com");
    let (outcome, _) = join!(client.dialer.dial(&client.target), async {
        // A machine without any roots does not get this far.
        tokio::select! {
            accepted = accept(&mut server, &acceptor) => accepted.map(drop),
            () = tokio::time::sleep(std::time::Duration::from_secs(20)) => Ok(()),
        }
    });
    let told = outcome.expect_err("nobody trusts a stranger").to_string();
    assert!(told.starts_with("no TLS with example.com: "), "{told}");
}

#[test]
fn certificates_and_keys_that_cannot_be_used_are_told() {
    let told = |outcome: Result<TlsBuilder, TlsError>| outcome.unwrap_err().to_string();
    let (me, other) = (Issuer::new("ours").issue("me"), Issuer::new("ours").issue("other"));
    let (chain, key) = (me.certificate.pem(), other.key.serialize_pem());
    assert_eq!(
        told(Tls::builder().roots(b"")),
        "the root certificates cannot be used: there is no certificate in PEM in there"
    );
    let no_key = told(Tls::builder().client_certificate(chain.as_bytes(), chain.as_bytes()));
    assert!(no_key.starts_with("the key of the client certificate cannot be used: "), "{no_key}");
    let foreign = Tls::builder().client_certificate(chain.as_bytes(), key.as_bytes()).unwrap();
    let told = foreign.build().unwrap_err().to_string();
    assert!(told.starts_with("the client certificate cannot be used: "), "{told}");
}
