//! The client's bundle for browsers, from an npm package that is installed.

mod support;

use std::fs;
use std::io::Read as _;
use std::net::SocketAddr;

use flate2::read::{GzDecoder, ZlibDecoder};
use sockeye::{BuildError, Builder, Io};
use support::{serve, soon};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const SCRIPTS: [&str; 4] =
    ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

/// A package as npm installs it: what a file says is its name, many times.
fn package() -> TempDir {
    let package = tempfile::tempdir().unwrap();
    let manifest = r#"{"name":"socket.io-client","version":"4.8.4"}"#;
    fs::write(package.path().join("package.json"), manifest).unwrap();
    fs::write(package.path().join("secret.js"), "secret").unwrap();
    fs::create_dir(package.path().join("dist")).unwrap();
    for script in SCRIPTS {
        for name in [script.to_owned(), format!("{script}.map")] {
            fs::write(package.path().join("dist").join(&name), content(&name)).unwrap();
        }
    }
    package
}

fn content(name: &str) -> String {
    format!("// {name}\n").repeat(1000)
}

async fn serving(options: impl FnOnce(Builder) -> Builder) -> SocketAddr {
    let package = package();
    let io = options(Io::builder().client_files(package.path())).build().unwrap();
    // They were read, and are not needed any more.
    package.close().unwrap();
    serve(&io).await
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

async fn ask(address: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: answer[end + 4..].to_vec() }
}

async fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
    ask(address, "GET", path, headers).await
}

#[tokio::test]
async fn a_browser_gets_every_bundle_and_its_map() {
    let address = serving(|io| io).await;
    for script in SCRIPTS {
        let answer = get(address, &format!("/socket.io/{script}"), "").await;
        assert_eq!((answer.status, answer.text()), (200, &*content(script)));
        let script_type = "application/javascript; charset=utf-8";
        assert_eq!(answer.header("content-type"), Some(script_type));
        assert_eq!(answer.header("etag"), Some("\"4.8.4\""));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=0"));
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
        let answer = get(address, &format!("/socket.io/{script}.map?v=1"), "").await;
        assert_eq!((answer.status, answer.text()), (200, &*content(&format!("{script}.map"))));
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    }
}

#[tokio::test]
async fn a_browser_that_has_this_version_is_told_so() {
    let address = serving(|io| io).await;
    let path = "/socket.io/socket.io.js";
    for known in ["\"4.8.4\"", "W/\"4.8.4\"", "\"4.0.0\", W/\"4.8.4\"", "*"] {
        let answer = get(address, path, &format!("If-None-Match: {known}\r\n")).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        assert_eq!(answer.header("etag"), Some("\"4.8.4\""));
    }
    for other in ["\"4.8.3\"", "4.8.4", "W/4.8.4", "\"", "W/"] {
        let answer = get(address, path, &format!("If-None-Match: {other}\r\n")).await;
        assert_eq!(answer.status, 200, "{other}");
    }
}

#[tokio::test]
async fn a_bundle_is_packed_as_the_browser_asks_for_and_only_then() {
    let address = serving(|io| io).await;
    let path = "/socket.io/socket.io.min.js";
    let plain = content("socket.io.min.js");
    // Twice: what was packed is kept.
    for _ in 0..2 {
        let answer = get(address, path, "Accept-Encoding: gzip\r\n").await;
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        let mut text = String::new();
        GzDecoder::new(&*answer.body).read_to_string(&mut text).unwrap();
        assert_eq!(text, plain);
        let answer = get(address, path, "Accept-Encoding: deflate, gzip;q=0\r\n").await;
        assert_eq!(answer.header("content-encoding"), Some("deflate"));
        let mut text = String::new();
        ZlibDecoder::new(&*answer.body).read_to_string(&mut text).unwrap();
        assert_eq!(text, plain);
        let answer = get(address, path, "Accept-Encoding: zstd, *;q=0\r\n").await;
        assert_eq!((answer.header("content-encoding"), answer.text()), (None, &*plain));
    }
    let many = (0..40).map(|_| get(address, path, "Accept-Encoding: gzip\r\n"));
    let lengths = futures_util::future::join_all(many).await;
    assert!(lengths.iter().all(|answer| answer.body.len() == lengths[0].body.len()));
}

#[tokio::test]
async fn a_bundle_is_packed_with_br_for_browsers_that_take_it() {
    let address = serving(|io| io).await;
    let path = "/socket.io/socket.io.min.js";
    let answer = get(address, path, "Accept-Encoding: gzip, deflate, br\r\n").await;
    assert_eq!(answer.header("content-encoding"), Some("br"));
    assert!(answer.body.len() < 200, "{}", answer.body.len());
}

