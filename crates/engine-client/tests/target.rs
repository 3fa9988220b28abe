//! URLs, as the JavaScript clients take them: `url.ts` of socket.io-client and the URLs of engine.io-client's own suite.

use sockeye_engine_client::{Config, Dialer, Engine, Jar, Proxy, Target};

fn parsed(url: &str) -> (bool, String, u16, String) {
    let (target, namespace) = Target::parse(url).unwrap_or_else(|error| panic!("{error}"));
    (target.secure, target.host, target.port, namespace)
}

fn problem(url: &str) -> String {
    Target::parse(url).expect_err(url).to_string()
}

#[test]
fn scheme_and_port_are_taken_from_the_url_or_are_the_usual_ones() {
    let cases = [
        ("http://localhost", false, "localhost", 80),
        ("https://localhost", true, "localhost", 443),
        ("ws://localhost", false, "localhost", 80),
        ("wss://localhost", true, "localhost", 443),
        ("wss://localhost:2020", true, "localhost", 2020),
        ("HTTPS://LocalHost:", true, "localhost", 443),
        ("  http://127.0.0.1:3000/  ", false, "127.0.0.1", 3000),
    ];
    for (url, secure, host, port) in cases {
        assert_eq!(parsed(url), (secure, host.to_owned(), port, "/".to_owned()), "{url}");
    }
}

#[test]
fn without_a_scheme_it_is_http() {
    for url in ["localhost:3000", "//localhost:3000"] {
        assert_eq!(parsed(url), (false, "localhost".to_owned(), 3000, "/".to_owned()), "{url}");
    }
    assert_eq!(parsed("woot.com/chat"), (false, "woot.com".to_owned(), 80, "/chat".to_owned()));
}

#[test]
fn an_address_of_ipv6_stands_in_brackets_and_is_kept_without() {
    assert_eq!(parsed("http://[::1]").1, "::1");
    assert_eq!(parsed("http://[::1]").2, 80);
    assert_eq!(parsed("http://[::1]:8080/a").2, 8080);
    assert_eq!(Target::parse("http://[::1]").unwrap().0.origin(), "http://[::1]:80");
}

#[test]
fn a_host_is_taken_without_a_url() {
    let cases = [
        (false, "localhost", None, "localhost", 80),
        (false, "localhost", Some(8080), "localhost", 8080),
        (false, "[::1]", None, "::1", 80),
        (true, "[::1]", None, "::1", 443),
        (false, "[::1]", Some(8080), "::1", 8080),
        (false, "::1", None, "::1", 80),
    ];
    for (secure, host, port, bare, number) in cases {
        let target = Target::of_host(secure, host, port).unwrap();
        assert_eq!((&*target.host, target.port), (bare, number), "{host}");
        assert_eq!(target.path, "/socket.io/");
    }
}

#[test]
fn the_path_is_the_namespace_and_never_the_path_of_engine_io() {
    for (url, namespace) in [
        ("http://woot.com/woot", "/woot"),
        ("http://google.com", "/"),
        ("http://google.com/", "/"),
        ("http://google.com?a=b", "/"),
        ("http://google.com/a/b/?c=/d#e", "/a/b/"),
        ("http://google.com/комната", "/комната"),
        ("http://google.com/a@b:c", "/a@b:c"),
    ] {
        assert_eq!(parsed(url).3, namespace, "{url}");
    }
    let (target, namespace) = Target::parse("https://woot.com/some-namespace").unwrap();
    let target = target.with_path("/some-path");
    assert_eq!((&*target.path, &*namespace), ("/some-path/", "/some-namespace"));
}

#[test]
fn the_slash_behind_the_path_may_be_left_out() {
    let (mut target, _) = Target::parse("http://localhost").unwrap();
    for path in ["engine.io", "/engine.io", "/engine.io/"] {
        assert_eq!(target.clone().with_path(path).path, "/engine.io/");
    }
    assert_eq!(target.clone().with_path("/").path, "/");
    target.path = "/engine.io".to_owned();
    assert_eq!(target.path, "/engine.io");
}

