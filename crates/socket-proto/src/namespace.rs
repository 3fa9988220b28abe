//! Names of namespaces, such as `/` and `/admin`.
//!
//! On the wire a name starts with a slash and ends at the first comma; `/` itself is left out.
//! A query string, which the previous revision allowed here, has no meaning any more: what looks
//! like one is part of the name.

use std::borrow::Cow;

/// The namespace that needs no name on the wire.
pub const MAIN: &str = "/";

/// The longest name a peer may connect to, in bytes: names are kept as long as they are joined.
pub const MAX_BYTES: usize = 512;

/// The name with the leading slash it has on the wire; `""` is the main namespace.
///
/// ```
/// use sockeye_socket_proto::namespace;
///
/// assert_eq!(namespace::normalize("admin"), "/admin");
/// assert_eq!(namespace::normalize("/admin"), "/admin");
/// assert_eq!(namespace::normalize(""), "/");
/// ```
pub fn normalize(name: &str) -> Cow<'_, str> {
    if name.starts_with('/') {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("/{name}"))
}

/// Whether the name can be written into a packet: a leading slash, no comma, at most
/// [`MAX_BYTES`] bytes.
///
/// ```
/// use sockeye_socket_proto::namespace;
///
/// assert!(namespace::is_valid("/rooms/42"));
/// assert!(!namespace::is_valid("rooms"));
/// assert!(!namespace::is_valid("/a,b"));
/// ```
pub fn is_valid(name: &str) -> bool {
    name.starts_with('/') && !name.contains(',') && name.len() <= MAX_BYTES
}
