//! `[journal]` and `[uplink]`.

use std::time::Duration;

use super::{good, one};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn the_journal_keeps_half_a_year_unless_it_is_told_otherwise() {
    let built_in = good("").journal;
    assert_eq!(
        (built_in.max_age, built_in.memory_events),
        (180 * DAY, 10_000)
    );
    assert_eq!(built_in.max_bytes, 32 << 30);
    let names = (built_in.site.as_str(), built_in.node.as_str());
    assert_eq!(names, ("s", "n"));
    let text = "[journal]\nmemory_events = 500\nmax_bytes = 1048576\nmax_age_days = 365\n";
    let written = good(text).journal;
    assert_eq!((written.max_age, written.memory_events), (365 * DAY, 500));
    assert_eq!(written.max_bytes, 1 << 20);
    one(
        "[journal]\nmax_bytes = 1000\n",
        "2:13: [journal]: `max_bytes` is 1000: write 1048576 to",
    );
    one(
        "[journal]\nmemory_events = 1\n",
        "2:17: [journal]: `memory_events` is 1: write 100 to 1000000",
    );
    one(
        "[journal]\nmax_age_days = 0\n",
        "2:16: [journal]: `max_age_days` is 0: write 1 to",
    );
}

#[test]
fn the_uplink_dials_only_where_plain_text_stays_on_this_machine() {
    assert_eq!(good("").uplink, None);
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        let config = good(&format!("[uplink]\nurl = \"http://{host}:7448\"\n"));
        let uplink = config.uplink.expect("an uplink");
        assert_eq!(uplink.consumer.as_str(), "uplink");
        assert_eq!(uplink.url.port(), Some(7_448));
    }
    let named = good("[uplink]\nurl = \"http://127.0.0.1:1\"\nconsumer = \"centre\"\n");
    assert_eq!(named.uplink.expect("an uplink").consumer.as_str(), "centre");
    one("[uplink]\n", "1:1: [uplink]: `url` is missing");
    one(
        "[uplink]\nurl = \"http://10.0.0.1:7448\"\n",
        "2:7: [uplink]: `url` is `http://10.0.0.1:7448`: plain text is for loopback only",
    );
    one(
        "[uplink]\nurl = \"ftp://127.0.0.1:1\"\n",
        "2:7: [uplink]: `url` is `ftp://127.0.0.1:1`: write https://host:port",
    );
    one(
        "[uplink]\nurl = \"http://127.0.0.1:1\"\nconsumer = \"a b\"\n",
        "3:12: [uplink]: `consumer`",
    );
    one(
        "[uplink]\nurl = \"https://platform:7448\"\n",
        "2:7: [uplink]: `url` is `https://platform:7448`: certificates are needed there",
    );
}

#[test]
fn the_uplink_speaks_tls_to_everybody_else() {
    let tls = "[uplink.tls]\nauthority = \"ca.pem\"\ncertificate = \"node.pem\"\n";
    let key = "key = { file = \"/proc/self/none\" }\n";
    let url = "[uplink]\nurl = \"https://platform:7448\"\n";
    one(
        &format!("{url}{tls}"),
        "3:1: [uplink]: tls: `key` is missing: write key = { file",
    );
    one(
        &format!("[uplink]\nurl = \"http://127.0.0.1:7448\"\n{tls}{key}"),
        "2:7: [uplink]: `url` is `http://127.0.0.1:7448`: [uplink.tls] needs https",
    );
}
