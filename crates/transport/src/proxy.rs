//! The PROXY protocol, versions 1 and 2: what a proxy says in front of a connection about who is behind it.
//!
//! Pure: bytes in, a verdict out. The specification is `proxy-protocol.txt` of `HAProxy`. What stands behind the
//! addresses of version 2 (TLV fields) is passed over.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Most bytes of a header of version 2; those of version 1 have 107 at most.
pub const LONGEST: usize = 4096;

const LONGEST_LINE: usize = 107;
/// `PROXY UNKNOWN` and the end of the line.
const SHORTEST_LINE: usize = 15;
const KEYWORD: &[u8] = b"PROXY ";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const HEAD: usize = 16;

/// What is known after the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The header has at least so many bytes more.
    More(usize),
    /// The header is complete.
    Done {
        /// Who speaks.
        source: Source,
        /// Bytes of the header. What is behind them is the connection's.
        length: usize,
    },
}

/// Who speaks on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The proxy itself, to see whether somebody is there, or it does not know: the peer's own address counts.
    Peer,
    /// A client with this address.
    Client(SocketAddr),
    /// A client on a Unix socket of the proxy.
    Unix,
}

/// What came is no header of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHeader {
    /// It begins as none.
    Missing,
    /// It is longer than one may be.
    TooLong,
    /// It begins as one, and breaks a rule.
    Malformed(&'static str),
}

impl fmt::Display for NoHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoHeader::Missing => {
                f.write_str("no PROXY header: is the peer a proxy that sends one?")
            }
            NoHeader::TooLong => write!(f, "a PROXY header of more than {LONGEST} bytes"),
            NoHeader::Malformed(what) => write!(f, "a PROXY header with {what}"),
        }
    }
}

impl Error for NoHeader {}

/// Reads the beginning of a connection.
///
/// ```
/// use sockeye_transport::proxy::{Progress, Source, parse};
///
/// let line = b"PROXY TCP4 192.0.2.1 192.0.2.7 4000 443\r\n";
/// let source = Source::Client("192.0.2.1:4000".parse().unwrap());
/// assert_eq!(parse(line), Ok(Progress::Done { source, length: line.len() }));
/// assert_eq!(parse(b"PROXY "), Ok(Progress::More(9)));
/// assert!(parse(b"GET / HTTP/1.1").is_err());
/// ```
///
/// # Errors
///
/// If no header can come of it, whatever follows.
pub fn parse(bytes: &[u8]) -> Result<Progress, NoHeader> {
    let begins = |mark: &[u8]| bytes.iter().zip(mark).all(|(byte, expected)| byte == expected);
    if begins(KEYWORD) && !bytes.is_empty() {
        parse_line(bytes)
    } else if begins(SIGNATURE) {
        parse_binary(bytes)
    } else {
        Err(NoHeader::Missing)
    }
}

/// Version 1: a line of text.
fn parse_line(bytes: &[u8]) -> Result<Progress, NoHeader> {
    let seen = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(end) = seen.windows(2).position(|pair| pair == b"\r\n") else {
        let half = usize::from(bytes.last() != Some(&b'\r'));
        let missing = SHORTEST_LINE.saturating_sub(bytes.len()).max(1 + half);
        let fits = bytes.len() + missing <= LONGEST_LINE;
        return if fits { Ok(Progress::More(missing)) } else { Err(NoHeader::TooLong) };
    };
    let line = std::str::from_utf8(&seen[KEYWORD.len().min(end)..end]);
    let line = line.map_err(|_| NoHeader::Malformed("bytes that are no text"))?;
    Ok(Progress::Done { source: source_of_line(line)?, length: end + 2 })
}

