//! `sockeye emit`: one event for a script.

mod support;

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::{Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, from_str};
use sockeye::{Msgpack, Tls};
use support::program;
use support::server::Server;

fn run(arguments: &[&str]) -> Output {
    program().arg("emit").args(arguments).output().unwrap()
}

/// What it prints; it has ended well and said nothing else.
fn printed(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = run(arguments);
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    String::from_utf8(stdout).unwrap()
}

/// The exit code, and the one sentence; nothing is printed.
fn failed(arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = run(arguments);
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(String::from_utf8(stdout).unwrap(), "", "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    (status.code().unwrap(), stderr)
}

/// A port where nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn with_ack_the_arguments_of_the_answer_are_one_json_array_on_one_line() {
    let server = Server::start();
    let url = &server.url();
    for (arguments, answer) in [
        (
            &["1", "\"two words\"", "{\"b\": [1, null], \"a\": true}"][..],
            "[1,\"two words\",{\"b\":[1,null],\"a\":true}]\n",
        ),
        (&["12345678901234567890123", "1e400", "-5"], "[12345678901234567890123,1e400,-5]\n"),
        (&["\"a\\nb\\u001b\"", "\"日本 \u{9b}\""], "[\"a\\nb\\u001b\",\"日本 \\u009b\"]\n"),
        (
            &["{\"file\":{\"$base64\":\"AQID\"}}", "{\"$base64\":\"\"}"],
            "[{\"file\":{\"$base64\":\"AQID\"}},{\"$base64\":\"\"}]\n",
        ),
        (&[], "[]\n"),
    ] {
        assert_eq!(printed(&[&[url, "echo-ack"], arguments, &["--ack"]].concat()), answer);
    }
}

#[test]
fn when_the_command_ends_the_server_has_the_event() {
    let server = Server::start();
    let (tell, told) = std::sync::mpsc::channel();
    let heard = std::sync::Mutex::new(tell);
    server.io.of("/chat").on("news", move |args: sockeye::Args| {
        let sent = heard.lock().unwrap().send(args.json().to_owned());
        async move { sent.unwrap() }
    });
    for transports in ["polling", "websocket", "polling,websocket"] {
        let url = format!("{}/chat", server.url());
        let output = printed(&[&url, "news", "1", "--transport", transports]);
        assert_eq!(
            (output.as_str(), told.recv_timeout(Duration::from_secs(10)).as_deref()),
            ("", Ok("1"))
        );
    }
}

#[test]
fn exit_codes_tell_refused_timed_out_and_unreachable_apart() {
    let server = Server::start();
    let (code, words) = failed(&[&format!("http://127.0.0.1:{}", closed_port()), "news"]);
    assert_eq!(code, 3, "{words}");
    assert!(words.starts_with("sockeye: ") && words.contains("127.0.0.1"), "{words}");
    let (code, words) = failed(&[&server.url(), "news", "-n", "/nowhere"]);
    assert_eq!(code, 4, "{words}");
    assert!(words.contains("Invalid namespace") && words.contains("/nowhere"), "{words}");
    let (code, words) = failed(&[&format!("{}/auth", server.url()), "news"]);
    assert_eq!(code, 4, "{words}");
    assert!(words.contains("not authorized") && words.contains("E_AUTH"), "{words}");
    let (code, words) = failed(&[&server.url(), "news", "--path", "/elsewhere/"]);
    assert_eq!(code, 4, "{words}");
    assert!(words.contains("404") && words.contains("--path"), "{words}");
    let mute = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", mute.local_addr().unwrap());
    let (code, words) = failed(&[&url, "news", "--timeout", "0.2"]);
    assert_eq!(code, 5, "{words}");
    let (code, words) = failed(&[&server.url(), "silence", "--ack", "--timeout", "0.2"]);
    assert_eq!(code, 5, "{words}");
    assert!(words.contains("--timeout"), "{words}");
    let (code, words) = failed(&[&server.url(), "cut", "--ack"]);
    assert_eq!(code, 3, "{words}");
    let (code, words) = failed(&[&server.url(), "kick", "--ack"]);
    assert_eq!(code, 4, "{words}");
}

#[test]
fn an_answer_that_is_an_error_is_printed_and_the_exit_code_says_so() {
    let server = Server::start();
    let Output { status, stdout, stderr } = run(&[&server.url(), "fail", "--ack"]);
    assert_eq!(status.code(), Some(4));
    let answer: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(answer[0]["error"]["message"], "it does not go");
    assert!(String::from_utf8(stderr).unwrap().contains("it does not go"));
}

