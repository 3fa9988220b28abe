//! The house as its own files describe it: packages, their arrows, the locked graph, the sources.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use serde::Deserialize;

/// The workspace's root directory.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests stand in the root").to_path_buf()
}

/// One package of the workspace, as cargo understands its manifest.
#[derive(Debug, Deserialize)]
pub struct Package {
    /// The package's name, such as `sockeye-engine-proto`.
    pub name: String,
    /// The edition of the language.
    pub edition: String,
    /// The licence, as SPDX says it.
    pub license: Option<String>,
    /// The oldest compiler that is promised to do.
    pub rust_version: Option<String>,
    /// What it depends on, of every kind.
    pub dependencies: Vec<Dependency>,
    /// What it builds.
    pub targets: Vec<Target>,
    manifest_path: PathBuf,
}

impl Package {
    /// The directory, seen from the root: `crates/engine-proto`.
    pub fn directory(&self) -> String {
        let directory = self.manifest_path.parent().expect("a manifest stands in a directory");
        let inside = directory.strip_prefix(root()).expect("members stand inside the root");
        inside.to_str().expect("our paths are plain").to_owned()
    }

    /// The text of the manifest.
    pub fn manifest(&self) -> String {
        read(&self.manifest_path)
    }
}

/// One arrow of a manifest.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    /// The package that is pointed at, under its own name.
    pub name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    pub kind: Option<String>,
    /// The versions that will do.
    pub req: String,
    /// Where a package of this workspace stands; `None` for the registry's.
    pub path: Option<PathBuf>,
}

impl Dependency {
    /// Whether whoever uses the package gets this one too.
    pub fn is_normal(&self) -> bool {
        self.kind.is_none()
    }
}

/// One thing a package builds.
#[derive(Debug, Deserialize)]
pub struct Target {
    /// `lib`, `bin`, `test`, `example`, …
    pub kind: Vec<String>,
    /// The root of its source.
    pub src_path: PathBuf,
}

/// Every package of the workspace. Asks the cargo that runs this test, without the network.
pub fn packages() -> Vec<Package> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo starts, since it started this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    metadata.packages
}

/// What `Cargo.lock` says every package was locked with. A name locked in two versions is one entry
/// with the dependencies of both: for the question "can this be reached", that errs on the safe side.
pub fn locked() -> HashMap<String, BTreeSet<String>> {
    parse_lock(&read(&root().join("Cargo.lock")))
}

/// Reads the text of a `Cargo.lock`, which cargo always writes in the same form.
///
/// ```
/// let graph = sockeye_tests::house::parse_lock(
///     "[[package]]\nname = \"a\"\ndependencies = [\n \"b\",\n \"c 1.0.0\",\n]\n",
/// );
/// assert!(graph["a"].contains("b") && graph["a"].contains("c"));
/// ```
pub fn parse_lock(text: &str) -> HashMap<String, BTreeSet<String>> {
    let mut graph: HashMap<String, BTreeSet<String>> = HashMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("name = ") {
            name.trim_matches('"').clone_into(&mut current);
            graph.entry(current.clone()).or_default();
        } else if let Some(dependency) = line.strip_prefix(" \"") {
            let name = dependency.split([' ', '"']).next().unwrap_or_default();
            graph.entry(current.clone()).or_default().insert(name.to_owned());
        }
    }
    graph
}

/// Everything that whoever uses `package` gets with it, itself left out.
///
/// A member's own arrows come from its manifest, since the lock file mixes in those of its tests;
/// what lies beyond comes from the lock file.
pub fn reachable(package: &Package, packages: &[Package]) -> BTreeSet<String> {
    let locked = locked();
    let mut seen = BTreeSet::new();
    let mut next = normal_dependencies(package);
    while let Some(name) = next.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        match packages.iter().find(|package| package.name == name) {
            Some(member) => next.extend(normal_dependencies(member)),
            None => next.extend(locked.get(&name).into_iter().flatten().cloned()),
        }
    }
    seen
}

fn normal_dependencies(package: &Package) -> Vec<String> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.is_normal());
    normal.map(|dependency| dependency.name.clone()).collect()
}

/// Every file of the repository with one of these endings, as its path from the root and its text.
/// What is built or installed (`target`, `node_modules`, …) is not part of the repository.
pub fn files(endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&root(), &mut found).expect("the repository can be read");
    let mut files: Vec<_> = found
        .into_iter()
        .filter(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)))
        .map(|path| (name(&path), read(&path)))
        .collect();
    files.sort();
    files
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        if kind.is_dir() && !NOT_OURS.iter().any(|other| name == *other) {
            walk(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

fn name(path: &Path) -> String {
    let inside = path.strip_prefix(root()).expect("the walk stays inside the root");
    inside.to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Directories that hold what tools made.
const NOT_OURS: [&str; 7] =
    [".git", "target", "node_modules", "dist", "data", "sockeye-data", ".venv"];
