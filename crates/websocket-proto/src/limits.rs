//! What a peer may make us keep.

/// The most that a peer may make a [`Receiver`](crate::Receiver) keep (RFC 6455, 10.4).
///
/// All three are judged from the frame's head, before any memory is taken for its payload. Control
/// frames are not counted: the protocol itself holds them at 125 bytes.
///
/// ```
/// use sockeye_websocket_proto::Limits;
///
/// let limits = Limits { message: 16 << 20, frame: 16 << 20, ..Limits::default() };
/// assert_eq!(limits.fragments, 16_384);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most payload bytes of one data frame. Default: 1 000 000. Past it: [`Error::FrameTooLarge`].
    ///
    /// [`Error::FrameTooLarge`]: crate::Error::FrameTooLarge
    pub frame: usize,
    /// Most payload bytes of one message, all its frames together, decompressed if it is compressed. Default:
    /// 1 000 000. Past it: [`Error::MessageTooLarge`].
    ///
    /// As it comes, a compressed message (and a frame of one) may be larger by an eighth and 1 KiB: what cannot
    /// be made smaller grows a little.
    ///
    /// [`Error::MessageTooLarge`]: crate::Error::MessageTooLarge
    pub message: usize,
    /// Most frames of one message, empty ones included. Default: 16 384. The first frame is always
    /// allowed. Past it: [`Error::TooManyFragments`].
    ///
    /// [`Error::TooManyFragments`]: crate::Error::TooManyFragments
    pub fragments: usize,
}

impl Limits {
    /// For a compressed message as it comes: a block that is stored has five bytes more, and senders may flush often.
    pub(crate) fn of_compressed(self) -> Self {
        let more = |limit: usize| limit.saturating_add(limit / 8 + 1024);
        Limits { frame: more(self.frame), message: more(self.message), ..self }
    }
}

impl Default for Limits {
    /// 1 MB for a frame and for a message (Engine.IO's `maxPayload`), 16 384 fragments.
    fn default() -> Self {
        Limits { frame: 1_000_000, message: 1_000_000, fragments: 16_384 }
    }
}