#[test]
fn what_cannot_be_read_is_said_before_anybody_is_asked() {
    let url = &format!("http://127.0.0.1:{}", closed_port());
    for (arguments, part) in [
        (&[url.as_str(), "news", "hello"][..], "'\"hello\"'"),
        (&[url, "news", "@/no/such/file"], "/no/such/file"),
        (&[url, "news", "--auth", "[1]"], "JSON object"),
        (&[url, "news", "--header", "x"], "Name: value"),
        (&[url, "news", "--transport", "pigeon"], "polling"),
        (&[url, "news", "--timeout", "0"], "number of seconds"),
        (&[url], "sockeye emit --help"),
        (&["ftp://localhost", "news"], "ftp"),
        (&[&format!("{url}/a"), "news", "-n", "/b"], "namespace"),
        (&[url, "news", "--ca", "/no/such/file"], "/no/such/file"),
        (&[url, "news", "--proxy", "x:y:z"], "x:y:z"),
    ] {
        let (code, words) = failed(arguments);
        assert_eq!(code, 1, "{arguments:?}: {words}");
        assert!(words.contains(part), "{arguments:?}: {words}");
    }
}

#[test]
fn a_name_that_is_the_protocol_s_own_is_no_event() {
    let url = format!("http://127.0.0.1:{}", closed_port());
    for more in [&[][..], &["--ack"]] {
        let (code, words) = failed(&[&[&url[..], "disconnect"], more].concat());
        assert_eq!(code, 1, "{words}");
        assert!(words.contains("`disconnect` is a reserved event name"), "{words}");
    }
}

