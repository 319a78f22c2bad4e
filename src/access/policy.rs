//! Identity ▸ role and scope, as configured.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::methods::{self, Method};
use super::refusal::Refusal;
use super::sessions::Session;
use crate::config::types::{ApiConfig, Door, LimitsConfig};
use crate::model::access::{Role, Scope};
use crate::model::ids::CameraId;

/// Who everybody is where plain text is allowed.
pub const LOCAL: &str = "local";

/// What an identity may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Its role.
    pub role: Role,
    /// With which cameras.
    pub scope: Scope,
}

/// Who calls; a service finds it in the request's extensions and answers nobody without one.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its identity.
    pub identity: Arc<str>,
    /// What it may do.
    pub rights: Rights,
    /// Its connection.
    pub session: Arc<Session>,
}

impl Caller {
    /// Whether a camera is in its scope.
    #[must_use]
    pub fn may_see(&self, camera: &CameraId) -> bool {
        self.rights.scope.allows(camera)
    }
}

/// The configuration's answer to who may do what.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    rights: BTreeMap<Arc<str>, Rights>,
    /// How much.
    pub limits: LimitsConfig,
}

impl Policy {
    /// Of a configuration.
    #[must_use]
    pub fn of(config: &ApiConfig) -> Self {
        let rights = match &config.door {
            Door::Plaintext { role } => {
                let rights = Rights {
                    role: *role,
                    scope: Scope::All,
                };
                BTreeMap::from([(LOCAL.into(), rights)])
            }
            Door::Tls(_) => config
                .clients
                .iter()
                .map(|client| {
                    let rights = Rights {
                        role: client.role,
                        scope: client.scope.clone(),
                    };
                    (Arc::clone(&client.identity), rights)
                })
                .collect(),
        };
        Self {
            rights,
            limits: config.limits.clone(),
        }
    }

    /// What an identity may do; nothing when it is not named.
    #[must_use]
    pub fn rights(&self, identity: &str) -> Option<&Rights> {
        self.rights.get(identity)
    }

    /// Whether an identity may call a path.
    ///
    /// # Errors
    /// [`Refusal::UnknownIdentity`], [`Refusal::UnknownMethod`] or [`Refusal::Role`].
    pub fn decide(&self, identity: &str, path: &str) -> Result<(&'static Method, Rights), Refusal> {
        // Who has no role learns nothing of what there is.
        let rights = self.rights(identity).ok_or(Refusal::UnknownIdentity)?;
        let method = methods::find(path).ok_or(Refusal::UnknownMethod)?;
        if method.roles.contains(&rights.role) {
            Ok((method, rights.clone()))
        } else {
            Err(Refusal::Role)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::types::ClientConfig;

    #[test]
    fn nobody_is_let_in_who_is_not_named_and_nothing_is_called_that_is_not_in_the_table() {
        let mut config = ApiConfig {
            listen: "127.0.0.1:0".parse().expect("address"),
            door: Door::Plaintext {
                role: Role::Subscriber,
            },
            clients: vec![ClientConfig {
                identity: "platform".into(),
                role: Role::Admin,
                scope: Scope::All,
            }],
            limits: LimitsConfig::default(),
        };
        let path = "/parapet.v1.Events/Subscribe";
        let policy = Policy::of(&config);
        assert!(policy.decide(LOCAL, path).is_ok());
        assert_eq!(
            policy.decide("platform", path),
            Err(Refusal::UnknownIdentity)
        );
        assert_eq!(
            policy.decide(LOCAL, "/parapet.v1.Admin/ReloadConfiguration"),
            Err(Refusal::Role)
        );
        assert_eq!(
            policy.decide(LOCAL, "/parapet.v1.Events/Drop"),
            Err(Refusal::UnknownMethod)
        );
        config.door = Door::Tls(crate::config::types::TlsConfig {
            certificate: "c".into(),
            key: crate::config::secret_file::SecretPath {
                path: "k".into(),
                credential: false,
            },
            client_authority: "a".into(),
            revoked: None,
            check_every: std::time::Duration::from_secs(5),
        });
        let policy = Policy::of(&config);
        assert_eq!(policy.decide(LOCAL, path), Err(Refusal::UnknownIdentity));
        assert_eq!(policy.decide("platform", path), Err(Refusal::Role));
        assert!(
            policy
                .decide("platform", "/parapet.v1.Admin/ReloadConfiguration")
                .is_ok()
        );
    }
}
