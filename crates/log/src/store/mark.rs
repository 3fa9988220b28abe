//! The mark: a small file beside the store that says how far the store was written.
//!
//! A store that was cut short by damage opens as if nothing had happened; the mark tells. It is
//! written in place after each append, so it holds two slots and each write takes the other one: a
//! write that is torn leaves the slot before it.
//!
//! ```text
//!    0  magic "SKYEMARK"  version (u32)               little endian, all of it
//!  512  sequence (u64)    position (u64)  CRC32       each in a sector of its own
//! 1024  sequence (u64)    position (u64)  CRC32       the valid one with the higher sequence counts
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::trouble::{damaged, io_trouble};
use crate::{Position, StoreError};

const MAGIC: &[u8; 8] = b"SKYEMARK";
const VERSION: u32 = 1;
const SLOT_BYTES: usize = 20;
const SLOTS_AT: [usize; 2] = [512, 1024];
const FILE_BYTES: usize = SLOTS_AT[1] + SLOT_BYTES;

/// The mark of one store.
#[derive(Debug)]
pub struct Mark {
    path: PathBuf,
    file: Mutex<Option<Written>>,
}

/// The open file, once there is one to write to.
#[derive(Debug)]
struct Written {
    file: File,
    sequence: u64,
}

/// What stands in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    sequence: u64,
    position: u64,
}

impl Mark {
    /// The mark at `path`. Touches nothing: the file begins with the first [`write`](Self::write).
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: Mutex::new(None) }
    }

    /// How far the store was written. `None`: that was never noted.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if the file is there and neither slot can be believed.
    pub fn read(&self) -> Result<Option<Position>, StoreError> {
        let slot = newest_slot(&self.path)?;
        Ok(slot.map(|slot| Position::from(slot.position)))
    }

    /// Notes that everything up to `position` was handed to the operating system.
    ///
    /// A damaged mark is replaced by a new one.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn write(&self, position: Position) -> Result<(), StoreError> {
        let mut file = self.lock();
        if let Some(written) = &mut *file {
            return written.write(position).map_err(io_trouble("write the mark"));
        }
        *file = Some(self.first_write(position)?);
        Ok(())
    }

    /// What was written survives a loss of power.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn sync(&self) -> Result<(), StoreError> {
        let file = self.lock();
        let Some(written) = &*file else { return Ok(()) };
        written.file.sync_data().map_err(io_trouble("sync the mark"))
    }

    /// Goes on in the file that is there, or puts a new one in its place.
    fn first_write(&self, position: Position) -> Result<Written, StoreError> {
        match newest_slot(&self.path) {
            Ok(Some(slot)) => self.go_on(slot, position),
            Ok(None) | Err(StoreError::Damaged { .. }) => self.begin(position),
            Err(other) => return Err(other),
        }
        .map_err(io_trouble("write the mark"))
    }

    fn go_on(&self, newest: Slot, position: Position) -> io::Result<Written> {
        let file = OpenOptions::new().write(true).open(&self.path)?;
        let mut written = Written { file, sequence: newest.sequence };
        written.write(position)?;
        Ok(written)
    }

    /// A whole file under another name first, so that a half-written one is never found.
    fn begin(&self, position: Position) -> io::Result<Written> {
        let unfinished = self.path.with_extension("new");
        let mut file = File::create(&unfinished)?;
        file.write_all(&first_image(position))?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.path)?;
        Ok(Written { file, sequence: 1 })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Written>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    fn write(&mut self, position: Position) -> io::Result<()> {
        let slot = Slot { sequence: self.sequence + 1, position: position.get() };
        self.file.seek(SeekFrom::Start(slot.place() as u64))?;
        self.file.write_all(&slot.encode())?;
        self.sequence = slot.sequence;
        Ok(())
    }
}

impl Slot {
    fn place(self) -> usize {
        SLOTS_AT[usize::from(self.sequence.is_multiple_of(2))]
    }

    fn encode(self) -> [u8; SLOT_BYTES] {
        let mut bytes = [0; SLOT_BYTES];
        bytes[..8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.position.to_le_bytes());
        let check = crc32fast::hash(&bytes[..16]);
        bytes[16..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    /// `None` if its checksum is wrong, or if it stands where another one should.
    fn decode(image: &[u8], place: usize) -> Option<Self> {
        let (content, check) = image.get(place..place + SLOT_BYTES)?.split_at(16);
        if crc32fast::hash(content).to_le_bytes() != *check {
            return None;
        }
        let (sequence, position) = content.split_at(8);
        let slot = Self {
            sequence: u64::from_le_bytes(sequence.try_into().ok()?),
            position: u64::from_le_bytes(position.try_into().ok()?),
        };
        (slot.place() == place).then_some(slot)
    }
}

/// The file as it begins: one slot written, the other one empty.
fn first_image(position: Position) -> [u8; FILE_BYTES] {
    let mut image = [0; FILE_BYTES];
    image[..8].copy_from_slice(MAGIC);
    image[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let slot = Slot { sequence: 1, position: position.get() };
    image[slot.place()..slot.place() + SLOT_BYTES].copy_from_slice(&slot.encode());
    image
}

/// The slot that counts; `None` if there is no file.
fn newest_slot(path: &Path) -> Result<Option<Slot>, StoreError> {
    let image = match read_image(path) {
        Ok(image) => image,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_trouble("read the mark")(error)),
    };
    if !image.starts_with(MAGIC) {
        return Err(damaged(path, "it does not begin as a mark does"));
    }
    if image.get(8..12) != Some(VERSION.to_le_bytes().as_slice()) {
        return Err(damaged(path, "its version is not one that is known here"));
    }
    let slots = SLOTS_AT.iter().filter_map(|&place| Slot::decode(&image, place));
    let newest = slots.max_by_key(|slot| slot.sequence);
    newest.map(Some).ok_or_else(|| damaged(path, "neither of its two slots is whole"))
}

/// No more than a mark holds, whatever was put there.
fn read_image(path: &Path) -> io::Result<Vec<u8>> {
    let mut image = Vec::with_capacity(FILE_BYTES);
    File::open(path)?.take(FILE_BYTES as u64).read_to_end(&mut image)?;
    Ok(image)
}
