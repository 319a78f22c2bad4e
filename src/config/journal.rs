//! `[journal]` and `[uplink]`: where events are kept, and who is told of them.

use std::path::Path;
use std::time::Duration;

use url::Url;

use super::environment::Environment;
use super::reader::Table;
use super::reference;
use super::types::{ClientTls, JournalConfig, UplinkConfig};
use crate::model::ids::{ConsumerName, NodeName, SiteName};

/// What the events of the journal itself carry is known only at the end.
pub(super) fn read(
    root: &Table<'_>,
    state_dir: &Path,
    folder: &Path,
) -> impl FnOnce(SiteName, NodeName) -> JournalConfig + use<> {
    let table = root.table("journal", "[journal]");
    let read = table.as_ref();
    let path = read.and_then(|table| table.text("path"));
    let path = path.map_or_else(
        || state_dir.join("journal.sqlite3"),
        |path| folder.join(path.value),
    );
    let whole = |key, range| read.and_then(|table: &Table<'_>| table.integer(key, range));
    let group_max = whole("group_max", 1..=100_000).map(|set| set.value);
    let deadline = read.and_then(|table| table.millis("deadline_millis", 1..=60_000));
    let memory_events = whole("memory_events", 100..=1_000_000).map(|set| set.value);
    let max_bytes = whole("max_bytes", 1 << 20..=i64::MAX).map(|set| set.value);
    let max_age_days = whole("max_age_days", 1..=36_500).map(|set| set.value);
    let deadline = deadline.map(|set| set.value);
    if let Some(table) = table {
        table.finish();
    }
    move |site, node| {
        let mut journal = JournalConfig::new(path, site, node);
        let size = |written: Option<i64>| written.and_then(|value| usize::try_from(value).ok());
        journal.group_max = size(group_max).unwrap_or(journal.group_max);
        journal.deadline = deadline.unwrap_or(journal.deadline);
        journal.memory_events = size(memory_events).unwrap_or(journal.memory_events);
        journal.max_bytes = max_bytes.map_or(journal.max_bytes, i64::unsigned_abs);
        let days = max_age_days.map(i64::unsigned_abs);
        journal.max_age = days.map_or(journal.max_age, |days| {
            Duration::from_secs(days * 24 * 60 * 60)
        });
        journal
    }
}

/// `None` where the section is missing or wrong; what is wrong is reported.
pub(super) fn uplink(
    root: &Table<'_>,
    folder: &Path,
    environment: &dyn Environment,
) -> Option<UplinkConfig> {
    let table = root.table("uplink", "[uplink]")?;
    if !table.has("url") {
        table.missing(
            "url",
            "write the platform's address such as https://platform.example:7448",
        );
    }
    let has_tls = table.has("tls");
    let tls = table.table("tls", "tls");
    let tls = tls.and_then(|tls| client_tls(&tls, folder, environment));
    let url = table.text("url").and_then(|text| {
        let wrong = match text.value.parse::<Url>() {
            Ok(url) => match mistake(&url, has_tls) {
                None => return Some(url),
                Some(wrong) => wrong.to_owned(),
            },
            Err(error) => format!("{error}: write https://host:port"),
        };
        table.problem(text.at, format!("`url` is `{}`: {wrong}", text.value));
        None
    });
    let consumer = table.name("consumer", ConsumerName::new);
    let consumer = match consumer {
        None if table.has("consumer") => None,
        None => ConsumerName::new("uplink").ok(),
        Some(name) => Some(name.value),
    };
    table.finish();
    let (url, consumer) = (url?, consumer?);
    (has_tls == tls.is_some()).then_some(UplinkConfig { url, tls, consumer })
}

/// Why the uplink cannot dial there.
fn mistake(url: &Url, has_tls: bool) -> Option<&'static str> {
    // `port` hides a scheme's own port, so 443 must not be asked for.
    let whole = url.host().is_some() && url.port_or_known_default().is_some();
    match url.scheme() {
        "https" if whole && has_tls => None,
        "https" if whole => Some("certificates are needed there: write [uplink.tls]"),
        "http" if whole && has_tls => Some("[uplink.tls] needs https://host:port"),
        "http" if whole && is_loopback(url) => None,
        "http" if whole => {
            Some("plain text is for loopback only: write https://host:port and [uplink.tls]")
        }
        _ => Some("write https://host:port"),
    }
}

fn client_tls(
    table: &Table<'_>,
    folder: &Path,
    environment: &dyn Environment,
) -> Option<ClientTls> {
    for (key, how) in [
        (
            "authority",
            "name the PEM file of the authority that signs the platform's certificate",
        ),
        (
            "certificate",
            "name the PEM file of this node's certificate chain",
        ),
        (
            "key",
            "write key = { file = \"…\" } or key = { credential = \"NAME\" }",
        ),
    ] {
        if !table.has(key) {
            table.missing(key, how);
        }
    }
    let path = |key| table.text(key).map(|text| folder.join(text.value));
    let (authority, certificate) = (path("authority"), path("certificate"));
    let key = reference::secret_path(table, "key", folder, environment);
    let server_name = table.text("server_name").map(|text| text.value.to_owned());
    table.finish();
    Some(ClientTls {
        authority: authority?,
        certificate: certificate?,
        key: key?,
        server_name,
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
