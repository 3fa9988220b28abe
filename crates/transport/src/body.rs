//! The body of an answer.

use bytes::Bytes;
use http_body_util::Full;

/// The body of every answer of a [`Server`](crate::Server): whole, and known in length.
pub type Body = Full<Bytes>;
