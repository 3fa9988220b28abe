//! Nothing missed, with the official JavaScript client through lines that break: `tests/delivery`.
//!
//! `node tests/delivery/compare.cjs` plays the nine cases to the reference server too, and prints both as a table.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sockeye_tests::suite::{browser, delivery, skip_without_right};

#[test]
fn the_nine_cases_lose_double_and_leak_nothing() {
    run("cases.test.cjs", &[]);
}

#[test]
fn quiet_clients_are_recovered_and_those_who_missed_what_is_gone_are_told() {
    run("quiet.test.cjs", &[("EVENTS_MS", "1000")]);
}

#[test]
fn clients_that_come_back_are_who_they_were_and_have_everything_once() {
    run("sessions.test.cjs", &[]);
}

#[test]
fn clients_that_do_not_come_back_are_gone_in_time() {
    run("gone.test.cjs", &[("SESSION_MS", "3000")]);
}

#[test]
fn positions_that_nobody_was_given_begin_a_new_session() {
    run("tokens.test.cjs", &[]);
}

#[test]
fn keys_history_receipts_and_one_order_for_all_members() {
    run("events.test.cjs", &[]);
}

#[test]
fn a_killed_server_goes_on_where_it_was() {
    run("restart.test.cjs", &[]);
}

#[test]
fn a_server_that_is_stopped_or_whose_bytes_change_loses_nothing_in_silence() {
    run("outside.test.cjs", &[]);
}

#[test]
fn a_full_disk_refuses_what_is_durable_and_nothing_else() {
    let Some(small) = Small::mount() else {
        return skip_without_right("only root may mount a small file system");
    };
    run("full.test.cjs", &[("CONTRACT_SMALL", small.0.0.to_str().expect("UTF-8"))]);
}

#[test]
fn slow_readers_get_everything_and_cost_no_memory() {
    run("slow.test.cjs", &[]);
}

#[test]
fn several_workers_miss_nothing_either() {
    let data = Folder::new("workers");
    delivery(&data.0, 3, &[], &["cases.test.cjs", "sessions.test.cjs"]);
}

#[test]
fn tabs_of_a_real_browser_in_front_and_hidden_miss_nothing_either() {
    let Some(browser) = browser() else {
        return;
    };
    let environment = browser.each_ref().map(|(name, path)| (*name, path.to_str().expect("UTF-8")));
    run("browsers.test.cjs", &environment);
}

fn run(file: &str, environment: &[(&str, &str)]) {
    let data = Folder::new(file);
    delivery(&data.0, 1, environment, &[file]);
}

/// A folder of the target directory that is empty at first, and gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("delivery-{}-{name}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(path.join("spare")).expect("a folder in the target directory");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A file system of its own with little room; it goes with this.
struct Small(Folder);

impl Small {
    fn mount() -> Option<Self> {
        let folder = Folder::new("small");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=40m", "tmpfs"]).arg(&folder.0);
        mount.output().is_ok_and(|output| output.status.success()).then_some(Small(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0.0).status();
    }
}