#[tokio::test]
async fn only_get_and_head_are_answered_and_head_without_the_file() {
    let address = serving(|io| io).await;
    let path = "/socket.io/socket.io.js";
    let answer = ask(address, "HEAD", path, "").await;
    let length = content("socket.io.js").len().to_string();
    assert_eq!((answer.status, answer.header("content-length")), (200, Some(&*length)));
    assert!(answer.body.is_empty());
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
        let answer = ask(address, method, path, "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_read_the_bundle() {
    let address = serving(|io| io.allow_origin("https://friend.example").credentials(true)).await;
    let path = "/socket.io/socket.io.js";
    let friend = "Origin: https://friend.example\r\n";
    let answer = get(address, path, friend).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://friend.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    let asks = format!("{friend}Access-Control-Request-Method: GET\r\n");
    assert_eq!(ask(address, "OPTIONS", path, &asks).await.status, 204);
    // Its browser keeps it from it.
    let answer = get(address, path, "Origin: https://foe.example\r\n").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
}

#[tokio::test]
async fn nothing_else_is_served_from_the_directory_however_it_is_asked_for() {
    let address = serving(|io| io).await;
    for path in [
        "/socket.io/",
        "/socket.io/socket.io.slim.js",
        "/socket.io/../package.json",
        "/socket.io/..%2fpackage.json",
        "/socket.io/dist/socket.io.js",
        "/socket.io/secret.js",
        "/socket.io/%2e%2e/secret.js",
        "/socket.io//socket.io.jsx",
        "/socket.io/socket.io.js/",
        "/socket.io/socket.io.js%00",
    ] {
        let answer = get(address, path, "").await;
        let unknown = r#"{"code":0,"message":"Transport unknown"}"#;
        assert_eq!((answer.status, answer.text()), (400, unknown), "{path}");
    }
    assert_eq!(get(address, "/socket.io.js", "").await.status, 404);
    let without = serve(&support::io(|io| io)).await;
    assert_eq!(get(without, "/socket.io/socket.io.js", "").await.status, 400);
}

#[tokio::test]
async fn bundles_stand_beside_clients_at_whatever_path() {
    for options in
        [|io: Builder| io.path("/live"), |io: Builder| io.path("/live").add_trailing_slash(false)]
    {
        let address = serving(options).await;
        assert_eq!(get(address, "/live/socket.io.js", "").await.status, 200);
        assert_eq!(
            get(address, "/live/socket.io.js/?EIO=4&transport=polling", "").await.status,
            200
        );
    }
}

#[test]
fn a_package_that_is_not_there_is_said_when_the_server_is_built_with_what_to_do() {
    let error = Io::builder().client_files("/nowhere/socket.io-client").build().unwrap_err();
    let words = error.to_string();
    assert!(words.contains("`/nowhere/socket.io-client`"), "{words}");
    assert!(words.contains("`npm install socket.io-client`"), "{words}");
}

#[test]
fn a_package_is_found_by_its_dist_and_one_that_is_broken_is_named() {
    let package = package();
    let dist = package.path().join("dist");
    let build = || Io::builder().client_files(&dist).build();
    assert!(build().is_ok());
    for script in SCRIPTS {
        fs::remove_file(dist.join(script)).unwrap();
    }
    assert!(build().is_ok(), "an older client has fewer files");
    let problem = || match build() {
        Err(BuildError::ClientFiles { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    fs::create_dir(dist.join("socket.io.js")).unwrap();
    assert!(problem().contains("not a file"), "{}", problem());
    fs::remove_dir(dist.join("socket.io.js")).unwrap();
    let huge = fs::File::create(dist.join("socket.io.js")).unwrap();
    huge.set_len(5 << 20).unwrap();
    assert!(problem().contains("at most 4 MiB"), "{}", problem());
    fs::remove_dir_all(&dist).unwrap();
    assert!(problem().contains("package.json"), "{}", problem());
    fs::create_dir(&dist).unwrap();
    assert!(problem().contains("none of the client's files"), "{}", problem());
    fs::write(dist.join("socket.io.js"), "").unwrap();
    fs::write(package.path().join("package.json"), r#"{"version":"4 \"8\""}"#).unwrap();
    assert!(problem().contains("cannot be an ETag"), "{}", problem());
    fs::write(package.path().join("package.json"), "{}").unwrap();
    assert!(problem().contains("missing field `version`"), "{}", problem());
}
