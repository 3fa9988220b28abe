//! Builds the page: copies `web/` to where build products go, fetches the packages of its lock file there, lets
//! Vite bundle it, and writes a table of the outcome for `src/page.rs` to embed.
//!
//! `SOCKEYE_SKIP_WEB=1` embeds a page of one line instead: for check, clippy and doc.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[path = "build/npm.rs"]
mod npm;

use npm::npm;

/// What npm is called.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/npm.rs");
    println!("cargo::rerun-if-env-changed=SOCKEYE_SKIP_WEB");
    if let Err(problem) = prepare() {
        println!("cargo::error={problem}");
    }
}

fn prepare() -> Result<(), String> {
    let source = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("web");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    watch(&source).map_err(|error| format!("cannot read {}: {error}", source.display()))?;
    let page =
        if env::var_os("SOCKEYE_SKIP_WEB").is_some_and(|value| value != "0" && !value.is_empty()) {
            one_line_page(&out)
        } else {
            bundle(&source, &out.join("web"))
        }?;
    write_table(&page, &out.join("assets.rs"))
        .map_err(|error| format!("cannot embed the page: {error}"))
}

/// Names every file of the page to cargo; those that its developers' tools leave there are none of it.
fn watch(source: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", source.display());
    for file in files(source)? {
        println!("cargo::rerun-if-changed={}", source.join(file).display());
    }
    Ok(())
}

fn one_line_page(out: &Path) -> Result<PathBuf, String> {
    let page = out.join("one-line");
    let line = "<!doctype html><title>Sockeye</title><p>Built with SOCKEYE_SKIP_WEB: build without it for the chat.\n";
    fs::create_dir_all(&page)
        .and_then(|()| fs::write(page.join("index.html"), line))
        .map_err(|error| format!("cannot write {}: {error}", page.display()))?;
    Ok(page)
}

fn bundle(source: &Path, work: &Path) -> Result<PathBuf, String> {
    copy(source, work)
        .map_err(|error| format!("cannot copy the page to {}: {error}", work.display()))?;
    fetch_packages(work)?;
    npm(NPM, work, &["run", "build"], "the page could not be built")?;
    Ok(work.join("dist"))
}

/// Makes `work` the same as `source`, but for the packages, which stay.
fn copy(source: &Path, work: &Path) -> io::Result<()> {
    for old in files(work).unwrap_or_default() {
        fs::remove_file(work.join(old))?;
    }
    for file in files(source)? {
        let to = work.join(&file);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(source.join(file), to)?;
    }
    Ok(())
}

/// `npm ci`, unless it has been done for this very lock file.
fn fetch_packages(work: &Path) -> Result<(), String> {
    let stamp = work.join("node_modules").join(".fetched");
    let lock = fs::read(work.join("package-lock.json"))
        .map_err(|error| format!("cannot read the lock file: {error}"))?;
    if fs::read(&stamp).is_ok_and(|fetched| fetched == lock) {
        return Ok(());
    }
    npm(NPM, work, &["ci"], "the page's packages could not be fetched (is there a network?)")?;
    fs::write(&stamp, lock).map_err(|error| format!("cannot write {}: {error}", stamp.display()))
}

/// A Rust array with one entry for each file of the page: its path, a tag of its content, its content.
fn write_table(page: &Path, table: &Path) -> io::Result<()> {
    let mut text = String::from("[\n");
    for file in files(page)? {
        let full = page.join(&file);
        let mut hasher = DefaultHasher::new();
        hasher.write(&fs::read(&full)?);
        let tag = format!("\"{:016x}\"", hasher.finish());
        let full = full.to_string_lossy();
        let path = format!("/{}", file.to_string_lossy().replace('\\', "/"));
        let _ = writeln!(
            text,
            "    Asset {{ path: {path:?}, tag: {tag:?}, content: include_bytes!({full:?}) }},"
        );
    }
    text.push_str("]\n");
    fs::write(table, text)
}

/// All files below a folder, relative to it, in order, without packages and products.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            let name = below.join(entry.file_name());
            if !entry.file_type()?.is_dir() {
                found.push(name);
            } else if !matches!(entry.file_name().to_str(), Some("node_modules" | "dist")) {
                folders.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}
