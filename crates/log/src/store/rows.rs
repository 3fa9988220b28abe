//! Reading tables: one, several in turn, or several at once in the order of their keys.

use std::ops::ControlFlow;
use std::path::Path;

use fjall::{Guard, Iter, KvPair};

use super::Order;
use super::trouble::engine;
use crate::StoreError;

/// Whoever is shown the entries.
pub(super) type Each<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// The entries of one table.
pub(super) struct Rows<'a> {
    entries: Iter,
    order: Order,
    at: &'a Path,
}

impl<'a> Rows<'a> {
    /// Reads `entries` in this order; the store stands in `at`.
    pub(super) fn new(entries: Iter, order: Order, at: &'a Path) -> Self {
        Self { entries, order, at }
    }

    /// Shows all, until `each` breaks.
    pub(super) fn visit(mut self, each: &mut Each<'_>) -> Result<ControlFlow<()>, StoreError> {
        while let Some((key, value)) = self.next()? {
            if each(&key, &value).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The next entry, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<KvPair>, StoreError> {
        engine(self.at, "read", || {
            let next = match self.order {
                Order::Ascending => self.entries.next(),
                Order::Descending => self.entries.next_back(),
            };
            next.map(Guard::into_inner).transpose()
        })
    }
}

/// Shows one table after the other, and opens none before its turn.
pub(super) fn in_turn<'a>(
    tables: impl Iterator<Item = Rows<'a>>,
    each: &mut Each<'_>,
) -> Result<(), StoreError> {
    for table in tables {
        if table.visit(each)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Shows the entries of all tables in one order. No key is in two of them.
pub(super) fn merged<'a>(
    tables: impl Iterator<Item = Rows<'a>>,
    order: Order,
    each: &mut Each<'_>,
) -> Result<(), StoreError> {
    let mut heads = Vec::new();
    for mut table in tables {
        heads.extend(table.next()?.map(|head| (head, table)));
    }
    while let Some(next) = foremost(&heads, order) {
        let (head, table) = &mut heads[next];
        if each(&head.0, &head.1).is_break() {
            break;
        }
        match table.next()? {
            Some(entry) => *head = entry,
            None => drop(heads.swap_remove(next)),
        }
    }
    Ok(())
}

fn foremost(heads: &[(KvPair, Rows<'_>)], order: Order) -> Option<usize> {
    let keys = heads.iter().map(|((key, _), _)| key).enumerate();
    let foremost = match order {
        Order::Ascending => keys.min_by_key(|(_, key)| *key),
        Order::Descending => keys.max_by_key(|(_, key)| *key),
    };
    foremost.map(|(place, _)| place)
}
