//! Every store sits the same examination.

use std::cell::RefCell;

use sockeye_log::store::disk::Disk;
use sockeye_log::store::examination::examine;
use sockeye_log::store::memory::Memory;
use sockeye_log::store::simulated::Simulated;

#[test]
fn the_store_in_memory_passes_the_examination() {
    examine(Memory::default);
}

#[test]
fn the_simulated_store_passes_the_examination() {
    examine(|| Simulated::new(1));
}

#[test]
fn the_store_on_disk_passes_the_examination() {
    let directories = RefCell::new(Vec::new());
    examine(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = Disk::at(directory.path()).expect("it is empty");
        directories.borrow_mut().push(directory);
        disk
    });
}
