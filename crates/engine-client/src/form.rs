//! How packets look in the body of a POST.

#[cfg(feature = "eio3")]
use engine_proto::v3;
use engine_proto::{Control, MESSAGE, payload};

use crate::Revision;
use crate::queue::Outgoing;

/// A form of payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A separator between two packets.
    Separated,
    /// The length in front of each, as text; bytes as base64.
    #[cfg(feature = "eio3")]
    Text,
    /// The same as bytes.
    #[cfg(feature = "eio3")]
    Bytes,
}

impl Form {
    /// The one for these messages.
    pub(crate) fn of<'m>(
        revision: Revision,
        messages: impl IntoIterator<Item = &'m Outgoing>,
    ) -> Self {
        #[cfg(feature = "eio3")]
        if revision == Revision::Three {
            let is_binary = |message: &Outgoing| matches!(message, Outgoing::Binary { .. });
            let bytes = messages.into_iter().any(is_binary);
            return if bytes { Form::Bytes } else { Form::Text };
        }
        let _ = (revision, messages);
        Form::Separated
    }

    /// What the POST says of itself.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Form::Separated => "text/plain;charset=UTF-8",
            #[cfg(feature = "eio3")]
            Form::Text => "text/plain;charset=UTF-8",
            #[cfg(feature = "eio3")]
            Form::Bytes => "application/octet-stream",
        }
    }

    /// Most bytes that one more message takes.
    pub(crate) fn len(self, message: &Outgoing) -> usize {
        let (most, head) = match message {
            Outgoing::Text { .. } => (1 + message.len(), SEPARATOR),
            Outgoing::Binary { bytes, .. } => (payload::binary_len(bytes.len()), SEPARATOR),
        };
        match self {
            Form::Separated => most + head,
            #[cfg(feature = "eio3")]
            Form::Text | Form::Bytes => most + LONGEST_LENGTH,
        }
    }

    pub(crate) fn push(self, body: &mut Vec<u8>, message: Outgoing) {
        match (self, message) {
            (Form::Separated, Outgoing::Text { buffer, start, .. }) => {
                if !body.is_empty() {
                    body.push(payload::SEPARATOR);
                }
                body.push(MESSAGE);
                body.extend_from_slice(&buffer[start..]);
            }
            (Form::Separated, Outgoing::Binary { bytes, .. }) => payload::push_binary(body, &bytes),
            #[cfg(feature = "eio3")]
            (form, Outgoing::Text { mut buffer, start, .. }) => {
                buffer[start - 1] = MESSAGE;
                let text = str::from_utf8(&buffer[start - 1..]).unwrap_or_default();
                form.push_text(body, text);
            }
            // It has been given its type when it was queued.
            #[cfg(feature = "eio3")]
            (_, Outgoing::Binary { bytes, .. }) => v3::payload::push_binary(body, &bytes[1..]),
        }
    }

    /// Adds a packet that is text.
    pub(crate) fn push_text(self, body: &mut Vec<u8>, packet: &str) {
        match self {
            Form::Separated => payload::push_text(body, packet),
            #[cfg(feature = "eio3")]
            Form::Text => v3::payload::push_text(body, packet),
            #[cfg(feature = "eio3")]
            Form::Bytes => v3::payload::push_text_as_bytes(body, packet),
        }
    }

    pub(crate) fn push_control(self, body: &mut Vec<u8>, control: Control) {
        self.push_text(body, control.as_str());
    }
}

/// Bytes between two packets.
const SEPARATOR: usize = 1;

/// The most digits of a length, and what stands around them.
#[cfg(feature = "eio3")]
const LONGEST_LENGTH: usize = 22;