fn source_of_line(line: &str) -> Result<Source, NoHeader> {
    let mut words = line.split(' ');
    let ip: fn(&str) -> Option<IpAddr> = match words.next() {
        // Whatever follows is to be ignored.
        Some("UNKNOWN") => return Ok(Source::Peer),
        Some("TCP4") => |word| word.parse().map(IpAddr::V4).ok(),
        Some("TCP6") => |word| word.parse().map(IpAddr::V6).ok(),
        _ => return Err(NoHeader::Malformed("a protocol that is none of TCP4, TCP6, UNKNOWN")),
    };
    let addresses = (words.next().and_then(ip), words.next().and_then(ip));
    let ports = (words.next().and_then(port), words.next().and_then(port));
    match (addresses, ports, words.next()) {
        ((Some(client), Some(_)), (Some(port), Some(_)), None) => {
            Ok(Source::Client(SocketAddr::new(client, port)))
        }
        _ => Err(NoHeader::Malformed("something else than two addresses and two ports")),
    }
}

/// Digits, and no zero in front of others.
fn port(word: &str) -> Option<u16> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit());
    let padded = word.len() > 1 && word.starts_with('0');
    word.parse().ok().filter(|_| plain && !padded)
}

/// Version 2: a head of 16 bytes, then addresses.
fn parse_binary(bytes: &[u8]) -> Result<Progress, NoHeader> {
    let Some((head, rest)) = bytes.split_at_checked(HEAD) else {
        // A line could have one byte less than this head.
        let least = if bytes.is_empty() { SHORTEST_LINE } else { HEAD };
        return Ok(Progress::More(least - bytes.len()));
    };
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if HEAD + length > LONGEST {
        return Err(NoHeader::TooLong);
    }
    let Some(block) = rest.get(..length) else {
        return Ok(Progress::More(length - rest.len()));
    };
    let source = match head[12] {
        0x20 => Source::Peer,
        0x21 => source_of_block(head[13], block)?,
        _ => return Err(NoHeader::Malformed("a version or command that is not known")),
    };
    Ok(Progress::Done { source, length: HEAD + length })
}

fn source_of_block(family: u8, block: &[u8]) -> Result<Source, NoHeader> {
    const SHORT: NoHeader = NoHeader::Malformed("less room than its addresses need");
    // Client, server, port of the client, port of the server; what follows is not for us.
    match family {
        0x00 => Ok(Source::Peer),
        0x11 => {
            let (ip, port) = split::<4, 12>(block).ok_or(SHORT)?;
            Ok(Source::Client(SocketAddr::new(Ipv4Addr::from(ip).into(), port)))
        }
        0x21 => {
            let (ip, port) = split::<16, 36>(block).ok_or(SHORT)?;
            Ok(Source::Client(SocketAddr::new(Ipv6Addr::from(ip).into(), port)))
        }
        0x31 => block.get(..216).map(|_| Source::Unix).ok_or(SHORT),
        _ => Err(NoHeader::Malformed("a family that is no stream over IPv4, IPv6 or Unix")),
    }
}

