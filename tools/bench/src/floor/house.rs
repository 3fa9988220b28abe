//! Who is there, and in which room.

use std::collections::HashMap;

/// Members by connection number, in dense lists.
#[derive(Debug, Default)]
pub(super) struct House {
    everybody: Vec<usize>,
    /// Which numbers are in `everybody`.
    present: Vec<bool>,
    rooms: HashMap<Vec<u8>, Vec<usize>>,
}

impl House {
    pub(super) fn enter(&mut self, number: usize) {
        if self.present.len() <= number {
            self.present.resize(number + 1, false);
        }
        if !std::mem::replace(&mut self.present[number], true) {
            self.everybody.push(number);
        }
    }

    pub(super) fn join(&mut self, number: usize, room: &[u8]) {
        let members = self.rooms.entry(room.to_vec()).or_default();
        if !members.contains(&number) {
            members.push(number);
        }
    }

    pub(super) fn leave(&mut self, number: usize) {
        if self.present.get(number) != Some(&true) {
            return;
        }
        self.present[number] = false;
        self.everybody.retain(|&other| other != number);
        self.rooms.retain(|_, members| {
            members.retain(|&other| other != number);
            !members.is_empty()
        });
    }

    pub(super) fn everybody(&self) -> &[usize] {
        &self.everybody
    }

    pub(super) fn members(&self, room: &[u8]) -> &[usize] {
        self.rooms.get(room).map_or(&[], Vec::as_slice)
    }
}
