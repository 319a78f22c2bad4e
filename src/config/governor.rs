//! `[governor]`.

use super::environment::Environment;
use super::reader::Table;
use super::settings::value;
use super::types::GovernorConfig;

pub(super) fn read(root: &Table<'_>, environment: &dyn Environment) -> GovernorConfig {
    let built_in = GovernorConfig::of_cores(environment.cores());
    let Some(table) = root.table("governor", "[governor]") else {
        return built_in;
    };
    let enabled = table.flag("enabled");
    let budget = table.number("budget_cores", 0.1..=4_096.0);
    let every = table.millis("every_millis", 100..=10_000);
    let recover = table.seconds("recover_after_seconds", 1.0..=3_600.0);
    let update = table.seconds("update_every_seconds", 1.0..=3_600.0);
    table.finish();
    GovernorConfig {
        enabled: value(&enabled, built_in.enabled),
        budget_cores: value(&budget, built_in.budget_cores),
        every: value(&every, built_in.every),
        recover_after: value(&recover, built_in.recover_after),
        update_every: value(&update, built_in.update_every),
    }
}
