//! `parapet admin`: a running daemon, over gRPC.

use std::io::Write as _;

use super::args::{AdminArgs, AdminCommand};
use super::audit::Line;
use super::logging;
use crate::api::client::{Client, ClientError};
use crate::model::time::UtcMicros;
use crate::proto::v1;

fn refused(status: tonic::Status) -> ClientError {
    ClientError::from(status)
}

pub(super) async fn run(args: AdminArgs) -> anyhow::Result<bool> {
    logging::quiet()?;
    let mut client = args.connect.client().await?;
    match args.command {
        AdminCommand::Consumers => consumers(&mut client).await?,
        AdminCommand::DeleteConsumer { name } => {
            let request = v1::DeleteConsumerRequest { name };
            client
                .admin()
                .delete_consumer(request)
                .await
                .map_err(refused)?;
        }
        AdminCommand::RestartCamera { id } => {
            let request = v1::RestartCameraRequest { id };
            client
                .admin()
                .restart_camera(request)
                .await
                .map_err(refused)?;
        }
        AdminCommand::PauseCamera { id } => {
            let request = v1::PauseCameraRequest { id };
            client
                .admin()
                .pause_camera(request)
                .await
                .map_err(refused)?;
        }
        AdminCommand::ResumeCamera { id } => {
            let request = v1::ResumeCameraRequest { id };
            client
                .admin()
                .resume_camera(request)
                .await
                .map_err(refused)?;
        }
        AdminCommand::Reload => reload(&mut client).await?,
        AdminCommand::Sessions => sessions(&mut client).await?,
        AdminCommand::Audit { after } => audit(&mut client, after).await?,
    }
    Ok(true)
}

async fn consumers(client: &mut Client) -> anyhow::Result<()> {
    let answer = client
        .admin()
        .list_consumers(v1::ListConsumersRequest {})
        .await
        .map_err(refused)?;
    println!(
        "{:<24} {:<24} {:>12} {:>9}",
        "consumer", "owner", "acknowledged", "behind"
    );
    for consumer in answer.into_inner().consumers {
        println!(
            "{:<24} {:<24} {:>12} {:>9}",
            consumer.name, consumer.owner, consumer.acknowledged_sequence, consumer.behind
        );
    }
    Ok(())
}

async fn reload(client: &mut Client) -> anyhow::Result<()> {
    let answer = client
        .admin()
        .reload_configuration(v1::ReloadConfigurationRequest {})
        .await
        .map_err(refused)?
        .into_inner();
    for (what, names) in [
        ("added", &answer.added_cameras),
        ("removed", &answer.removed_cameras),
        ("changed", &answer.changed_cameras),
        ("needs a restart", &answer.needs_restart),
    ] {
        println!("{what}: {}", names.join(" "));
    }
    if answer.certificates_changed {
        println!("new certificates are in force");
    }
    Ok(())
}

async fn sessions(client: &mut Client) -> anyhow::Result<()> {
    let answer = client
        .admin()
        .list_sessions(v1::ListSessionsRequest {})
        .await
        .map_err(refused)?;
    println!(
        "{:>5} {:<24} {:<10} {:<16} {:<24} {:<28} {:>8} {:>5}",
        "id", "identity", "role", "cameras", "peer", "since", "requests", "calls"
    );
    for session in answer.into_inner().sessions {
        println!(
            "{:>5} {:<24} {:<10} {:<16} {:<24} {:<28} {:>8} {:>5}",
            session.id,
            session.identity,
            session.role,
            session.cameras,
            session.peer,
            UtcMicros(session.since_utc_micros).rfc3339(),
            session.requests,
            session.open_calls
        );
    }
    Ok(())
}

async fn audit(client: &mut Client, after: u64) -> anyhow::Result<()> {
    let mut after_sequence = after;
    loop {
        let request = v1::ReadAuditLogRequest {
            after_sequence,
            page_size: 0,
        };
        let answer = client.admin().read_audit_log(request).await;
        let answer = answer.map_err(refused)?.into_inner();
        let mut out = std::io::stdout().lock();
        for entry in &answer.entries {
            let line = Line {
                sequence: entry.sequence,
                at: UtcMicros(entry.at_utc_micros).rfc3339(),
                who: &entry.who,
                what: &entry.what,
                target: &entry.target,
                result: &entry.result,
                detail: &entry.detail,
                times: entry.times,
                hash: hex::encode(&entry.hash),
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        }
        if answer.next_after_sequence == 0 {
            return Ok(());
        }
        after_sequence = answer.next_after_sequence;
    }
}
