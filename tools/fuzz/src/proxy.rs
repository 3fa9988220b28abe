//! Headers of the PROXY protocol.

use transport::proxy::{LONGEST, Progress, parse};

/// Reads the beginning of a connection. Panics if it matters how it is cut, if somebody who reads what is asked for
/// reads too far, or if a header has no end.
pub fn proxy(bytes: &[u8]) {
    let whole = parse(bytes);
    let mut read = 0;
    let portions = loop {
        match parse(&bytes[..read]) {
            Ok(Progress::More(more)) => {
                assert!(more > 0 && read + more <= LONGEST, "it ends");
                read += more;
                if read > bytes.len() {
                    // The connection ends in its header.
                    break Ok(None);
                }
            }
            Ok(Progress::Done { source, length }) => {
                assert_eq!(length, read, "not a byte too far");
                break Ok(Some(source));
            }
            Err(problem) => break Err(problem),
        }
    };
    match (whole, portions) {
        (Ok(Progress::Done { source, .. }), Ok(Some(same))) => assert_eq!(source, same),
        (Ok(Progress::More(_)), Ok(None)) | (Err(_), Ok(None) | Err(_)) => {}
        (whole, portions) => panic!("{whole:?}, and in portions {portions:?}"),
    }
}
