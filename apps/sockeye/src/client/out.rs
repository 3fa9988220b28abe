//! Where lines go: data to stdout, by a thread of its own, so that a reader who pauses does not keep the connection from its
//! pings; everything else to stderr.

use std::io::{self, Write};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::text::plain;

/// So many lines may wait for a reader who pauses; then no more events are taken.
const WAITING: usize = 64;

/// Where lines for stdout are put, each with its end. Sending waits while there is no room, and fails when nobody reads any
/// more.
pub(crate) type Lines = mpsc::Sender<String>;

/// What writes them.
pub(crate) struct Out {
    lines: Lines,
    written: oneshot::Receiver<io::Result<()>>,
}

impl Out {
    pub(crate) fn start() -> io::Result<Self> {
        let (lines, waiting) = mpsc::channel(WAITING);
        let (tell, written) = oneshot::channel();
        let writing = move || {
            let _ = tell.send(write_all(waiting, &mut io::stdout().lock()));
        };
        thread::Builder::new().name("stdout".into()).spawn(writing)?;
        Ok(Out { lines, written })
    }

    pub(crate) fn lines(&self) -> Lines {
        self.lines.clone()
    }

    /// Waits until nobody reads any more.
    pub(crate) async fn gone(&self) {
        self.lines.closed().await;
    }

    /// Waits until all has been written. A reader who has gone is no error: he has what he wanted.
    pub(crate) async fn finish(self) -> Result<(), String> {
        drop(self.lines);
        match self.written.await {
            Ok(Err(problem)) if problem.kind() != io::ErrorKind::BrokenPipe => {
                Err(format!("stdout cannot be written: {problem}"))
            }
            _ => Ok(()),
        }
    }
}

fn write_all(mut lines: mpsc::Receiver<String>, to: &mut impl Write) -> io::Result<()> {
    while let Some(line) = lines.blocking_recv() {
        to.write_all(line.as_bytes())?;
        to.flush()?;
    }
    Ok(())
}

/// Notes for people, on stderr.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notes {
    quiet: bool,
    dim: bool,
}

impl Notes {
    pub(crate) fn new(quiet: bool) -> Self {
        Notes { quiet, dim: super::show::has_colours(&io::stderr()) }
    }

    /// One sentence, unless nobody wants to hear any.
    pub(crate) fn say(self, sentence: &str) {
        if !self.quiet {
            self.warn(sentence);
        }
    }

    /// One sentence about what went wrong.
    pub(crate) fn warn(self, sentence: &str) {
        let sentence = plain(sentence);
        let (begin, end) = if self.dim { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
        let _ = writeln!(io::stderr(), "{begin}sockeye: {sentence}{end}");
    }
}
