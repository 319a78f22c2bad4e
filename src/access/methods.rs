//! The one table of who may call what. A method that is not in it is refused; a test holds it
//! against the descriptors of everything that is served (`tests/it/api/roles.rs`).
//!
//! Reflection and health are for everybody who has a role: the contract is no secret among those
//! who may come in, and nobody else gets as far as asking. An admin reads no events: who runs the
//! server need not see what the cameras saw.

use crate::model::access::Role::{self, Admin, Operator, Subscriber};

/// One method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its path: `/package.Service/Method`.
    pub path: &'static str,
    /// Who may call it.
    pub roles: &'static [Role],
    /// Whether a refused call is written to the audit log; an allowed one is by the service.
    pub audited: bool,
}

const READERS: &[Role] = &[Subscriber, Operator];
const ALL: &[Role] = &[Subscriber, Operator, Admin];
const CONTROLLERS: &[Role] = &[Operator, Admin];
const ADMINS: &[Role] = &[Admin];

const fn plain(path: &'static str, roles: &'static [Role]) -> Method {
    Method {
        path,
        roles,
        audited: false,
    }
}

const fn audited(path: &'static str, roles: &'static [Role]) -> Method {
    Method {
        path,
        roles,
        audited: true,
    }
}

/// Every method there is, sorted by path.
pub const METHODS: &[Method] = &[
    plain("/grpc.health.v1.Health/Check", ALL),
    plain("/grpc.health.v1.Health/Watch", ALL),
    plain(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ALL,
    ),
    plain(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ALL,
    ),
    audited("/parapet.v1.Admin/DeleteConsumer", CONTROLLERS),
    audited("/parapet.v1.Admin/ListConsumers", CONTROLLERS),
    audited("/parapet.v1.Admin/ListSessions", ADMINS),
    audited("/parapet.v1.Admin/PauseCamera", CONTROLLERS),
    audited("/parapet.v1.Admin/ReadAuditLog", ADMINS),
    audited("/parapet.v1.Admin/ReloadConfiguration", ADMINS),
    audited("/parapet.v1.Admin/RestartCamera", CONTROLLERS),
    audited("/parapet.v1.Admin/ResumeCamera", CONTROLLERS),
    plain("/parapet.v1.Cameras/GetCamera", ALL),
    plain("/parapet.v1.Cameras/ListCameras", ALL),
    plain("/parapet.v1.Events/Acknowledge", READERS),
    plain("/parapet.v1.Events/Query", READERS),
    plain("/parapet.v1.Events/Subscribe", READERS),
];

/// The method of a path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Method> {
    METHODS
        .binary_search_by(|method| method.path.cmp(path))
        .ok()
        .and_then(|at| METHODS.get(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_and_nothing_else_is() {
        assert!(METHODS.is_sorted_by(|a, b| a.path < b.path));
        for method in METHODS {
            assert_eq!(find(method.path), Some(method));
            assert!(!method.roles.is_empty());
        }
        for path in [
            "",
            "/",
            "/parapet.v1.Events",
            "/parapet.v1.Events/",
            "/parapet.v1.Events/subscribe",
            "/parapet.v1.Events/Subscribe/",
            "//parapet.v1.Events/Subscribe",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
    }
}
