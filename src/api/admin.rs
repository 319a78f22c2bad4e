//! `parapet.v1.Admin`: what running a server needs. Every call goes to the audit log; one that
//! changes something does so before it acts.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::control::{CameraAction, ControlError};
use super::deps::ApiDeps;
use super::request::{caller, consumer};
use super::status::{blocking, not_stored, refused};
use crate::access::{Authorizer, Caller, Refusal};
use crate::audit::{Entry, Outcome, Written};
use crate::journal::JournalReader;
use crate::model::ids::CameraId;
use crate::proto::v1;
use crate::proto::v1::admin_server::Admin;

const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 256;

/// Answers administrative calls.
pub(super) struct AdminService {
    pub(super) deps: ApiDeps,
    pub(super) authorizer: Arc<Authorizer>,
}

impl AdminService {
    async fn write(&self, entry: Entry) -> Result<(), Status> {
        let audit = Arc::clone(&self.deps.audit);
        match tokio::task::spawn_blocking(move || audit.append(&[entry])).await {
            Ok(Ok(())) => Ok(()),
            // The reason is counted and logged where it happened.
            Ok(Err(_)) => Err(refused(Refusal::Audit)),
            Err(error) => Err(Status::internal(error.to_string())),
        }
    }

    /// Something that changes something: "asked" is written first, or nothing happens.
    async fn change<T>(
        &self,
        caller: &Caller,
        what: &'static str,
        target: &str,
        act: impl Future<Output = Result<T, Status>>,
    ) -> Result<Response<T>, Status> {
        let entry = |outcome| Entry::once(&*caller.identity, what, outcome).to(target);
        if let Err(status) = self.write(entry(Outcome::Asked)).await {
            self.authorizer.count(Refusal::Audit);
            return Err(status);
        }
        let result = act.await;
        let came_of_it = match &result {
            Ok(_) => entry(Outcome::Done),
            Err(status) => entry(Outcome::Failed).saying(status.message()),
        };
        // It has happened: that its end could not be written is counted and logged as an error.
        let _ = self.write(came_of_it).await;
        result.map(Response::new)
    }

    /// Something that only looks.
    async fn look(&self, caller: &Caller, what: &'static str) {
        let _ = self
            .write(Entry::once(&*caller.identity, what, Outcome::Done))
            .await;
    }

    async fn camera(
        &self,
        caller: &Caller,
        id: &str,
        what: &'static str,
        action: CameraAction,
    ) -> Result<(), Status> {
        let camera =
            CameraId::new(id).map_err(|error| Status::invalid_argument(format!("id: {error}")))?;
        let act = async {
            if !caller.may_see(&camera) {
                self.authorizer.count(Refusal::Scope);
                // The same words as for one that is not there.
                return Err(Status::not_found(format!("no camera `{camera}` here")));
            }
            let who = Arc::clone(&caller.identity);
            let done = self.deps.control.camera(camera.clone(), action, who).await;
            done.map_err(status)
        };
        self.change(caller, what, id, act).await.map(|_| ())
    }
}

fn status(error: ControlError) -> Status {
    match error {
        ControlError::Unknown(camera) => Status::not_found(format!("no camera `{camera}` here")),
        ControlError::State(words) => Status::failed_precondition(words),
        ControlError::Configuration(words) => Status::invalid_argument(words),
        ControlError::Audit => refused(Refusal::Audit),
        ControlError::Away => Status::unavailable("the daemon is starting, stopping or busy"),
    }
}

