//! From what is set on the command line to a client, and from what it says to how the program ends.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use sockeye_client::{
    AckError, Client, ConnectError, Dialer, DisconnectReason, EngineError, Msgpack, Proxy, Refused,
    Socket, SocketState, Tls, TlsError,
};
use tokio::time::timeout;

use super::failure::{Failure, Kind};
use super::options::Server;

/// A client that has dialled nothing yet, and the socket of its namespace.
pub(super) fn prepare(server: &Server, reconnect: bool) -> Result<(Client, Socket), Failure> {
    let mut builder = Client::builder(&server.url)
        .path(&server.path)
        .transports(server.transports.iter().copied())
        .connect_timeout(server.timeout)
        .reconnection(reconnect)
        .dialer(dialer(server)?)
        .eio3(server.eio3);
    for (name, value) in &server.headers {
        builder = builder.header(name, value);
    }
    for (name, value) in &server.query {
        builder = builder.query(name, value);
    }
    if let Some(auth) = &server.auth {
        builder = builder.auth(auth);
    }
    if server.msgpack {
        builder = builder.parser(Msgpack);
    }
    let client = builder.build().map_err(|problem| problem.to_string())?;
    let socket = namespace(server, &client)?;
    Ok((client, socket))
}

fn dialer(server: &Server) -> Result<Dialer, String> {
    let mut dialer = Dialer::default();
    if let Some(url) = &server.proxy {
        let proxy = if url == "env" { Proxy::from_env() } else { Proxy::new(url) };
        dialer = dialer.proxy(proxy.map_err(|problem| format!("the proxy {problem}"))?);
    }
    #[cfg(unix)]
    if let Some(path) = &server.unix {
        dialer = dialer.unix(path);
    }
    match tls(server)? {
        Some(tls) => Ok(dialer.tls(tls)),
        None => Ok(dialer),
    }
}

/// `None` is what is usual: whom the system trusts, and no certificate of our own.
fn tls(server: &Server) -> Result<Option<Tls>, String> {
    let said = |problem: TlsError| problem.to_string();
    let mut tls = Tls::builder();
    if let Some(file) = &server.ca {
        tls = tls.roots(&read(file)?).map_err(said)?;
    }
    if server.insecure {
        tls = tls.dangerous_accept_any();
    }
    if let Some((chain, key)) = server.cert.as_ref().zip(server.key.as_ref()) {
        tls = tls.client_certificate(&read(chain)?, &read(key)?).map_err(said)?;
    }
    let is_usual = server.ca.is_none() && !server.insecure && server.cert.is_none();
    if is_usual { Ok(None) } else { tls.build().map(Some).map_err(said) }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|problem| format!("{} cannot be read: {problem}", file.display()))
}

fn namespace(server: &Server, client: &Client) -> Result<Socket, String> {
    let in_url = client.socket();
    let Some(name) = &server.namespace else { return Ok(in_url) };
    if in_url.namespace() != "/" {
        let other = in_url.namespace();
        return Err(format!(
            "the URL has the namespace {other} and --namespace says {name}: say it once"
        ));
    }
    Ok(client.of(name))
}

/// Connects. What goes wrong says how the program ends.
pub(super) async fn connect(socket: &Socket, server: &Server) -> Result<(), Failure> {
    match timeout(server.timeout, socket.connect()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(not_connected(socket.namespace(), &error)),
        Err(_) => Err(too_late("connecting", server.timeout)),
    }
}

fn not_connected(namespace: &str, error: &ConnectError) -> Failure {
    match error {
        ConnectError::Refused(refused) => Failure::new(Kind::Refused, words_of(namespace, refused)),
        ConnectError::TimedOut { what, after } => too_late(what, *after),
        ConnectError::Unreachable(error) => unreachable(error),
        ConnectError::Disconnected { reason } => Failure::new(kind_of(*reason), error.to_string()),
        ConnectError::OldServer => Failure::new(Kind::Unreachable, format!("{error}: try --eio3")),
        other => Failure::new(Kind::Other, other.to_string()),
    }
}

fn words_of(namespace: &str, refused: &Refused) -> String {
    let data = refused.data.as_ref().map(|data| format!(" {data}")).unwrap_or_default();
    format!("the server refused {namespace}: {}{data}", refused.message)
}

fn unreachable(error: &EngineError) -> Failure {
    match error {
        EngineError::Refused(refusal) if refusal.status == 404 => {
            let hint = "--path says where on it Socket.IO is";
            Failure::new(Kind::Refused, format!("{error}: {hint}"))
        }
        EngineError::Refused(_) => Failure::new(Kind::Refused, error.to_string()),
        EngineError::Timeout { what, after } => too_late(what, *after),
        EngineError::Dial { source, .. } if source.kind() == io::ErrorKind::TimedOut => {
            Failure::new(Kind::TimedOut, error.to_string())
        }
        EngineError::Tls { source, .. } if source.to_string().contains("certificate") => {
            let hint = "--ca FILE trusts a certificate of your own, --insecure any";
            Failure::new(Kind::Unreachable, format!("{error}: {hint}"))
        }
        EngineError::Protocol { .. } => {
            let hint = "is it a Socket.IO server? If TLS is spoken there, say https";
            Failure::new(Kind::Unreachable, format!("{error}: {hint}"))
        }
        _ => Failure::new(Kind::Unreachable, error.to_string()),
    }
}

/// Why there is no answer to an event.
pub(super) fn unanswered(event: &str, error: &AckError, patience: Duration) -> Failure {
    match error {
        AckError::Timeout => too_late(&format!("the answer to `{event}`"), patience),
        AckError::Disconnected { reason } => {
            Failure::new(kind_of(*reason), format!("`{event}`: {error}"))
        }
        AckError::Emit(error) => Failure::new(Kind::Other, error.to_string()),
        _ => Failure::new(Kind::Other, format!("`{event}`: {error}")),
    }
}

/// How the program ends when it was disconnected for this reason, and did not ask for it.
pub(super) fn kind_of(reason: DisconnectReason) -> Kind {
    if reason == DisconnectReason::ServerDisconnect { Kind::Refused } else { Kind::Unreachable }
}

/// Waits until there is a connection, for what still waits to be sent. Whoever is sent away meanwhile waits in vain.
pub(super) async fn back(socket: &Socket, server: &Server) -> Result<(), Failure> {
    let mut state = socket.state();
    let back = timeout(server.timeout, state.wait_for(SocketState::is_connected)).await;
    back.map(drop).map_err(|_| {
        let words = "the connection is lost, and has not come back for what was typed: --timeout sets how long it is waited for";
        Failure::new(Kind::Unreachable, words)
    })
}

fn too_late(what: &str, after: Duration) -> Failure {
    let after = after.as_secs_f64();
    Failure::new(
        Kind::TimedOut,
        format!("{what} took longer than {after} s: --timeout sets how long it may take"),
    )
}
