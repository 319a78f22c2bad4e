//! The `parapet` binary: parses, dispatches, prints the error chain, chooses the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    parapet::cli::main()
}