#[tonic::async_trait]
impl Admin for AdminService {
    async fn list_consumers(
        &self,
        request: Request<v1::ListConsumersRequest>,
    ) -> Result<Response<v1::ListConsumersResponse>, Status> {
        self.look(&caller(&request)?, "consumers.list").await;
        let reader = &self.deps.reader;
        let last = blocking(reader, JournalReader::last_sequence).await?;
        let stored = reader.consumers();
        let owners = Arc::clone(&self.deps.owners);
        let mut owners = tokio::task::spawn_blocking(move || owners.all())
            .await
            .map_err(|error| Status::internal(error.to_string()))?
            .map_err(|error| not_stored(&error))?;
        let state = |name: String, owner, acknowledged: u64| v1::ConsumerState {
            name,
            owner,
            acknowledged_sequence: acknowledged,
            behind: last.0.saturating_sub(acknowledged),
        };
        let mut consumers: Vec<_> = stored
            .into_iter()
            .map(|consumer| {
                let name = consumer.name.to_string();
                let owner = owners.remove(&name).unwrap_or_default();
                state(name, owner, consumer.acknowledged.0)
            })
            .collect();
        // Named, but nothing acknowledged yet.
        consumers.extend(
            owners
                .into_iter()
                .map(|(name, owner)| state(name, owner, 0)),
        );
        consumers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Response::new(v1::ListConsumersResponse { consumers }))
    }

    async fn delete_consumer(
        &self,
        request: Request<v1::DeleteConsumerRequest>,
    ) -> Result<Response<v1::DeleteConsumerResponse>, Status> {
        let caller = caller(&request)?;
        let name = consumer(&request.get_ref().name)?;
        let act = async {
            let (owners, forgotten) = (Arc::clone(&self.deps.owners), name.clone());
            let position = name.clone();
            let stored = blocking(&self.deps.reader, move |r| r.forget(&position)).await?;
            let owned = tokio::task::spawn_blocking(move || owners.forget(&forgotten))
                .await
                .map_err(|error| Status::internal(error.to_string()))?
                .map_err(|error| not_stored(&error))?;
            if stored || owned {
                Ok(v1::DeleteConsumerResponse {})
            } else {
                Err(Status::not_found(format!("no consumer `{name}` here")))
            }
        };
        self.change(&caller, "consumer.delete", name.as_str(), act)
            .await
    }

    async fn restart_camera(
        &self,
        request: Request<v1::RestartCameraRequest>,
    ) -> Result<Response<v1::RestartCameraResponse>, Status> {
        let (who, id) = (caller(&request)?, &request.get_ref().id);
        self.camera(&who, id, "camera.restart", CameraAction::Restart)
            .await?;
        Ok(Response::new(v1::RestartCameraResponse {}))
    }

    async fn pause_camera(
        &self,
        request: Request<v1::PauseCameraRequest>,
    ) -> Result<Response<v1::PauseCameraResponse>, Status> {
        let (who, id) = (caller(&request)?, &request.get_ref().id);
        self.camera(&who, id, "camera.pause", CameraAction::Pause)
            .await?;
        Ok(Response::new(v1::PauseCameraResponse {}))
    }

    async fn resume_camera(
        &self,
        request: Request<v1::ResumeCameraRequest>,
    ) -> Result<Response<v1::ResumeCameraResponse>, Status> {
        let (who, id) = (caller(&request)?, &request.get_ref().id);
        self.camera(&who, id, "camera.resume", CameraAction::Resume)
            .await?;
        Ok(Response::new(v1::ResumeCameraResponse {}))
    }

    async fn reload_configuration(
        &self,
        request: Request<v1::ReloadConfigurationRequest>,
    ) -> Result<Response<v1::ReloadConfigurationResponse>, Status> {
        let who = Arc::clone(&caller(&request)?.identity);
        // It audits itself, for a signal may ask for it too.
        let done = self.deps.control.reload(who).await.map_err(status)?;
        let names = |ids: Vec<CameraId>| ids.iter().map(ToString::to_string).collect();
        Ok(Response::new(v1::ReloadConfigurationResponse {
            added_cameras: names(done.added),
            removed_cameras: names(done.removed),
            changed_cameras: names(done.changed),
            needs_restart: done.needs_restart.iter().map(ToString::to_string).collect(),
            certificates_changed: done.certificates_changed,
        }))
    }

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        self.look(&caller(&request)?, "sessions.list").await;
        let policy = self.authorizer.policy();
        let open = self.authorizer.sessions().list();
        let sessions = open.iter().map(|session| {
            let peer = &session.peer;
            let rights = policy.rights(&peer.identity);
            v1::SessionState {
                id: session.id,
                identity: peer.identity.to_string(),
                role: rights.map_or("", |rights| rights.role.name()).to_owned(),
                cameras: rights.map_or_else(String::new, |rights| rights.scope.to_string()),
                peer: peer.address.to_string(),
                since_utc_micros: session.since.0,
                certificate_serial: peer.serial.clone(),
                certificate_expires_utc_micros: peer.not_after.map_or(0, |end| end * 1_000_000),
                requests: session.requests(),
                open_calls: u32::try_from(session.open_calls()).unwrap_or(u32::MAX),
            }
        });
        Ok(Response::new(v1::ListSessionsResponse {
            sessions: sessions.collect(),
        }))
    }

    async fn read_audit_log(
        &self,
        request: Request<v1::ReadAuditLogRequest>,
    ) -> Result<Response<v1::ReadAuditLogResponse>, Status> {
        self.look(&caller(&request)?, "audit.read").await;
        let request = request.into_inner();
        let size = match request.page_size as usize {
            0 => DEFAULT_PAGE,
            size if size <= MAX_PAGE => size,
            _ => {
                return Err(Status::invalid_argument(format!(
                    "page_size: at most {MAX_PAGE}"
                )));
            }
        };
        let audit = Arc::clone(&self.deps.audit);
        let read = move || audit.read_after(request.after_sequence, size + 1);
        let entries = tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| Status::internal(error.to_string()))?
            .map_err(|error| {
                tracing::error!(%error, "reading the audit log failed");
                Status::internal("the audit log cannot be read; see the daemon's log")
            })?;
        let more = entries.len() > size;
        let entries: Vec<_> = entries.into_iter().take(size).map(to_wire).collect();
        let next = entries.last().filter(|_| more);
        Ok(Response::new(v1::ReadAuditLogResponse {
            next_after_sequence: next.map_or(0, |entry| entry.sequence),
            entries,
        }))
    }
}

fn to_wire(entry: Written) -> v1::AuditEntry {
    v1::AuditEntry {
        sequence: entry.sequence,
        at_utc_micros: entry.at_utc_micros,
        who: entry.who,
        what: entry.what,
        target: entry.target,
        result: entry.result,
        detail: entry.detail,
        times: entry.times,
        previous_hash: entry.previous_hash.to_vec(),
        hash: entry.hash.to_vec(),
    }
}
