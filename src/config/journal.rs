//! `[journal]` and `[uplink]`: where events are kept, and who is told of them.

use std::path::Path;

use url::Url;

use super::environment::Environment;
use super::reader::Table;
use super::reference;
use super::section::Section as _;
use super::types::{ClientTls, JournalConfig, UplinkConfig};
use crate::model::ids::{ConsumerName, NodeName, SiteName};

/// Reads `[journal]`, for its mistakes too where there is no name; `None` then.
pub(super) fn read(
    root: &Table<'_>,
    state_dir: &Path,
    folder: &Path,
    names: Option<(&SiteName, &NodeName)>,
) -> Option<JournalConfig> {
    let (site, node) = match names {
        Some((site, node)) => (site.clone(), node.clone()),
        None => (
            SiteName::new("unnamed").ok()?,
            NodeName::new("unnamed").ok()?,
        ),
    };
    let mut journal = JournalConfig::new(state_dir.join("journal.sqlite3"), site, node);
    if let Some(table) = root.table("journal", "[journal]") {
        if let Some(path) = table.text("path") {
            journal.path = folder.join(path.value);
        }
        journal.take(&table);
        table.finish();
    }
    names.is_some().then_some(journal)
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
    let path = |key, how| {
        table.needs(key, how);
        table.text(key).map(|text| folder.join(text.value))
    };
    let authority = path(
        "authority",
        "name the PEM file of the authority that signs the platform's certificate",
    );
    let certificate = path(
        "certificate",
        "name the PEM file of this node's certificate chain",
    );
    let key = reference::needed_secret_path(table, "key", folder, environment);
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