#[test]
fn the_origin_has_its_port_always_so_that_one_server_is_one_origin() {
    let origin = |url: &str| Target::parse(url).unwrap().0.origin();
    assert_eq!(origin("http://google.com:80/"), origin("http://google.com/"));
    assert_eq!(origin("ws://google.com"), origin("http://google.com/"));
    assert_ne!(origin("http://google.com/"), origin("https://google.com/"));
    assert_eq!(origin("https://woot.com/x"), "https://woot.com:443");
}

#[test]
fn the_query_is_kept_and_decoded_once() {
    let (target, _) = Target::parse("http://localhost/?a=b%20c&d&e=f=g").unwrap();
    let pairs = [("a", "b c"), ("d", ""), ("e", "f=g")];
    assert_eq!(target.query, pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn user_and_password_do_not_show_themselves() {
    let (target, _) = Target::parse("http://me:secret@localhost/").unwrap();
    assert_eq!((&*target.host, target.port), ("localhost", 80));
    assert!(!format!("{target:?}").contains("secret"), "{target:?}");
    let told = problem("ftp://me:secret@localhost/");
    assert!(!told.contains("secret"), "{told}");
    assert_eq!(told, "`ftp://…@localhost/`: the scheme must be http, https, ws or wss, not `ftp`");
}

#[test]
fn a_password_that_is_written_wrongly_is_not_repeated_either() {
    for url in
        ["http://me:se/cret@localhost", "http://me:se#cret@localhost", "me:se?cret@localhost"]
    {
        let told = problem(url);
        assert!(!told.contains("se") && !told.contains("cret"), "{told}");
        assert!(told.ends_with("in a password is written as `%2F`, `%3F` or `%23`"), "{told}");
    }
    let told = problem("http://localhost:x/chat?token=secret");
    assert_eq!(
        told,
        "`http://localhost:x/chat`: the port must be a number from 1 to 65535, not `x`"
    );
}

#[test]
fn what_is_printed_for_whoever_looks_for_a_mistake_has_no_secrets() {
    let url = "http://me:hush-password@localhost/?token=hush-query";
    let (target, _) = Target::parse(url).unwrap();
    let jar = Jar::default();
    let mut answer = http::HeaderMap::new();
    answer.insert("set-cookie", "node=hush-cookie".parse().unwrap());
    jar.store(&target, &answer);
    let proxy = Proxy::new("http://me:hush-proxy@proxy").unwrap();
    let mut config = Config::new(target);
    config.headers.insert("authorization", "Bearer hush-header".parse().unwrap());
    config.cookies = Some(jar);
    config.dialer = Dialer::default().proxy(proxy);
    let told = format!("{config:?} {:?}", Engine::open(config.clone().into()));
    assert!(!told.contains("hush"), "{told}");
    for name in ["token", "node", "authorization"] {
        assert!(told.contains(name), "{name} in {told}");
    }
}

#[test]
fn what_leads_nowhere_is_named() {
    for (url, words) in [
        ("", "there is no host"),
        ("http://", "there is no host"),
        ("http://:80", "there is no host"),
        ("/chat", "a path alone does not say which server"),
        ("file:///etc/passwd", "the scheme must be http, https, ws or wss, not `file`"),
        ("http://localhost:0", "the port must be a number from 1 to 65535, not `0`"),
        ("http://localhost:65536", "the port must be a number from 1 to 65535, not `65536`"),
        ("http://localhost:+80", "the port must be a number from 1 to 65535, not `+80`"),
        ("http://localhost:http", "the port must be a number from 1 to 65535, not `http`"),
        ("http://::1", "an address of IPv6 stands in brackets: `http://[::1]:3000`"),
        ("http://[::g]", "`::g` is no address of IPv6"),
        ("http://[::1]80", "behind the brackets comes `:` and a port, not `80`"),
        ("http://[::1", "an address of IPv6 stands in brackets: `http://[::1]:3000`"),
        ("http://a b", "`a b` is no name of a host"),
        (
            "http://bücher.example",
            "the host `bücher.example` is not ASCII: write it as its `xn--` form",
        ),
    ] {
        assert_eq!(problem(url), format!("`{url}`: {words}"));
    }
}
