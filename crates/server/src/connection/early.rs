//! Answers that came before their namespace's CONNECT: the official client writes them so when its handler
//! answers while it reconnects.

use socket_proto::{Args, OwnedArgs};

/// Kept until the CONNECT, as far as the bounds allow; what is too much is dropped, as if it had been late.
#[derive(Default)]
pub(crate) struct EarlyAcks {
    kept: Vec<EarlyAck>,
    bytes: usize,
}

struct EarlyAck {
    namespace: Box<str>,
    id: u64,
    args: OwnedArgs,
}

const MOST: usize = 64;
const MOST_BYTES: usize = 64 * 1024;

impl EarlyAcks {
    pub(crate) fn keep(&mut self, namespace: &str, id: u64, args: Args<'_>) {
        let bytes = self.bytes + namespace.len() + args.json.len();
        if self.kept.len() < MOST && bytes <= MOST_BYTES {
            self.bytes = bytes;
            self.kept.push(EarlyAck { namespace: namespace.into(), id, args: args.to_owned() });
        }
    }

    /// Those of a namespace.
    pub(crate) fn take(&mut self, namespace: &str) -> Vec<(u64, OwnedArgs)> {
        let taken = self.kept.extract_if(.., |ack| *ack.namespace == *namespace);
        taken.map(|ack| (ack.id, ack.args)).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_answers_is_dropped_at_the_bound() {
        let mut early = EarlyAcks::default();
        let args = Args { json: "1", attachments: &[] };
        for id in 0..1000 {
            early.keep("/", id, args);
        }
        let large = "x".repeat(MOST_BYTES);
        early.keep("/b", 1, Args { json: &large, attachments: &[] });
        assert!(early.take("/b").is_empty());
        assert_eq!(early.take("/").len(), MOST);
        assert!(early.is_empty());
    }
}
