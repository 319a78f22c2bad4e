//! What can be typed about test certificates.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct PkiArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: PkiCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PkiCommand {
    /// Make a TEST authority, a server's and clients' certificates in a folder. Prints what to
    /// write into the configuration. Nothing is ever overwritten.
    Init {
        /// The folder; made where it is not there.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// A host name or address of the server; may be said again. localhost, 127.0.0.1 and ::1
        /// are always in.
        #[arg(long, value_name = "NAME")]
        server: Vec<String>,
        /// A client and its role (subscriber, operator, admin); may be said again.
        #[arg(long, value_name = "NAME:ROLE", default_value = "platform:subscriber")]
        client: Vec<String>,
        /// How long the certificates are good; the authority ten times as long.
        #[arg(long, default_value_t = 365, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3_650))]
        days: u64,
    },
    /// Add a client to a folder of `pki init`.
    Add {
        /// The folder.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// The client and its role.
        #[arg(long, value_name = "NAME:ROLE", required = true)]
        client: Vec<String>,
        /// How long its certificate is good.
        #[arg(long, default_value_t = 365, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3_650))]
        days: u64,
    },
}
