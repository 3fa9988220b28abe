//! How the program starts, what it says when it cannot, and how it ends.

mod support;

use std::env::temp_dir;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use support::{Running, complaint, sockeye};

/// A directory that is gone when this is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        Directory(temp_dir().join(format!("sockeye-start-{name}-{}", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn it_prints_its_address_and_serves_the_page_and_socket_io_there() {
    let running = Running::start(&["--port", "0"]);
    let page = running.get("/");
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    assert!(page.contains("content-security-policy: "), "{page}");
    let handshake = running.get("/socket.io/?EIO=4&transport=polling");
    assert!(handshake.contains("\r\n\r\n0{\"sid\":\""), "{handshake}");
    assert!(running.get("/nothing").starts_with("HTTP/1.1 404 "));
}

#[test]
fn it_serves_the_client_from_a_package_that_is_installed_and_says_how_to_install_one() {
    let package = Directory::new("client-files");
    let words = complaint(&mut sockeye(&["--port", "0", "--client-files", package.path()]));
    assert!(words.contains("npm install socket.io-client"), "{words}");
    fs::create_dir_all(package.0.join("dist")).unwrap();
    fs::write(package.0.join("package.json"), r#"{"version":"4.8.4"}"#).unwrap();
    fs::write(package.0.join("dist/socket.io.js"), "// the client").unwrap();
    let running = Running::start(&["--port", "0", "--client-files", package.path()]);
    let bundle = running.get("/socket.io/socket.io.js");
    assert!(bundle.contains("\r\netag: \"4.8.4\"\r\n"), "{bundle}");
    assert!(bundle.ends_with("// the client"), "{bundle}");
}

#[test]
fn it_compresses_for_clients_that_ask_for_it_where_it_is_told_to() {
    for (arguments, agreed) in
        [(&["--port", "0", "--deflate"][..], true), (&["--port", "0"], false)]
    {
        let running = Running::start(arguments);
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, running.port)).unwrap();
        let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n\
                       Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                       Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let lines = BufReader::new(stream).lines().map(Result::unwrap);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        assert!(head[0].starts_with("HTTP/1.1 101 "), "{head:?}");
        let said = "sec-websocket-extensions: permessage-deflate";
        assert_eq!(head.iter().any(|line| line.starts_with(said)), agreed, "{head:?}");
    }
}

#[test]
fn a_port_in_use_is_named_with_a_way_out() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let words = complaint(&mut sockeye(&["--port", &port.to_string()]));
    assert!(words.contains(&format!("port {port} is in use")), "{words}");
    assert!(words.contains("--port"), "{words}");
}

#[test]
fn an_unreadable_option_is_named_in_one_sentence() {
    let words = complaint(&mut sockeye(&["--port", "many"]));
    assert!(words.contains("'many'") && words.contains("--port"), "{words}");
    assert!(complaint(&mut sockeye(&["--prot", "3000"])).contains("--prot"));
    assert!(
        complaint(&mut sockeye(&["--allow-origin", "example.com"])).contains("https://example.com")
    );
}

#[test]
fn an_unreadable_port_in_the_environment_is_named_too() {
    let words = complaint(sockeye(&[]).env("PORT", "70000"));
    assert!(words.contains("70000"), "{words}");
}

#[test]
fn a_host_of_another_machine_is_refused_with_a_way_out() {
    // TEST-NET-1 of RFC 5737 is nobody's.
    let words = complaint(&mut sockeye(&["--host", "192.0.2.1", "--port", "0"]));
    assert!(words.contains("--host localhost"), "{words}");
}

#[test]
fn a_directory_that_cannot_be_used_is_named_with_a_way_out() {
    let file = env!("CARGO_BIN_EXE_sockeye");
    let words = complaint(&mut sockeye(&["--port", "0", "--data", file]));
    assert!(words.contains(file) && words.contains("--data"), "{words}");
    assert!(words.contains("--memory"), "{words}");
}

