//! `sockeye connect` on a terminal, as somebody has it who types.
#![cfg(unix)]

mod support;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Child;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use support::program;
use support::server::Server;

/// The program on a terminal that we sit at. Killed when dropped.
struct Sitting {
    process: Child,
    terminal: File,
    screen: String,
}

impl Sitting {
    fn start(url: &str, environment: &[(&str, &str)]) -> Self {
        let (terminal, its) = terminal();
        let mut command = program();
        command.args(["connect", url]).env_remove("NO_COLOR").env("TERM", "xterm");
        command.envs(environment.iter().copied());
        command.stdin(its.try_clone().unwrap()).stdout(its.try_clone().unwrap()).stderr(its);
        Sitting { process: command.spawn().unwrap(), terminal, screen: String::new() }
    }

    fn press(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    /// Looks on until this has been printed.
    fn see(&mut self, words: &str) {
        while !self.screen.contains(words) {
            let mut more = [0; 1000];
            let read = self.terminal.read(&mut more).unwrap();
            self.screen += std::str::from_utf8(&more[..read]).unwrap();
        }
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Our side of a terminal, and that of a program.
fn terminal() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let flags = OFlags::NOCTTY.bits().try_into().unwrap();
    let its =
        OpenOptions::new().read(true).write(true).custom_flags(flags).open(name.to_str().unwrap());
    (ours.into(), its.unwrap())
}

#[test]
fn it_is_in_colours_unless_somebody_wants_none() {
    let server = Server::start();
    for (environment, coloured) in
        [(&[][..], true), (&[("NO_COLOR", "1")], false), (&[("TERM", "dumb")], false)]
    {
        let mut sitting = Sitting::start(&server.url(), environment);
        sitting.press("?echo-ack \"seen\"\n");
        sitting.see(if coloured {
            "echo-ack\u{1b}[0m \"seen\"\r\n"
        } else {
            "\n?echo-ack \"seen\"\r\n"
        });
        assert_eq!(sitting.screen.contains('\u{1b}'), coloured, "{:?}", sitting.screen);
        sitting.press("\u{4}");
        assert_eq!(sitting.exit_code(), Some(0));
    }
}

#[test]
fn whoever_has_seen_that_a_line_was_wrong_is_not_told_again_by_the_exit_code() {
    let server = Server::start();
    let mut sitting = Sitting::start(&server.url(), &[]);
    sitting.press("echo hello\n");
    sitting.see("is no JSON");
    sitting.press("\u{4}");
    assert_eq!(sitting.exit_code(), Some(0));
}

#[test]
fn ctrl_d_in_the_middle_of_a_line_and_once_more_ends_it() {
    let server = Server::start();
    let mut sitting = Sitting::start(&server.url(), &[]);
    sitting.press("?echo-ack \"last\"\u{4}\u{4}");
    sitting.see("echo-ack\u{1b}[0m \"last\"");
    assert_eq!(sitting.exit_code(), Some(0));
}
