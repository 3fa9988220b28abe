//! The cookie that names a session: what it says, and what no browser would take.

use std::time::{Duration, SystemTime};

use sockeye_transport::{Cookie, CookiePriority, SameSite};

#[test]
fn a_cookie_says_when_it_expires_how_it_is_kept_and_for_whom() {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let cookie = Cookie::new("io").expires(at).priority(CookiePriority::High);
    assert_eq!(
        cookie.to_string(),
        "io=; Path=/; Expires=Sun, 06 Nov 1994 08:49:37 GMT; HttpOnly; Priority=High; SameSite=Lax"
    );
    let cookie = Cookie::new("io").secure(true).partitioned(true).same_site(SameSite::None);
    assert_eq!(cookie.to_string(), "io=; Path=/; HttpOnly; Secure; Partitioned; SameSite=None");
    assert_eq!(cookie.problem(), None);
}

#[test]
fn a_cookie_that_no_browser_would_take_says_why() {
    let partitioned = Cookie::default().partitioned(true);
    assert!(partitioned.problem().unwrap().contains("`Partitioned`"));
    for at in [
        SystemTime::UNIX_EPOCH - Duration::from_secs(1),
        SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 366 * 10_000),
    ] {
        assert!(Cookie::default().expires(at).problem().unwrap().contains("1970"));
    }
}
