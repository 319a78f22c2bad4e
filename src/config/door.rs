//! `[api]`: where it listens, how one comes in, who may do what, and how much of it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::environment::Environment;
use super::reader::{Set, Table};
use super::reference;
use super::types::{ApiConfig, ClientConfig, Door, LimitsConfig, OpsConfig, TlsConfig};
use crate::model::access::{CameraPattern, Role, Scope};

const ROLES: [(&str, Role); 3] = [
    ("subscriber", Role::Subscriber),
    ("operator", Role::Operator),
    ("admin", Role::Admin),
];

fn address<'f>(table: &Table<'f>, built_in: u16) -> Option<Set<'f, SocketAddr>> {
    let text = table.text("listen")?;
    match text.value.parse() {
        Ok(value) => Some(Set { value, at: text.at }),
        Err(_) => {
            table.problem(
                text.at,
                format!(
                    "`listen` is `{}`: write address and port such as 127.0.0.1:{built_in}",
                    text.value
                ),
            );
            None
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Reads `[api]`. `None` where nothing says how one comes in, which the report then says.
pub(super) fn api(
    root: &Table<'_>,
    folder: &Path,
    environment: &dyn Environment,
) -> Option<ApiConfig> {
    let Some(table) = root.table("api", "[api]") else {
        if !root.has("api") {
            root.missing("api", NO_DOOR);
        }
        return None;
    };
    let listen = address(&table, 7447);
    let plaintext = table.flag("plaintext");
    let plaintext_role = table.choice("plaintext_role", &ROLES);
    let has_tls = table.has("tls");
    let tls = table
        .table("tls", "tls")
        .and_then(|tls| self::tls(&tls, folder, environment));
    let clients = clients(&table);
    let limits = table.section("limits", LimitsConfig::default());
    let wants_plaintext = plaintext.as_ref().is_some_and(|set| set.value);
    let door = match (wants_plaintext, has_tls) {
        (true, true) => {
            table.problem(
                table.key_spot("plaintext"),
                "`plaintext` and [api.tls] exclude each other: drop one",
            );
            None
        }
        (true, false) => Some(Door::Plaintext {
            role: plaintext_role
                .as_ref()
                .map_or(Role::Subscriber, |set| set.value),
        }),
        (false, true) => tls.map(Door::Tls),
        (false, false) => {
            table.problem(
                table.at,
                format!("nothing says how one comes in: {NO_DOOR}"),
            );
            None
        }
    };
    if let (true, Some(listen)) = (wants_plaintext && !has_tls, &listen)
        && !listen.value.ip().is_loopback()
    {
        let listen_address = listen.value;
        table.problem(listen.at, format!("`listen` is {listen_address}, but plain text is for loopback only: write [api.tls], or 127.0.0.1 or [::1]"));
    }
    if !wants_plaintext && let Some(role) = plaintext_role {
        table.problem(
            role.at,
            "`plaintext_role` means nothing without plaintext = true: drop it",
        );
    }
    if wants_plaintext && !clients.is_empty() {
        table.problem(
            table.key_spot("client"),
            "[[api.client]] means nothing in plain text, where nobody has a name: drop it",
        );
    }
    table.finish();
    Some(ApiConfig {
        listen: listen.map_or_else(|| loopback(7447), |set| set.value),
        door: door?,
        clients,
        limits,
    })
}

const NO_DOOR: &str = "write [api.tls] with certificate, key and client_authority, or, on loopback only, plaintext = true";

fn tls(table: &Table<'_>, folder: &Path, environment: &dyn Environment) -> Option<TlsConfig> {
    let path = |key| table.text(key).map(|text| folder.join(text.value));
    let needed = |key, how| {
        table.needs(key, how);
        path(key)
    };
    let certificate = needed(
        "certificate",
        "name the PEM file of this server's certificate chain",
    );
    let client_authority = needed(
        "client_authority",
        "name the PEM file of the authority that signs the clients' certificates",
    );
    let revoked = path("revoked");
    let key = reference::needed_secret_path(table, "key", folder, environment);
    let check_every = table.seconds("check_seconds", 0.1..=3_600.0);
    table.finish();
    Some(TlsConfig {
        certificate: certificate?,
        key: key?,
        client_authority: client_authority?,
        revoked,
        check_every: check_every.map_or(Duration::from_secs(5), |set| set.value),
    })
}

fn clients(api: &Table<'_>) -> Vec<ClientConfig> {
    let mut clients: Vec<ClientConfig> = Vec::new();
    for table in api.tables("client") {
        table.needs(
            "identity",
            "write the URI of the certificate's SAN, or its common name",
        );
        let identity = table.text("identity");
        table.needs("role", "write \"subscriber\", \"operator\" or \"admin\"");
        let role = table.choice("role", &ROLES);
        let scope = scope(&table);
        table.finish();
        let (Some(identity), Some(role), Some(scope)) = (identity, role, scope) else {
            continue;
        };
        if clients
            .iter()
            .any(|other| *other.identity == *identity.value)
        {
            table.problem(
                identity.at,
                format!(
                    "`{}` has a role already: drop one of the two",
                    identity.value
                ),
            );
            continue;
        }
        clients.push(ClientConfig {
            identity: identity.value.into(),
            role: role.value,
            scope,
        });
    }
    clients
}

fn scope(table: &Table<'_>) -> Option<Scope> {
    if !table.has("cameras") {
        return Some(Scope::All);
    }
    let written = table.texts("cameras")?;
    if written.value.is_empty() {
        table.problem(
            written.at,
            "`cameras` allows none: drop the key to allow all, or drop the client",
        );
        return None;
    }
    let mut patterns = Vec::new();
    for text in written.value {
        match CameraPattern::new(text) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                table.problem(written.at, format!("`cameras`: {error}"));
                return None;
            }
        }
    }
    Some(Scope::Only(patterns))
}

/// Reads `[ops]`; it uses the certificates of `[api.tls]`.
pub(super) fn ops(root: &Table<'_>, api: Option<&ApiConfig>) -> OpsConfig {
    root.renamed("console", "ops");
    let Some(table) = root.table("ops", "[ops]") else {
        return OpsConfig {
            listen: loopback(9464),
            tls: None,
        };
    };
    let listen = address(&table, 9464);
    let tls = table.flag("tls");
    let client_certificate = table.choice(
        "client_certificate",
        &[("required", true), ("optional", false)],
    );
    table.finish();
    let at = listen.as_ref().map_or(table.at, |set| set.at);
    let listen = listen.map_or_else(|| loopback(9464), |set| set.value);
    let outside = !listen.ip().is_loopback();
    let wanted = tls.as_ref().map_or(outside, |set| set.value);
    if outside && !wanted {
        table.problem(at, format!("`listen` is {listen}, but plain text is for loopback only: drop tls = false, or write 127.0.0.1 or [::1]"));
    }
    // Where [api] itself is wrong, that is what the report says.
    if wanted && api.is_some_and(|api| !matches!(api.door, Door::Tls(_))) {
        table.problem(
            at,
            "the ops endpoint speaks TLS with the certificates of [api.tls]: write that section",
        );
    }
    if !wanted && let Some(set) = &client_certificate {
        table.problem(
            set.at,
            "`client_certificate` means nothing without TLS: drop it or write tls = true",
        );
    }
    OpsConfig {
        listen,
        tls: wanted.then(|| client_certificate.is_none_or(|set| set.value)),
    }
}
