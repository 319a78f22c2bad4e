//! The fault table as a whole: its rows, what the other cameras lost, and how it is printed.

use serde::Serialize;

use super::judge::Row;
use super::stage::FPS;
use parapet_sim::server::Fault;

/// The whole outcome.
#[derive(Serialize)]
pub(super) struct Table {
    pub(super) cameras: usize,
    pub(super) fault_seconds: u64,
    pub(super) rows: Vec<Row>,
    pub(super) storm: Row,
    pub(super) others: Others,
    pub(super) events: usize,
    pub(super) order_problems: Vec<String>,
    pub(super) kept: bool,
}

/// What the cameras without a fault lost meanwhile.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Others {
    pub(super) cameras: usize,
    pub(super) sent: u64,
    pub(super) decoded: u64,
    pub(super) lost_share: f64,
    pub(super) worst_lost_share: f64,
    pub(super) outages: u32,
}

impl Others {
    pub(super) fn between(before: &[(u64, u64, u32)], after: &[(u64, u64, u32)]) -> Self {
        let mut all = Self {
            cameras: before.len(),
            ..Self::default()
        };
        for ((sent, decoded, failures), (sent_after, decoded_after, failures_after)) in
            before.iter().zip(after)
        {
            let (sent, decoded) = (sent_after - sent, decoded_after - decoded);
            let share = 1.0 - decoded as f64 / sent.max(1) as f64;
            all.sent += sent;
            all.decoded += decoded;
            all.worst_lost_share = all.worst_lost_share.max(share);
            all.outages += failures_after.saturating_sub(*failures);
        }
        all.lost_share = all.share();
        all
    }

    pub(super) fn add(&mut self, more: &Self) {
        self.cameras = self.cameras.max(more.cameras);
        self.sent += more.sent;
        self.decoded += more.decoded;
        self.outages += more.outages;
        self.worst_lost_share = self.worst_lost_share.max(more.worst_lost_share);
        self.lost_share = self.share();
    }

    fn share(&self) -> f64 {
        (1.0 - self.decoded as f64 / self.sent.max(1) as f64).max(0.0)
    }
}

/// Prints the table for people.
pub(super) fn tell(table: &Table) {
    println!(
        "{} cameras at {FPS} fps, faults of {} s; times in seconds, the worst of each fault's cameras",
        table.cameras, table.fault_seconds
    );
    println!(
        "{:<14} {:>7} {:>8} {:>6} {:>6} {:>9} {:>6}  remarks",
        "fault", "cameras", "noticed", "raised", "back", "told back", "dark"
    );
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    for row in table.rows.iter().chain([&table.storm]) {
        let worst = &row.worst;
        let mut remarks = row.missed.clone();
        if let (Fault::Clock { .. }, Some(offset)) = (row.fault, worst.clock_offset_seconds) {
            remarks.push(format!(
                "{} events by the camera's clock, told offset {offset:.1} s",
                worst.camera_clock_events
            ));
        }
        println!(
            "{:<14} {:>7} {:>8} {:>6} {:>6} {:>9} {:>6}  {}",
            row.fault.to_string(),
            row.cameras,
            number(worst.noticed_seconds),
            worst.raised,
            number(worst.back_seconds),
            number(worst.told_back_seconds),
            number(Some(worst.dark_seconds)),
            if remarks.is_empty() {
                "kept".to_owned()
            } else {
                remarks.join("; ")
            }
        );
    }
    let others = &table.others;
    println!(
        "the other {} cameras: {} of {} pictures decoded, {:.2} % lost (worst camera {:.2} %), {} outages",
        others.cameras,
        others.decoded,
        others.sent,
        others.lost_share * 100.0,
        others.worst_lost_share * 100.0,
        others.outages
    );
    println!(
        "{} events told; {} out of order",
        table.events,
        table.order_problems.len()
    );
    for problem in table.order_problems.iter().take(5) {
        println!("  {problem}");
    }
    println!(
        "{}",
        if table.kept {
            "all limits kept"
        } else {
            "a limit was NOT kept"
        }
    );
}
