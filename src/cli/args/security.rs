//! What can be typed about doors: connections, administration, the audit log.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

/// How to reach a daemon.
#[derive(Debug, ClapArgs)]
pub struct ConnectArgs {
    /// The daemon's gRPC address; https where it asks for certificates.
    #[arg(long, default_value = "http://127.0.0.1:7447", value_name = "URL")]
    pub server: String,
    /// The authority that signs the server's certificate, PEM.
    #[arg(long, value_name = "FILE", requires_all = ["tls_cert", "tls_key"])]
    pub tls_ca: Option<PathBuf>,
    /// Your certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_ca")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key, PEM; nobody else may be able to read it.
    #[arg(long, value_name = "FILE", requires = "tls_ca")]
    pub tls_key: Option<PathBuf>,
    /// The name in the server's certificate, where it is not the address's host.
    #[arg(long, value_name = "NAME", requires = "tls_ca")]
    pub tls_name: Option<String>,
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
