//! What came, in order: `note` says something and has it back, `notes` asks for all that begins with these letters. So it
//! is seen what has come twice or not at all.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use sockeye::{Data, Namespace, State};

/// What was said, oldest first. The oldest is forgotten for the newest.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<VecDeque<String>>>);

/// How many are remembered.
const MOST: usize = 1_000_000;

pub(super) fn register(namespace: &Namespace) {
    namespace.on("note", note).on("notes", notes);
}

async fn note(State(notes): State<Notes>, Data(note): Data<String>) -> String {
    let mut known = notes.0.lock();
    known.push_back(note.clone());
    if known.len() > MOST {
        known.pop_front();
    }
    note
}

async fn notes(State(notes): State<Notes>, Data(prefix): Data<String>) -> Vec<String> {
    let known = notes.0.lock();
    known.iter().filter(|note| note.starts_with(&prefix)).cloned().collect()
}
