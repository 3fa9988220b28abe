//! Without HTTP/2 nobody asks for a WebSocket as a stream of it.

use http::Response;
use http::request::Parts;

use crate::Body;
use crate::upgrade::Upgrade;

pub(crate) fn asks(_: &Parts) -> bool {
    false
}

pub(crate) fn switch(_: &mut Parts) -> Option<(Response<Body>, Upgrade)> {
    None
}
