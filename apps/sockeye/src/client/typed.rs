//! What is typed: lines of stdin, read by a thread of its own, one ahead.

use std::io::{self, BufRead, IsTerminal, Read};
use std::thread;

use tokio::sync::mpsc;

/// The longest line that is taken, in bytes.
const LONGEST: u64 = 64 << 20;

/// Lines, or why one cannot be taken. Closed at the end of stdin.
pub(crate) type Lines = mpsc::Receiver<Result<String, String>>;

/// Reads stdin from now on.
pub(crate) fn lines() -> io::Result<Lines> {
    let (give, take) = mpsc::channel(1);
    thread::Builder::new()
        .name("stdin".into())
        .spawn(move || read(&mut io::stdin().lock(), &give))?;
    Ok(take)
}

/// Whether there is somebody, or a program, that could type: not so if stdin is `/dev/null`.
pub(crate) fn somebody_types() -> bool {
    io::stdin().is_terminal() || !is_null()
}

#[cfg(unix)]
fn is_null() -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let [stdin, null] = ["/dev/stdin", "/dev/null"].map(std::fs::metadata);
    match (stdin, null) {
        (Ok(stdin), Ok(null)) => stdin.file_type().is_char_device() && stdin.rdev() == null.rdev(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_null() -> bool {
    false
}

fn read(from: &mut impl BufRead, give: &mpsc::Sender<Result<String, String>>) {
    loop {
        let mut line = Vec::new();
        let problem = match from.take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(read) if read as u64 == LONGEST => format!("a line is longer than {LONGEST} bytes"),
            Ok(_) => {
                // Without its end it is the last one: a terminal would have to be asked once more.
                let is_last = line.last() != Some(&b'\n');
                let line = String::from_utf8(line).map_err(|_| "a line is not UTF-8".to_owned());
                if give.blocking_send(line).is_err() || is_last {
                    return;
                }
                continue;
            }
            Err(problem) => format!("stdin cannot be read: {problem}"),
        };
        // There is no next line.
        let _ = give.blocking_send(Err(problem));
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_one_that_is_no_text_does_not_end_them() {
        let (give, mut take) = mpsc::channel(9);
        read(&mut &b"one\n\xff\ntwo"[..], &give);
        drop(give);
        assert_eq!(take.blocking_recv(), Some(Ok("one\n".to_owned())));
        assert!(take.blocking_recv().unwrap().unwrap_err().contains("UTF-8"));
        assert_eq!(take.blocking_recv(), Some(Ok("two".to_owned())));
        assert_eq!(take.blocking_recv(), None);
    }

    /// What a terminal gives for `last`, Ctrl-D, Ctrl-D.
    struct Terminal(u8);

    impl Read for Terminal {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => (&b"last"[..]).read(into),
                2 => Ok(0),
                _ => panic!("it is asked again after its end"),
            }
        }
    }

    #[test]
    fn a_terminal_is_not_asked_again_after_a_line_that_its_end_has_cut() {
        let (give, mut take) = mpsc::channel(9);
        read(&mut io::BufReader::new(Terminal(0)), &give);
        drop(give);
        assert_eq!(take.blocking_recv(), Some(Ok("last".to_owned())));
        assert_eq!(take.blocking_recv(), None);
    }
}
