//! One connection through the proxy.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::fate::{Fate, Fault, Way};

/// Whether nothing is passed on any more.
#[derive(Clone, Default)]
pub(super) struct Silence(Arc<AtomicBool>);

impl Silence {
    pub(super) fn fall(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn has_fallen(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How a line ends.
enum End {
    Closed,
    Reset,
}

/// Runs until the connection ends. Whoever aborts it cuts the connection.
pub(super) async fn run(mut near: TcpStream, target: u16, fate: Fate, silence: Silence) {
    let (up, down) = match fate {
        Fate::Pass { up, down } => (up, down),
        Fate::Close => return,
        Fate::Ignore => return drain(&mut near.split().0).await,
    };
    let Ok(mut far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let end = {
        let (near_read, near_write) = near.split();
        let (far_read, far_write) = far.split();
        let up = pump(near_read, far_write, up, &silence);
        let down = pump(far_read, near_write, down, &silence);
        tokio::pin!(up, down);
        // One direction may end before the other; a fault ends both.
        tokio::select! {
            end = &mut up => if let Ok(end) = end { end } else { ended(down.await) },
            end = &mut down => if let Ok(end) = end { end } else { ended(up.await) },
        }
    };
    if matches!(end, End::Reset) {
        let _ = (near.set_zero_linger(), far.set_zero_linger());
    }
}

fn ended(end: Result<End, Finished>) -> End {
    end.unwrap_or(End::Closed)
}

/// The sender has said that it is finished, and the receiver was told so.
struct Finished;

/// For how long one side believes in a connection of which the other knows nothing any more.
const BELIEF: Duration = Duration::from_mins(1);

/// Passes one direction on. `Err` if it came to its natural end.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: Way,
    silence: &Silence,
) -> Result<End, Finished> {
    let mut bytes = vec![0; 16 * 1024];
    let mut left = way.fault.map_or(usize::MAX, |(bytes, _)| bytes);
    let mut garble = false;
    loop {
        if left == 0 {
            left = usize::MAX;
            match way.fault {
                Some((_, Fault::Swallow)) => silence.fall(),
                Some((_, Fault::Garble)) => garble = true,
                Some((_, fault)) => return stop(fault, &mut from, &mut to).await,
                None => {}
            }
        }
        let most = left.min(bytes.len());
        let count = match from.read(&mut bytes[..most]).await {
            Ok(0) | Err(_) if silence.has_fallen() => return Ok(disbelieved().await),
            Ok(0) => return finish(&mut to).await,
            Ok(count) => count,
            Err(_) => return Ok(End::Reset),
        };
        left -= count;
        if std::mem::take(&mut garble) {
            bytes[0] ^= 0x15;
        }
        if !way.delay.is_zero() {
            tokio::time::sleep(way.delay).await;
        }
        if !silence.has_fallen() && to.write_all(&bytes[..count]).await.is_err() {
            return Ok(End::Closed);
        }
    }
}

/// The direction passes nothing on any more.
async fn stop(
    fault: Fault,
    from: &mut ReadHalf<'_>,
    to: &mut WriteHalf<'_>,
) -> Result<End, Finished> {
    match fault {
        Fault::Reset => Ok(End::Reset),
        Fault::Stall => Ok(disbelieved().await),
        Fault::End => {
            let finished = finish(to).await;
            drain(from).await;
            finished
        }
        Fault::Cut | Fault::Swallow | Fault::Garble => Ok(End::Closed),
    }
}

async fn disbelieved() -> End {
    tokio::time::sleep(BELIEF).await;
    End::Reset
}

/// Tells the receiver that the sender is finished.
async fn finish(to: &mut WriteHalf<'_>) -> Result<End, Finished> {
    let _ = to.shutdown().await;
    Err(Finished)
}

/// Takes everything, and does nothing with it.
async fn drain(from: &mut ReadHalf<'_>) {
    let mut bytes = vec![0; 1024];
    while from.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
}
