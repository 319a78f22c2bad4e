//! `[journal]` and `[uplink]`: where events are kept, and who is told of them.

use std::path::Path;
use std::time::Duration;

use url::Url;

use super::reader::Table;
use super::types::{JournalConfig, UplinkConfig};
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
pub(super) fn uplink(root: &Table<'_>) -> Option<UplinkConfig> {
    let table = root.table("uplink", "[uplink]")?;
    if !table.has("url") {
        table.missing(
            "url",
            "write the platform's address such as http://127.0.0.1:7448",
        );
    }
    let url = table.text("url").and_then(|text| {
        let wrong = match text.value.parse::<Url>() {
            Ok(url) if url.scheme() != "http" || url.host().is_none() || url.port().is_none() => {
                "write http://host:port".to_owned()
            }
            Ok(url) if !is_loopback(&url) => {
                "the uplink speaks plain text: write a loopback address".to_owned()
            }
            Ok(url) => return Some(url),
            Err(error) => format!("{error}: write http://host:port"),
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
    Some(UplinkConfig {
        url: url?,
        consumer: consumer?,
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
