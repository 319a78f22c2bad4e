//! The `parapet-lab` binary: what proves the daemon. `parapet NAME` hands over to it.

use std::process::ExitCode;

fn main() -> ExitCode {
    parapet_lab::cli::main()
}
