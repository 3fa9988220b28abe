//! A TCP proxy on loopback that does to connections what networks do: it delays, cuts, goes half open, garbles, stalls,
//! refuses, and takes connections to do nothing with them.
//!
//! ```no_run
//! # use sockeye_tests::proxy::{Fate, Fault, Proxy};
//! # async fn example(server: u16) {
//! let proxy = Proxy::to(server).await;
//! // The first connection breaks when 500 bytes have come down; those after it are as good as any.
//! proxy.fates(|number| if number == 0 { Fate::pass().down(500, Fault::Cut) } else { Fate::pass() });
//! // .. a client that is told `proxy.port()` ..
//! proxy.silence(); // whoever is connected now hears nothing any more, and nobody is told
//! # }
//! ```

mod fate;
mod line;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::AbortHandle;

pub use fate::{Fate, Fault, Mixture};
use line::Silence;

/// A proxy in front of one server. All its connections end with it.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

struct Shared {
    target: Mutex<u16>,
    state: Mutex<State>,
}

struct State {
    choose: Box<dyn FnMut(usize) -> Fate + Send>,
    came: usize,
    lines: Vec<(AbortHandle, Silence)>,
    /// While there is none, connections are refused by the system.
    accepting: Option<AbortHandle>,
}

impl Proxy {
    /// A proxy to this port, which passes on everything.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let state = State {
            choose: Box::new(|_| Fate::pass()),
            came: 0,
            lines: Vec::new(),
            accepting: None,
        };
        let shared = Arc::new(Shared { target: Mutex::new(target), state: Mutex::new(state) });
        let proxy = Proxy { shared, address };
        proxy.accept(listener);
        proxy
    }

    /// Where clients connect to.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on connections go to this port, since the server has moved.
    pub fn retarget(&self, target: u16) {
        *lock(&self.shared.target) = target;
    }

    /// Chooses what happens to connections that come from now on; the function is told how many came before, since now.
    pub fn fates(&self, choose: impl FnMut(usize) -> Fate + Send + 'static) {
        let mut state = lock(&self.shared.state);
        state.came = 0;
        state.choose = Box::new(choose);
    }

    /// How many connections have come since [`fates`](Self::fates) was called.
    pub fn came(&self) -> usize {
        lock(&self.shared.state).came
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        let state = lock(&self.shared.state);
        state.lines.iter().filter(|(line, _)| !line.is_finished()).count()
    }

    /// Cuts all connections that are there.
    pub fn cut(&self) {
        for (line, _) in lock(&self.shared.state).lines.drain(..) {
            line.abort();
        }
    }

    /// Nothing is passed on any more between those that are connected now, in neither direction, and nobody is told.
    pub fn silence(&self) {
        for (_, silence) in &lock(&self.shared.state).lines {
            silence.fall();
        }
    }

    /// Refuses new connections.
    pub fn down(&self) {
        if let Some(accepting) = lock(&self.shared.state).accepting.take() {
            accepting.abort();
        }
    }

    /// Takes connections again.
    ///
    /// # Panics
    ///
    /// If somebody else has taken the port.
    pub async fn up(&self) {
        // The listener is gone only when its task is.
        let listener = loop {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_reuseaddr(true).expect("a port that was in use just now may be bound");
            match socket.bind(self.address).and_then(|()| socket.listen(1024)) {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.accept(listener);
    }

    fn accept(&self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        let accepting = tokio::spawn(async move {
            loop {
                if let Ok((near, _)) = listener.accept().await {
                    shared.take(near);
                }
            }
        });
        lock(&self.shared.state).accepting = Some(accepting.abort_handle());
    }
}

impl Shared {
    fn take(&self, near: TcpStream) {
        let target = *lock(&self.target);
        let mut state = lock(&self.state);
        let number = state.came;
        state.came += 1;
        let fate = (state.choose)(number);
        let silence = Silence::default();
        let line = tokio::spawn(line::run(near, target, fate, silence.clone()));
        state.lines.retain(|(line, _)| !line.is_finished());
        state.lines.push((line.abort_handle(), silence));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.down();
        self.cut();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
