//! How many instructions the codecs, the session machine and the fan-out take: counted, and compared
//! with `tools/instructions/recorded.txt`.

use std::path::Path;
use std::process::Command;

use sockeye_tests::house::root;
use sockeye_tests::program::build;
use sockeye_tests::suite::{installed, skip};

/// Where Debian's package `valgrind` puts it.
const VALGRIND: &str = "/usr/bin/valgrind";

#[test]
fn nothing_takes_over_five_percent_more_instructions_than_recorded() {
    if !Path::new(VALGRIND).exists() {
        return skip("valgrind is missing");
    }
    if !installed().join("gungraun/bin/gungraun-runner").exists() {
        return skip("gungraun-runner is missing");
    }
    let output = Command::new(build("xtask", "xtask"))
        .arg("instructions")
        .current_dir(root())
        .output()
        .expect("it has just been built");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
}
