//! The daemon from outside: its public parts together, its binary, its contracts. One binary, so that
//! the daemon is linked once.

mod allocations;
mod api;
// The lab's test authority: the daemon has none.
#[path = "../../benches/lab/src/authority.rs"]
#[expect(unreachable_pub, reason = "the lab's commands ask for more")]
mod authority;
mod command_line;
mod deploy;
mod examples;
mod floors;
mod governor;
mod ingest;
mod models;
mod package;
mod service;
mod support;
mod uplink;