#[test]
fn a_directory_that_another_program_uses_is_left_alone() {
    let data = Directory::new("in-use");
    let _running = Running::start(&["--port", "0", "--data", data.path()]);
    let words = complaint(&mut sockeye(&["--port", "0", "--data", data.path()]));
    assert!(words.contains("in use") && words.contains("--data"), "{words}");
}

#[test]
fn it_says_where_it_keeps_what_is_said_and_in_which_state_it_found_it() {
    let data = Directory::new("verdict");
    let arguments = ["--port", "0", "--data", data.path()];
    for found in ["there was nothing yet", "it was not closed, and everything that was written"] {
        let line = Running::start(&arguments).line();
        assert!(line.contains(data.path()) && line.contains(found), "{line}");
    }
    assert!(Running::start(&["--port", "0"]).line().contains("in memory only"));
}

#[test]
fn help_is_no_error() {
    let output = sockeye(&["--help"]).output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("--port"));
}

#[test]
fn a_foreign_page_is_let_in_only_when_it_is_named() {
    let ask = |running: &Running| {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, running.port)).unwrap();
        write!(
            stream,
            "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\nOrigin: https://example.com\r\n\
             Connection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask(&Running::start(&["--port", "0"])).starts_with("HTTP/1.1 403 "));
    let open = Running::start(&["--port", "0", "--allow-origin", "https://example.com"]);
    assert!(ask(&open).starts_with("HTTP/1.1 200 "));
}

#[cfg(unix)]
#[test]
fn it_ends_in_order_when_it_is_told_to_though_clients_are_there() {
    for signal in ["INT", "TERM"] {
        let mut running = Running::start(&["--port", "0"]);
        let handshake = running.get("/socket.io/?EIO=4&transport=polling");
        assert!(handshake.starts_with("HTTP/1.1 200 "), "{handshake}");
        let told = Command::new("kill")
            .args(["-s", signal, &running.process.id().to_string()])
            .status()
            .unwrap();
        assert!(told.success());
        assert_eq!(running.process.wait().unwrap().code(), Some(0));
        let mut rest = String::new();
        running.stdout.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("Saying goodbye"), "{rest}");
    }
}

