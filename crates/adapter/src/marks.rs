//! A set of slots, for one walk over an audience.

use smallvec::{SmallVec, smallvec};

/// One bit for each slot. Up to 1,024 slots need no heap.
pub(crate) struct Marks(SmallVec<[u64; 16]>);

impl Marks {
    pub(crate) fn new(slots: usize) -> Self {
        Self(smallvec![0; slots.div_ceil(64)])
    }

    /// Marks a slot; `true` the first time.
    pub(crate) fn mark(&mut self, slot: u32) -> bool {
        let word = &mut self.0[slot as usize / 64];
        let bit = 1 << (slot % 64);
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    pub(crate) fn has(&self, slot: u32) -> bool {
        self.0[slot as usize / 64] & (1 << (slot % 64)) != 0
    }
}