/// The client's address and port, of addresses with `IP` bytes in a block of at least `ALL`.
fn split<const IP: usize, const ALL: usize>(block: &[u8]) -> Option<([u8; IP], u16)> {
    let block = block.first_chunk::<ALL>()?;
    let ip = *block.first_chunk::<IP>()?;
    Some((ip, u16::from_be_bytes([block[2 * IP], block[2 * IP + 1]])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: &[u8]) -> Result<Source, NoHeader> {
        match parse(bytes)? {
            Progress::Done { source, length } => {
                assert_eq!(length, bytes.len());
                Ok(source)
            }
            more @ Progress::More(_) => panic!("{more:?}"),
        }
    }

    fn client(address: &str) -> Source {
        Source::Client(address.parse().unwrap())
    }

    /// A header of version 2.
    fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let length = u16::try_from(block.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, block].concat()
    }

    const FOUR: &[u8] = &[192, 0, 2, 1, 192, 0, 2, 7, 0x0f, 0xa0, 1, 0xbb];

    #[test]
    fn lines_of_version_1_are_read() {
        assert_eq!(
            source(b"PROXY TCP4 192.0.2.1 192.0.2.7 4000 443\r\n"),
            Ok(client("192.0.2.1:4000"))
        );
        assert_eq!(source(b"PROXY TCP6 2001:db8::1 ::1 0 443\r\n"), Ok(client("[2001:db8::1]:0")));
        assert_eq!(source(b"PROXY UNKNOWN\r\n"), Ok(Source::Peer));
        assert_eq!(source(b"PROXY UNKNOWN ffff::1 what ever\r\n"), Ok(Source::Peer));
    }

    #[test]
    fn headers_of_version_2_are_read_and_their_fields_passed_over() {
        assert_eq!(source(&binary(0x21, 0x11, FOUR)), Ok(client("192.0.2.1:4000")));
        let fields = [FOUR, &[4, 0, 2, 1, 1]].concat();
        assert_eq!(source(&binary(0x21, 0x11, &fields)), Ok(client("192.0.2.1:4000")));
        let mut six = [0; 36];
        (six[0], six[1], six[15], six[33]) = (0x20, 1, 9, 80);
        assert_eq!(source(&binary(0x21, 0x21, &six)), Ok(client("[2001::9]:80")));
        assert_eq!(source(&binary(0x21, 0x31, &[0; 216])), Ok(Source::Unix));
        assert_eq!(source(&binary(0x21, 0, &[])), Ok(Source::Peer));
        assert_eq!(source(&binary(0x20, 0x11, FOUR)), Ok(Source::Peer));
        assert_eq!(source(&binary(0x20, 0xff, b"anything")), Ok(Source::Peer));
    }

    #[test]
    fn whoever_reads_what_is_asked_for_never_reads_too_far() {
        let binary = binary(0x21, 0x11, FOUR);
        let lines: [&[u8]; 3] = [
            b"PROXY UNKNOWN\r\n",
            b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n",
            b"PROXY UNKNOWN \r.\r\r\n",
        ];
        for header in lines.into_iter().chain([&binary[..]]) {
            let mut read = 0;
            while let Progress::More(more) = parse(&header[..read]).unwrap() {
                read += more;
                assert!(read <= header.len(), "{header:?}");
            }
            assert_eq!(read, header.len());
        }
    }

    #[test]
    fn what_is_no_header_is_refused_at_its_first_wrong_byte() {
        for wrong in [&b"G"[..], b"PROXY\t", b"\r\n\r\n\0\r\nQUIT\r", b"\x16\x03\x01"] {
            assert_eq!(parse(wrong), Err(NoHeader::Missing));
        }
    }

    #[test]
    fn a_header_that_lies_is_refused() {
        for line in [
            "TCP4 192.0.2.1 192.0.2.7 4000",
            "TCP4 192.0.2.1 192.0.2.7 4000 443 1",
            "TCP4 192.0.2.1  192.0.2.7 4000 443",
            "TCP4 2001:db8::1 ::1 4000 443",
            "TCP6 192.0.2.1 192.0.2.7 4000 443",
            "TCP4 192.0.2.1 192.0.2.7 65536 443",
            "TCP4 192.0.2.1 192.0.2.7 +1 443",
            "TCP4 192.0.2.1 192.0.2.7 01 443",
            "UDP4 192.0.2.1 192.0.2.7 4000 443",
            "",
        ] {
            let told = source(format!("PROXY {line}\r\n").as_bytes());
            assert!(matches!(told, Err(NoHeader::Malformed(_))), "{line}: {told:?}");
        }
        for (command, family, block) in
            [(0x21, 0x11, &FOUR[..11]), (0x22, 0x11, FOUR), (0x11, 0x11, FOUR), (0x21, 0x12, FOUR)]
        {
            let told = source(&binary(command, family, block));
            assert!(matches!(told, Err(NoHeader::Malformed(_))), "{told:?}");
        }
    }

    #[test]
    fn a_header_that_never_ends_is_refused_at_its_limit() {
        let line = [b"PROXY UNKNOWN ", &[b'x'; 200][..]].concat();
        let refused = (0..line.len()).find(|&read| parse(&line[..read]).is_err()).unwrap();
        assert!(refused <= LONGEST_LINE, "{refused}");
        let mut head = binary(0x21, 0x11, &[]);
        (head[14], head[15]) = (0xff, 0xff);
        assert_eq!(parse(&head), Err(NoHeader::TooLong));
    }
}
