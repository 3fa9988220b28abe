//! How many clients may make us keep what they have sent before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What one context takes, in bytes: a window of 32 KiB and the state of the decompressor.
pub const CONTEXT: usize = 48 << 10;

/// Bounds the memory that context takeover costs a receiver over all connections (RFC 7692, 7.1.1.2): each client
/// that may refer to earlier messages has a place; to others the server answers `client_no_context_takeover`.
///
/// ```
/// use std::sync::Arc;
/// use sockeye_websocket_proto::deflate::{CONTEXT, Contexts};
///
/// let contexts = Arc::new(Contexts::within(CONTEXT));
/// let one = contexts.reserve();
/// assert!(one.is_some() && contexts.reserve().is_none());
/// drop(one);
/// assert!(contexts.reserve().is_some());
/// ```
#[derive(Debug)]
pub struct Contexts {
    left: AtomicUsize,
}

/// A place for one context; free again when it is dropped.
#[derive(Debug)]
pub struct Context(Arc<Contexts>);

impl Contexts {
    /// As many as fit into so many bytes.
    pub fn within(bytes: usize) -> Self {
        Contexts { left: AtomicUsize::new(bytes / CONTEXT) }
    }

    /// Takes a place, if there is one.
    pub fn reserve(self: &Arc<Self>) -> Option<Context> {
        let one_less = |left: usize| left.checked_sub(1);
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        taken.ok().map(|_| Context(Arc::clone(self)))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.0.left.fetch_add(1, Ordering::Relaxed);
    }
}
