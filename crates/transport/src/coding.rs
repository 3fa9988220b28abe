//! Content codings, and which of them a client takes (RFC 9110, 12.5.3).

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::header::{self, HeaderMap};

/// How a body is made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    #[cfg(feature = "brotli")]
    Br,
    Gzip,
    /// What HTTP calls so: the zlib format.
    Deflate,
}

impl Coding {
    /// All that there are. Of those that a client likes as much as each other, the first is taken.
    pub(crate) const ALL: &[Coding] = &[
        // Whoever has it built in wants its fewer bytes.
        #[cfg(feature = "brotli")]
        Coding::Br,
        Coding::Gzip,
        Coding::Deflate,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "brotli")]
            Coding::Br => "br",
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
        }
    }

    /// The one that a client likes best.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Coding> {
        let mut best = (0.0, None);
        for &coding in Coding::ALL {
            let weight = weight(coding.name(), headers);
            if weight > best.0 {
                best = (weight, Some(coding));
            }
        }
        best.1
    }

    /// Makes something small that is kept: slower than what is said once, and smaller. With br the level beyond which
    /// a bundle shrinks by 4 % more for eight times the time.
    pub(crate) fn pack(self, plain: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            #[cfg(feature = "brotli")]
            Coding::Br => {
                const LEVEL: i32 = 5;
                let mut encoder = crate::brotli::encoder(LEVEL, plain.len());
                encoder.write_all(plain)?;
                Ok(encoder.into_inner())
            }
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(plain)?;
                encoder.finish()
            }
            Coding::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(plain)?;
                encoder.finish()
            }
        }
    }
}

/// How much a client likes a coding: what it says of it by name, else of `*`. 0 is not at all.
fn weight(name: &str, headers: &HeaderMap) -> f32 {
    let (mut named, mut others) = (None, None);
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let items = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    for (coding, weight) in items.map(read) {
        if coding.eq_ignore_ascii_case(name) {
            named = Some(weight);
        } else if coding == "*" {
            others = Some(weight);
        }
    }
    named.or(others).unwrap_or_default()
}

/// One item of the list, such as `gzip;q=0.5`. A weight that is none counts as 0: nobody is sent what they may not want.
fn read(item: &str) -> (&str, f32) {
    let mut parts = item.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let mut weights = parts.filter_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    let weight = weights.next().map_or(1.0, |weight| weight.parse().unwrap_or_default());
    (name, if (0.0..=1.0).contains(&weight) { weight } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn accepted(value: &'static str) -> Option<Coding> {
        let value = HeaderValue::from_static(value);
        Coding::accepted(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]))
    }

    #[test]
    fn the_coding_that_a_client_likes_best_is_taken() {
        assert_eq!(accepted("gzip, deflate, br, zstd"), Some(Coding::ALL[0]));
        assert_eq!(accepted("gzip, deflate"), Some(Coding::Gzip));
        assert_eq!(accepted("deflate"), Some(Coding::Deflate));
        assert_eq!(accepted("deflate, GZIP;q=0.5"), Some(Coding::Deflate));
        assert_eq!(accepted("gzip; q=0.8, deflate;q=0.8"), Some(Coding::Gzip));
        assert_eq!(accepted("gzip;q=0.5;level=1, deflate;Q=0.7"), Some(Coding::Deflate));
        assert_eq!(accepted("*"), Some(Coding::ALL[0]));
        assert_eq!(accepted("gzip;q=0, br;q=0, *"), Some(Coding::Deflate));
        assert_eq!(accepted("br;q=0.1, *;q=0.5, gzip;q=0.2"), Some(Coding::Deflate));
    }

    #[test]
    fn what_a_client_does_not_take_is_not_taken() {
        for value in [
            "",
            "identity",
            "compress, x;y;z",
            ";;;,,,=",
            "gzip;q=0",
            "*;q=0",
            "br;q=0, gzip;q=0",
            "gzip;q=nan",
            "gzip;q=inf",
            "gzip;q=2",
            "gzip;q=x, deflate;q=-1",
        ] {
            assert_eq!(accepted(value), None, "{value}");
        }
        assert_eq!(Coding::accepted(&HeaderMap::new()), None);
    }

    #[cfg(feature = "brotli")]
    #[test]
    fn br_is_taken_where_it_is_built_in_and_liked_as_much_as_others() {
        assert_eq!(accepted("br"), Some(Coding::Br));
        assert_eq!(accepted("gzip, br;q=0.9"), Some(Coding::Gzip));
        assert_eq!(accepted("gzip;q=0.9, br;q=0.9"), Some(Coding::Br));
    }

    #[cfg(not(feature = "brotli"))]
    #[test]
    fn br_is_not_taken_where_it_is_not_built_in() {
        assert_eq!(accepted("br"), None);
    }
}
