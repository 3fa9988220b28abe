//! How records become bytes: fields one after the other, big endian, and a checksum at the end.
//!
//! The checksum is over the key too, so a value that turns up under another key is damage.

use bytes::Bytes;

/// Closes a record that is written to `key`.
pub(crate) fn seal(key: &[u8], mut record: Vec<u8>) -> Vec<u8> {
    let check = checksum(key, &record);
    record.extend_from_slice(&check.to_be_bytes());
    record
}

/// What was sealed under `key`; `None` if this is not it.
pub(crate) fn unseal<'a>(key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    let (record, check) = value.split_last_chunk()?;
    (checksum(key, record) == u32::from_be_bytes(*check)).then_some(record)
}

fn checksum(key: &[u8], record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(record);
    hasher.finalize()
}

/// Appends a length and the bytes. What is longer than 4 GiB cannot get here: queues are smaller.
pub(crate) fn put_bytes(record: &mut Vec<u8>, bytes: &[u8]) {
    put_len(record, bytes.len());
    record.extend_from_slice(bytes);
}

pub(crate) fn put_len(record: &mut Vec<u8>, len: usize) {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    record.extend_from_slice(&len.to_be_bytes());
}

/// The fields of a record, taken from the front. `None` where something else was expected.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A number of things that follow, each of at least `least` bytes: a damaged number takes no memory.
    pub(crate) fn count(&mut self, least: usize) -> Option<usize> {
        let count = usize::try_from(self.u32()?).ok()?;
        (count.checked_mul(least)? <= self.0.len()).then_some(count)
    }

    pub(crate) fn slice(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.u32()?).ok()?;
        let (field, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(field)
    }

    pub(crate) fn text(&mut self) -> Option<Box<str>> {
        std::str::from_utf8(self.slice()?).ok().map(Box::from)
    }

    pub(crate) fn bytes(&mut self) -> Option<Bytes> {
        self.slice().map(Bytes::copy_from_slice)
    }

    /// Into a field that may be empty; `None` if it cannot be read.
    pub(crate) fn optional_text(&mut self, field: &mut Option<Box<str>>) -> Option<()> {
        *field = if self.u8()? == 0 { None } else { Some(self.text()?) };
        Some(())
    }
}

pub(crate) fn put_optional(record: &mut Vec<u8>, text: Option<&str>) {
    record.push(u8::from(text.is_some()));
    if let Some(text) = text {
        put_bytes(record, text.as_bytes());
    }
}
