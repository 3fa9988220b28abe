//! The chain of batches: how a batch that is missing is found.
//!
//! The engine cuts a journal that it cannot read to its end, forgets a table whose description is
//! gone, and opens as if nothing had happened. The [mark](super::mark) finds what is missing at the
//! end; this finds what is missing before it. Each batch has a number, and a link in the newest
//! generation that says it: where a number is missing, a batch is.
//!
//! A link also says which generation was the oldest, so that one that was dropped and one that was
//! lost are two things.
//!
//! ```text
//! key    2 (1 byte)   number (8)                   big endian
//! value  first position of the oldest generation (8)
//! ```

use std::path::Path;

use fjall::{Keyspace, Readable, Snapshot};

use super::Order;
use super::rows::Rows;
use super::trouble::damaged;
use crate::StoreError;

/// Sets links apart from events (0) and keys (1).
const TAG: u8 = 2;
/// So many of the newest links are looked at one by one when a store is opened. What stood in the
/// journal alone, and so may have been cut, is about 50 MiB at most, and hardly has more. Whatever is
/// before that is in files, which have checksums, and a list that says which of them there are.
const LOOKED_AT: usize = 250_000;

/// What stands in a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The number of the batch; the first one has 1.
    pub(super) number: u64,
    /// The first position of the generation that was the oldest then.
    pub(super) oldest: u64,
}

impl Link {
    /// Where there was no batch yet.
    const NONE: Self = Self { number: 0, oldest: 0 };

    pub(super) fn key(self) -> [u8; 9] {
        let mut key = [TAG; 9];
        key[1..].copy_from_slice(&self.number.to_be_bytes());
        key
    }

    pub(super) fn value(self) -> [u8; 8] {
        self.oldest.to_be_bytes()
    }

    fn decode(key: &[u8], value: &[u8]) -> Option<Self> {
        let number = u64::from_be_bytes(key.strip_prefix(&[TAG])?.try_into().ok()?);
        Some(Self { number, oldest: u64::from_be_bytes(value.try_into().ok()?) })
    }
}

/// The links in the generations of a store, as they are found when it is opened.
pub(super) struct Chain<'a> {
    /// Oldest first.
    pub(super) generations: &'a [Keyspace],
    /// What can be seen.
    pub(super) snapshot: &'a Snapshot,
    /// Where the store is.
    pub(super) at: &'a Path,
}

impl Chain<'_> {
    /// The last link.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if one before it is missing.
    pub(super) fn last(&self) -> Result<Link, StoreError> {
        self.check_ends()?;
        self.check_newest()
    }

    /// Whether each generation begins where the one before it ended.
    fn check_ends(&self) -> Result<(), StoreError> {
        let mut before = None;
        for generation in self.generations {
            let Some(first) = self.links(generation, Order::Ascending).next() else { continue };
            self.follows(before, first?.number)?;
            let last = self.links(generation, Order::Descending).next().transpose()?;
            before = last.map(|last| last.number);
        }
        Ok(())
    }

    /// Whether the newest links follow each other. The answer is the last one.
    fn check_newest(&self) -> Result<Link, StoreError> {
        let newest_first = self.generations.iter().rev();
        let mut links = newest_first.flat_map(|one| self.links(one, Order::Descending));
        let Some(last) = links.next().transpose()? else { return Ok(Link::NONE) };
        let mut number = last.number;
        for link in links.take(LOOKED_AT) {
            let before = link?.number;
            self.follows(Some(before), number)?;
            number = before;
        }
        Ok(last)
    }

    fn follows(&self, before: Option<u64>, number: u64) -> Result<(), StoreError> {
        match before {
            Some(before) if before + 1 != number => {
                let why = format!(
                    "what was written between batch {before} and batch {number} is missing"
                );
                Err(damaged(self.at, why))
            }
            _ => Ok(()),
        }
    }

    fn links(
        &self,
        generation: &Keyspace,
        order: Order,
    ) -> impl Iterator<Item = Result<Link, StoreError>> {
        let range = self.snapshot.range(generation, [TAG]..[TAG + 1]);
        let mut rows = Rows::new(range, order, self.at);
        std::iter::from_fn(move || rows.next().transpose()).map(|row| {
            let (key, value) = row?;
            Link::decode(&key, &value).ok_or_else(|| damaged(self.at, "a batch has no number"))
        })
    }
}