#[test]
fn the_server_is_told_what_the_options_say() {
    let server = Server::with(|builder| builder.allow_eio3(true));
    let url = format!("{}/auth?b=c", server.url());
    let known = |more: &[&str]| {
        let options =
            ["--ack", "--auth", r#"{"token":"secret","n":1}"#, "-H", "X-A: b c", "--query", "a=&1"];
        let line = printed(&[&[&url, "known"], &options[..], more].concat());
        from_str::<Value>(&line).unwrap()[0].take()
    };
    let told = known(&["--transport", "websocket"]);
    assert_eq!(told["auth"], from_str::<Value>(r#"{"token":"secret","n":1}"#).unwrap());
    assert_eq!(
        [&told["query"], &told["header"], &told["transport"], &told["namespace"]],
        ["&1", "b c", "websocket", "/auth"]
    );
    assert_eq!(known(&["--transport", "polling"])["transport"], "polling");
    let old = printed(&[&server.url(), "known", "--ack", "--eio3"]);
    assert!(old.contains("\"revision\":3"), "{old}");
}

#[test]
fn a_secret_may_stand_in_the_environment_or_in_a_file() {
    let server = Server::start();
    let url = &format!("{}/auth", server.url());
    let secret = r#"{"token":"secret"}"#;
    let file = std::env::temp_dir().join(format!("sockeye-emit-auth-{}", std::process::id()));
    fs::write(&file, secret).unwrap();
    let argument = format!("@{}", file.display());
    assert_eq!(printed(&[url, "echo-ack", "--ack", "--auth", &argument]), "[]\n");
    fs::remove_file(file).unwrap();
    let mut command = program();
    command.args(["emit", url, "echo-ack", "--ack"]).env("SOCKEYE_AUTH", secret);
    assert_eq!(command.output().unwrap().stdout, b"[]\n");
}

#[test]
fn arguments_may_be_text_or_the_bytes_of_a_file() {
    let server = Server::start();
    let url = &server.url();
    assert_eq!(
        printed(&[url, "echo-ack", "--ack", "--text", "true", "it's"]),
        "[\"true\",\"it's\"]\n"
    );
    assert_eq!(
        printed(&["--ack", "--text", url, "echo-ack", "--", "--insecure", "@-", "-1"]),
        "[\"--insecure\",\"@-\",\"-1\"]\n"
    );
    let mut command = program();
    command.args(["emit", url, "echo-ack", "@-", "--ack"]);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(&[0, 255]).unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "[{\"$base64\":\"AP8=\"}]\n");
}

#[test]
fn a_server_with_messagepack_is_spoken_to_in_messagepack() {
    let server = Server::with(|builder| builder.parser(Msgpack));
    for transport in ["polling", "websocket"] {
        let arguments = [
            &server.url(),
            "echo-ack",
            "{\"$base64\":\"AQ==\"}",
            "\"a\"",
            "--ack",
            "--msgpack",
            "--transport",
            transport,
        ];
        assert_eq!(printed(&arguments), "[{\"$base64\":\"AQ==\"},\"a\"]\n");
    }
}

#[test]
fn a_certificate_has_to_be_trusted_unless_somebody_says_that_any_will_do() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = std::env::temp_dir().join(format!("sockeye-emit-tls-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.join(name));
    fs::write(&certificate, own.cert.pem()).unwrap();
    fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let server = Server::with(|builder| builder.tls(Tls::from_files(&certificate, &key).unwrap()));
    let url = &server.url_tls();
    let (code, words) = failed(&[url, "echo-ack", "--ack"]);
    assert_eq!(code, 3, "{words}");
    assert!(words.contains("--ca") && words.contains("--insecure"), "{words}");
    assert_eq!(printed(&[url, "echo-ack", "--ack", "--insecure"]), "[]\n");
    assert_eq!(printed(&[url, "echo-ack", "--ack", "--ca", certificate.to_str().unwrap()]), "[]\n");
    let (code, words) = failed(&[&server.url(), "echo-ack"]);
    assert!(code == 3 && words.contains("say https"), "{words}");
    let plain = Server::start();
    let (code, words) = failed(&[&plain.url_tls(), "echo-ack"]);
    assert!(code == 3 && words.contains("try http") && !words.contains("--ca"), "{words}");
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_certificate_that_is_for_issuing_others_is_named_as_what_is_wrong() {
    let mut its = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    its.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key_pair = rcgen::KeyPair::generate().unwrap();
    let own = its.self_signed(&key_pair).unwrap();
    let directory = std::env::temp_dir().join(format!("sockeye-emit-ca-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.join(name));
    fs::write(&certificate, own.pem()).unwrap();
    fs::write(&key, key_pair.serialize_pem()).unwrap();
    let server = Server::with(|builder| builder.tls(Tls::from_files(&certificate, &key).unwrap()));
    let trusted = certificate.to_str().unwrap();
    let (code, words) = failed(&[&server.url_tls(), "echo-ack", "--ca", trusted]);
    assert!(code == 3 && words.contains("CA:FALSE"), "{words}");
    fs::remove_dir_all(directory).unwrap();
}

#[cfg(unix)]
#[test]
fn a_server_at_a_unix_socket_is_reached_there() {
    let path = std::env::temp_dir().join(format!("sockeye-emit-{}.sock", std::process::id()));
    let path = path.to_str().unwrap();
    let mut chat = support::sockeye(&["--unix", path]).stdout(Stdio::piped()).spawn().unwrap();
    let mut open = String::new();
    let mut stdout = BufReader::new(chat.stdout.take().unwrap());
    stdout.read_line(&mut open).unwrap();
    let (code, words) = failed(&["http://chat", "news", "--unix", path]);
    chat.kill().unwrap();
    chat.wait().unwrap();
    let _ = fs::remove_file(path);
    assert!(code == 4 && words.contains("the server refused /: auth"), "{words}");
}

#[test]
fn a_proxy_is_asked_for_the_way() {
    let server = Server::start();
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let behind = server.port;
    thread::spawn(move || proxy.incoming().for_each(|asked| pass_on(asked.unwrap(), behind)));
    let there = ["http://sockeye.invalid", "echo-ack", "1", "--ack", "--proxy", &url];
    assert_eq!(printed(&there), "[1]\n");
}

/// What a proxy does for CONNECT, wherever it is to go.
fn pass_on(asked: TcpStream, port: u16) {
    let mut from = BufReader::new(asked.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(from.read_line(&mut head).unwrap(), 0, "{head}");
    }
    assert!(head.starts_with("CONNECT sockeye.invalid:80 "), "{head}");
    (&asked).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let there = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let (mut to, mut back) = (there.try_clone().unwrap(), there);
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    thread::spawn(move || {
        let _ = io::copy(&mut back, &mut &asked);
        let _ = asked.shutdown(Shutdown::Write);
    });
}

#[test]
fn a_reader_who_is_gone_is_no_error() {
    let server = Server::start();
    let mut command = program();
    command.args(["emit", &server.url(), "echo-ack", "1", "--ack"]);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &[][..]));
}

#[test]
fn help_says_what_the_exit_codes_mean() {
    for command in ["emit", "connect"] {
        let output = program().args([command, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && help.contains("Exit codes"), "{help}");
    }
}
