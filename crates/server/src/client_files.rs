//! The client's bundle: which files there are, and how they are read from an npm package that is installed.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use transport::{File, Files};

use crate::error::BuildError;

/// What the reference serves, with the media type it gives them.
const FILES: [(&str, &str); 8] = [
    ("socket.io.js", SCRIPT),
    ("socket.io.js.map", MAP),
    ("socket.io.min.js", SCRIPT),
    ("socket.io.min.js.map", MAP),
    ("socket.io.esm.min.js", SCRIPT),
    ("socket.io.esm.min.js.map", MAP),
    ("socket.io.msgpack.min.js", SCRIPT),
    ("socket.io.msgpack.min.js.map", MAP),
];
const SCRIPT: &str = "application/javascript; charset=utf-8";
const MAP: &str = "application/json; charset=utf-8";

/// Most bytes of one file: more than ten times as many as the largest has.
const MOST: u64 = 4 << 20;

/// Reads those of the files that this package has: its directory, or the `dist` inside.
pub(crate) fn read(directory: &Path) -> Result<Files, BuildError> {
    let failed = |problem| BuildError::ClientFiles { directory: directory.to_owned(), problem };
    let (package, dist) = places(directory);
    let version = version(&package.join("package.json")).map_err(failed)?;
    let mut files = Vec::new();
    for (name, kind) in FILES {
        let path = dist.join(name);
        if path.exists() {
            files.push(File::new(name, kind, content(&path).map_err(failed)?));
        }
    }
    if files.is_empty() {
        return Err(failed(format!("none of the client's files is in {}", dist.display())));
    }
    let unfit = || failed(format!("its version `{version}` cannot be an ETag"));
    Files::new(&version, files).ok_or_else(unfit)
}

/// The package, and where its bundles are.
fn places(directory: &Path) -> (PathBuf, PathBuf) {
    if directory.join("package.json").exists() {
        (directory.to_owned(), directory.join("dist"))
    } else {
        (directory.join(".."), directory.to_owned())
    }
}

fn version(manifest: &Path) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Manifest {
        version: String,
    }
    let manifest_is = |problem: &str| format!("{}: {problem}", manifest.display());
    let found = serde_json::from_slice(&content(manifest)?);
    let found: Manifest = found.map_err(|problem| manifest_is(&problem.to_string()))?;
    Ok(found.version)
}

/// All of a file, unless it is no plain one, or far larger than it should be.
fn content(path: &Path) -> Result<Vec<u8>, String> {
    let path_is = |problem: &str| format!("{}: {problem}", path.display());
    let facts = fs::metadata(path).map_err(|problem| path_is(&problem.to_string()))?;
    if !facts.is_file() || facts.len() > MOST {
        return Err(path_is("not a file of at most 4 MiB"));
    }
    fs::read(path).map_err(|problem| path_is(&problem.to_string()))
}
