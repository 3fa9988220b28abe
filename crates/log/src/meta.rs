//! What the log has to know about itself, as rows of a table.

use crate::codec::seal;
use crate::store::{Batch, Table};

/// The version of everything that is written.
pub(crate) const FORMAT: &[u8] = b"format";
pub(crate) const VERSION: u32 = 1;
/// The secret behind tokens and hashes of keys.
pub(crate) const SECRET: &[u8] = b"secret";
/// The first position that may not have been handed out.
pub(crate) const RESERVED: &[u8] = b"reserved";
/// The last position of the newest batch, with log time and bytes.
pub(crate) const LAST: &[u8] = b"last";
/// Epochs, what was lost, the low-water mark.
pub(crate) const PAST: &[u8] = b"past";
/// There while the log is closed in order.
pub(crate) const CLEAN: &[u8] = b"clean";
/// Before the number of a namespace, and its first event in memory alone.
pub(crate) const LIGHT: &[u8] = b"light/";
/// Before the position of a checkpoint.
pub(crate) const CHECKPOINT: &[u8] = b"check/";
/// Before the name of a namespace.
pub(crate) const SHARD: &[u8] = b"shard/";

pub(crate) fn light_key(shard: u32) -> Vec<u8> {
    [LIGHT, &shard.to_be_bytes()].concat()
}

pub(crate) fn checkpoint_key(at: u64) -> Vec<u8> {
    [CHECKPOINT, &at.to_be_bytes()].concat()
}

pub(crate) fn shard_key(name: &str) -> Vec<u8> {
    [SHARD, name.as_bytes()].concat()
}

/// Sets a row, with its checksum.
pub(crate) fn put(batch: &mut Batch, key: Vec<u8>, record: Vec<u8>) {
    let record = seal(&key, record);
    batch.put(Table::Meta, key, record);
}
