//! Where to listen: every address of the host's name, so that `localhost` is found over IPv4 and IPv6; or a Unix
//! socket.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};

use sockeye::Bound;
use tokio::net::{TcpSocket, lookup_host};
#[cfg(unix)]
use transport::listener::SocketFile;

use crate::options::Options;

/// Connections that the kernel accepts ahead of us.
const BACKLOG: u32 = 1024;

/// Somebody listens.
pub(crate) struct Open {
    pub(crate) listeners: Vec<Bound>,
    /// For whoever starts the program.
    pub(crate) shown: String,
    /// The file goes away with it.
    #[cfg(unix)]
    _file: Option<SocketFile>,
}

/// Listens where the options say. An error says what to do.
pub(crate) async fn open(options: &Options) -> Result<Open, String> {
    #[cfg(unix)]
    if let Some(path) = &options.unix {
        let (listener, file) = Bound::unix(path).map_err(|error| {
            format!("cannot listen at {} ({error}): choose another --unix", path.display())
        })?;
        let shown = format!("at the Unix socket {}", path.display());
        return Ok(Open { listeners: vec![listener], shown, _file: Some(file) });
    }
    let listeners = listen(&options.host, options.port).await?;
    let port = listeners[0].local_addr().map_or(options.port, |address| address.port());
    Ok(Open {
        listeners: listeners.into_iter().map(Bound::from).collect(),
        shown: options.address_to_show(port),
        #[cfg(unix)]
        _file: None,
    })
}

/// Listens on all addresses of this host; at least one.
async fn listen(host: &str, port: u16) -> Result<Vec<TcpListener>, String> {
    let found = lookup_host((host, port)).await;
    let found = found.map_err(|error| {
        format!("the host `{host}` is not known ({error}): try --host localhost")
    })?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    addresses.sort_unstable();
    addresses.dedup();
    let mut listeners: Vec<TcpListener> = Vec::new();
    for mut address in addresses {
        if let Some(first) = listeners.first().and_then(|listener| listener.local_addr().ok()) {
            // With port 0 the first address has chosen for all.
            address.set_port(first.port());
        }
        match bind(address) {
            Ok(listener) => listeners.push(listener),
            // A machine without IPv6 may still know its addresses.
            Err(error) if is_elsewhere(&error) => {}
            Err(error) => return Err(advice(&error, address)),
        }
    }
    if listeners.is_empty() {
        return Err(format!(
            "the host `{host}` is no address of this machine: try --host localhost"
        ));
    }
    Ok(listeners)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that is started again need not wait for old connections to time out. On Windows the option means
    // something else: it would let two programs share the port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    // Several runtimes share it.
    socket.listen(BACKLOG)?.into_std()
}

fn is_elsewhere(error: &io::Error) -> bool {
    const NO_SUCH_FAMILY: i32 = 97; // EAFNOSUPPORT on Linux
    error.kind() == ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(NO_SUCH_FAMILY)
}

fn advice(error: &io::Error, address: SocketAddr) -> String {
    let port = address.port();
    match error.kind() {
        ErrorKind::AddrInUse => {
            let other = port.checked_add(1).unwrap_or(3000);
            format!(
                "port {port} is in use: end the program that uses it, or choose another with --port {other}"
            )
        }
        ErrorKind::PermissionDenied => {
            format!(
                "port {port} is not allowed to this user: choose one above 1023, such as --port 3000"
            )
        }
        _ => format!(
            "cannot listen on {address} ({error}): choose another address with --host and --port"
        ),
    }
}
