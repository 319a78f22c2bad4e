//! `parapet pki`.

use std::path::Path;

use anyhow::Context as _;

use super::args::{PkiArgs, PkiCommand};
use crate::authority::{Authority, Validity};
use parapet::base::clock::{Clock as _, SystemClock};
use parapet::config::secret_file;
use parapet::model::access::Role;
use parapet::model::ids::ConsumerName;

struct Client {
    name: String,
    role: Role,
}

/// `NAME:ROLE`; the name also names files, so it is one that a consumer could have.
fn client(text: &str) -> anyhow::Result<Client> {
    let (name, role) = text
        .split_once(':')
        .with_context(|| format!("--client `{text}`: write NAME:ROLE"))?;
    let name = ConsumerName::new(name)?.to_string();
    anyhow::ensure!(
        !["ca", "server", ".", ".."].contains(&name.as_str()),
        "--client `{text}`: this name is taken"
    );
    let role = Role::by_name(role)
        .with_context(|| format!("--client `{text}`: the role is subscriber, operator or admin"))?;
    Ok(Client { name, role })
}

pub(super) fn run(args: PkiArgs) -> anyhow::Result<bool> {
    let seconds = SystemClock::new().utc_micros() / 1_000_000;
    let now = u64::try_from(seconds).context("this machine's clock is before 1970")?;
    match args.command {
        PkiCommand::Init {
            dir,
            server,
            client: clients,
            days,
        } => {
            let clients: Vec<Client> = clients
                .iter()
                .map(|text| client(text))
                .collect::<anyhow::Result<_>>()?;
            std::fs::create_dir_all(&dir)
                .with_context(|| format!("{} cannot be made", dir.display()))?;
            let authority =
                Authority::new("Parapet TEST authority", Validity::days(now, days * 10))?;
            authority.own.write(&dir, "ca")?;
            let mut names = server;
            for always in ["localhost", "127.0.0.1", "::1"] {
                if !names.iter().any(|name| name == always) {
                    names.push(always.to_owned());
                }
            }
            let validity = Validity::days(now, days);
            authority.server(&names, validity)?.write(&dir, "server")?;
            add(&authority, &dir, &clients, validity)?;
            let dir = std::path::absolute(&dir)?;
            print_door(&dir);
            print_clients(&clients);
            eprintln!(
                "made in {}; a TEST authority: its key lies beside what it signs",
                dir.display()
            );
        }
        PkiCommand::Add {
            dir,
            client: clients,
            days,
        } => {
            let clients: Vec<Client> = clients
                .iter()
                .map(|text| client(text))
                .collect::<anyhow::Result<_>>()?;
            let certificate = std::fs::read_to_string(dir.join("ca.pem"))
                .with_context(|| format!("{}: run `parapet pki init` first", dir.display()))?;
            let key = secret_file::read(&dir.join("ca.key"), true)?;
            let authority = Authority::from_pem(&certificate, std::str::from_utf8(&key)?)?;
            add(&authority, &dir, &clients, Validity::days(now, days))?;
            print_clients(&clients);
        }
    }
    Ok(true)
}

fn add(
    authority: &Authority,
    dir: &Path,
    clients: &[Client],
    validity: Validity,
) -> anyhow::Result<()> {
    for client in clients {
        authority
            .client(&client.name, validity)?
            .write(dir, &client.name)?;
    }
    Ok(())
}

fn print_door(dir: &Path) {
    let dir = dir.display();
    println!("[api.tls]");
    println!("certificate = \"{dir}/server.pem\"");
    println!("key = {{ file = \"{dir}/server.key\" }}");
    println!("client_authority = \"{dir}/ca.pem\"");
}

fn print_clients(clients: &[Client]) {
    for client in clients {
        println!(
            "\n[[api.client]]\nidentity = \"{}\"\nrole = \"{}\"",
            client.name,
            client.role.name()
        );
    }
}