#[cfg(unix)]
#[test]
fn it_goes_on_when_the_terminal_it_was_started_in_is_gone_and_still_ends_in_order() {
    let mut process =
        sockeye(&["--port", "0"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut lines = [(); 3].map(|()| {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        line
    });
    let port = lines[0].split_off(lines[0].rfind(':').unwrap() + 1).trim().parse().unwrap();
    drop((stdout, process.stderr.take()));
    let signal = |name| {
        let id = process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    };
    signal("HUP");
    for _ in 0..3 {
        assert!(support::get(port, "/").starts_with("HTTP/1.1 200 "));
    }
    signal("TERM");
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_proxy_on_a_unix_socket_is_served_and_the_file_goes_with_the_program() {
    use std::os::unix::net::UnixStream;
    let directory = Directory::new("unix");
    fs::create_dir_all(&directory.0).unwrap();
    let path = directory.0.join("http.sock");
    let arguments = ["--unix", path.to_str().unwrap(), "--proxy-protocol"];
    let mut process = sockeye(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line.trim(), format!("The chat is open: at the Unix socket {}", path.display()));
    let mut stream = UnixStream::connect(&path).unwrap();
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    write!(stream, "PROXY TCP4 192.0.2.1 192.0.2.7 4000 80\r\n{request}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let complaint = complaint(&mut sockeye(&arguments));
    assert!(complaint.contains("choose another --unix"), "{complaint}");
    assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
    assert!(process.wait().unwrap().success());
    assert!(!path.exists());
}

#[test]
fn what_is_no_proxy_is_said_in_one_sentence() {
    let complaint = complaint(&mut sockeye(&["--trust-forwarded-for", "everybody"]));
    assert!(complaint.contains("neither a number of proxies nor a network"), "{complaint}");
}

#[test]
fn the_options_of_the_engine_can_be_set() {
    let running = Running::start(&[
        "--port",
        "0",
        "--ping-interval",
        "7",
        "--ping-timeout",
        "3",
        "--max-payload",
        "5000",
        "--no-upgrades",
        "--allow-eio3",
        "--cookie",
        "node",
    ]);
    let answer = running.get("/socket.io/?EIO=4&transport=polling");
    for part in [
        "\"pingInterval\":7000",
        "\"pingTimeout\":3000",
        "\"maxPayload\":5000",
        "\"upgrades\":[]",
        "set-cookie: node=",
    ] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    let old = running.get("/socket.io/?EIO=3&transport=polling");
    assert!(old.contains(":0{\"sid\""), "with its length in front: {old}");
    let running = Running::start(&["--port", "0", "--transports", "websocket"]);
    let answer = running.get("/socket.io/?EIO=4&transport=polling");
    assert!(answer.contains("Transport unknown"), "{answer}");
}

#[test]
fn an_option_of_the_engine_that_makes_no_sense_is_a_sentence() {
    for (arguments, part) in [
        (["--transports", "pigeon"], "there are polling and websocket"),
        (["--compression", "much"], "a number of bytes, or off"),
        (["--cookie", "two words"], "a name has letters"),
    ] {
        let complaint = complaint(&mut sockeye(&arguments));
        assert!(complaint.contains(part), "{complaint}");
    }
}

#[cfg(unix)]
#[test]
fn a_certificate_is_renewed_by_the_signal_hup_and_a_broken_one_leaves_the_old() {
    let directory = Directory::new("tls");
    fs::create_dir_all(&directory.0).unwrap();
    let (certificate, key) = (directory.0.join("cert.pem"), directory.0.join("key.pem"));
    let renew = || {
        let new = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&certificate, new.cert.pem()).unwrap();
        fs::write(&key, new.signing_key.serialize_pem()).unwrap();
    };
    let arguments = [
        "--port",
        "0",
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let words = complaint(&mut sockeye(&arguments));
    assert!(words.contains("the certificate in ") && words.contains("cannot be used"), "{words}");
    let words = complaint(&mut sockeye(&arguments[..4]));
    assert!(words.contains("--tls-key"), "{words}");
    renew();
    let mut process =
        sockeye(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut stderr = BufReader::new(process.stderr.take().unwrap());
    let next = |from: &mut dyn BufRead| {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        line
    };
    assert!(next(&mut stdout).starts_with("The chat is open: https://localhost:"));
    next(&mut stdout);
    next(&mut stdout);
    let signal = |name| {
        let id = process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    };
    renew();
    signal("HUP");
    assert_eq!(next(&mut stdout), "New connections get the certificate that is in its file now.\n");
    fs::write(&certificate, "nothing").unwrap();
    signal("HUP");
    assert!(next(&mut stderr).starts_with("sockeye: the old certificate stays: "));
    signal("TERM");
    assert!(process.wait().unwrap().success());
}

#[cfg(unix)]
#[test]
fn it_serves_even_if_nobody_reads_its_greeting() {
    let path = temp_dir().join(format!("sockeye-start-unread-{}.sock", std::process::id()));
    let (reader, nobody) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = sockeye(&["--unix", path.to_str().unwrap(), "--workers", "1"]);
    let mut process = command.stdout(nobody).spawn().unwrap();
    let mut stream = loop {
        match std::os::unix::net::UnixStream::connect(&path) {
            Ok(stream) => break stream,
            Err(_) => assert_eq!(process.try_wait().unwrap(), None),
        }
        std::thread::yield_now();
    };
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = Vec::new();
    let asked = stream.write_all(request).and_then(|()| stream.read_to_end(&mut answer));
    process.kill().unwrap();
    process.wait().unwrap();
    let _ = fs::remove_file(path);
    assert!(asked.is_ok() && answer.starts_with(b"HTTP/1.1 200"), "{asked:?}");
}
