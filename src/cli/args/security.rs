//! What can be typed about doors: connections, administration, the audit log, certificates.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

/// How to reach a daemon.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct ConnectArgs {
    /// The daemon's gRPC address; https where it asks for certificates.
    #[arg(long, default_value = "http://127.0.0.1:7447", value_name = "URL")]
    pub(in crate::cli) server: String,
    /// The authority that signs the server's certificate, PEM.
    #[arg(long, value_name = "FILE", requires_all = ["tls_cert", "tls_key"])]
    pub(in crate::cli) tls_ca: Option<PathBuf>,
    /// Your certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_ca")]
    pub(in crate::cli) tls_cert: Option<PathBuf>,
    /// Its private key, PEM; nobody else may be able to read it.
    #[arg(long, value_name = "FILE", requires = "tls_ca")]
    pub(in crate::cli) tls_key: Option<PathBuf>,
    /// The name in the server's certificate, where it is not the address's host.
    #[arg(long, value_name = "NAME", requires = "tls_ca")]
    pub(in crate::cli) tls_name: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct AdminArgs {
    #[command(flatten)]
    pub(in crate::cli) connect: ConnectArgs,
    #[command(subcommand)]
    pub(in crate::cli) command: AdminCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AdminCommand {
    /// Operator: list the durable consumers, whose they are and how far behind.
    Consumers,
    /// Operator: forget a consumer.
    DeleteConsumer {
        /// Its name.
        name: String,
    },
    /// Operator: close a camera's source and open it anew.
    RestartCamera {
        /// Its id.
        id: String,
    },
    /// Operator: stop a camera until it is resumed or the daemon starts again.
    PauseCamera {
        /// Its id.
        id: String,
    },
    /// Operator: start a paused camera.
    ResumeCamera {
        /// Its id.
        id: String,
    },
    /// Admin: read configuration and certificates anew.
    Reload,
    /// Admin: list who is connected.
    Sessions,
    /// Admin: print the audit log as JSON lines.
    Audit {
        /// Begin after this sequence.
        #[arg(long, default_value_t = 0, value_name = "SEQUENCE")]
        after: u64,
    },
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct AuditArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// Look at the whole chain; exit code 1 when something is wrong.
    Verify(AuditFile),
    /// Print entries as JSON lines.
    Show {
        #[command(flatten)]
        file: AuditFile,
        /// Begin after this sequence.
        #[arg(long, default_value_t = 0, value_name = "SEQUENCE")]
        after: u64,
    },
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct AuditFile {
    /// The configuration that says where the log lies.
    #[arg(
        long,
        short,
        default_value = "/etc/parapet/parapet.toml",
        value_name = "FILE"
    )]
    pub(in crate::cli) config: PathBuf,
    /// The log itself, instead of asking the configuration.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) file: Option<PathBuf>,
}

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
