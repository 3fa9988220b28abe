//! What this turn has to say, gathered per connection, so that each is written to once.

/// A buffer for every connection that has something to say, and a list of these connections.
///
/// Buffers are lent from a common stock: a silent connection owns none.
#[derive(Debug, Default)]
pub struct Outbox {
    buffers: Vec<Vec<u8>>,
    dirty: Vec<usize>,
    stock: Vec<Vec<u8>>,
}

/// More spare buffers than this go back to the allocator.
const STOCK: usize = 1024;

impl Outbox {
    /// The buffer of a connection, to append to; the connection is flushed at the end of the turn.
    pub fn to(&mut self, link: usize) -> &mut Vec<u8> {
        if self.buffers.len() <= link {
            self.buffers.resize_with(link + 1, Vec::new);
        }
        if self.buffers[link].is_empty() {
            self.dirty.push(link);
            if let Some(spare) = self.stock.pop() {
                self.buffers[link] = spare;
            }
        }
        &mut self.buffers[link]
    }

    /// Drops what waits for a connection that has gone, so that whoever gets its number next does not hear it.
    pub fn forget(&mut self, link: usize) {
        if let Some(buffer) = self.buffers.get_mut(link) {
            buffer.clear();
        }
        self.dirty.retain(|&dirty| dirty != link);
    }

    /// Hands out what each dirty connection has to say and forgets it.
    ///
    /// # Errors
    ///
    /// The first error of `write`; what comes after it stays.
    pub fn flush<E>(
        &mut self,
        mut write: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(link) = self.dirty.pop() {
            let mut buffer = std::mem::take(&mut self.buffers[link]);
            write(link, &buffer)?;
            buffer.clear();
            if self.stock.len() < STOCK {
                self.stock.push(buffer);
            }
        }
        Ok(())
    }
}
