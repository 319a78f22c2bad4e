//! `{ file = "…" }`, `{ credential = "…" }`, `{ env = "…" }`: where a secret stands.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::environment::Environment;
use super::reader::{Set, Table};
use super::secret::Secret;
use super::secret_file::SecretPath;

/// A secret's place.
enum Reference {
    File(SecretPath),
    Variable(String),
}

fn how(key: &str) -> String {
    format!(
        "write {key} = {{ file = \"…\" }}, {key} = {{ credential = \"NAME\" }} or {key} = {{ env = \"NAME\" }}"
    )
}

/// A password by reference; what is written otherwise is never shown.
pub(super) fn secret<'f>(
    table: &Table<'f>,
    key: &'static str,
    folder: &Path,
    environment: &dyn Environment,
) -> Option<Set<'f, Secret>> {
    let written = table.item(key)?;
    if written.value.as_table_like().is_none() {
        table.problem(
            written.at,
            format!(
                "`{key}` does not stand in the configuration itself: {}",
                how(key)
            ),
        );
        return None;
    }
    let reference = read(table, key, folder, environment)?;
    match found(reference, environment) {
        Ok(value) => Some(written.map(|_| value)),
        Err(message) => {
            table.problem(written.at, message);
            None
        }
    }
}

/// A private key's file, which is read again while the daemon runs: `{ file = "…" }` or
/// `{ credential = "…" }`. It must be written.
pub(super) fn needed_secret_path(
    table: &Table<'_>,
    key: &'static str,
    folder: &Path,
    environment: &dyn Environment,
) -> Option<SecretPath> {
    let how = format!("write {key} = {{ file = \"…\" }} or {key} = {{ credential = \"NAME\" }}");
    table.needs(key, &how);
    let at = table.key_spot(key);
    match read(table, key, folder, environment)? {
        Reference::File(path) => Some(path),
        Reference::Variable(_) => {
            table.problem(
                at,
                format!("`{key}` is read again when it changes, which a variable cannot: {how}"),
            );
            None
        }
    }
}

fn read(
    table: &Table<'_>,
    key: &'static str,
    folder: &Path,
    environment: &dyn Environment,
) -> Option<Reference> {
    let at = table.item(key)?.at;
    let reference = table.table(key, key)?;
    let file = reference.text("file");
    let credential = reference.text("credential");
    let variable = reference.text("env");
    reference.finish();
    let found = match (file, credential, variable) {
        (Some(file), None, None) => Ok(Reference::File(SecretPath {
            path: folder.join(file.value),
            credential: false,
        })),
        (None, Some(name), None) => credential_path(name.value, environment).map(|path| {
            Reference::File(SecretPath {
                path,
                credential: true,
            })
        }),
        (None, None, Some(name)) => Ok(Reference::Variable(name.value.to_owned())),
        (None, None, None)
            if ["file", "credential", "env"]
                .iter()
                .any(|k| reference.has(k)) =>
        {
            return None;
        }
        _ => Err(format!("`{key}` needs one reference: {}", how(key))),
    };
    match found {
        Ok(found) => Some(found),
        Err(message) => {
            table.problem(at, message);
            None
        }
    }
}

/// A systemd credential's file (systemd.exec(5), "Credentials").
fn credential_path(name: &str, environment: &dyn Environment) -> Result<PathBuf, String> {
    if name.contains('/') || [".", ".."].contains(&name) {
        return Err(format!(
            "`{name}` is no credential's name: write the name that LoadCredential= gives it"
        ));
    }
    let folder = environment.variable("CREDENTIALS_DIRECTORY").ok_or_else(|| {
        format!(
            "there are no credentials here (CREDENTIALS_DIRECTORY is unset): start the daemon by systemd with LoadCredential={name}:…, or write {{ file = \"…\" }}"
        )
    })?;
    Ok(Path::new(&folder).join(name))
}

fn found(reference: Reference, environment: &dyn Environment) -> Result<Secret, String> {
    let text =
        match reference {
            Reference::File(path) => environment
                .secret(&path)
                .map_err(|error| format!("the secret's file {error}"))?,
            Reference::Variable(name) => environment
                .variable(&name)
                .map(Zeroizing::new)
                .ok_or_else(|| {
                    format!("the environment has no variable `{name}`: set it before the start")
                })?,
        };
    // Editors end a file with a newline that is no part of the secret.
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err("the secret is empty: fill its file or variable".to_owned());
    }
    Ok(Secret::new(text.to_owned()))
}
