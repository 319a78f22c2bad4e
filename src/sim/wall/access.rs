//! Who may watch which mount.

use std::collections::HashMap;

use gst_rtsp_server::prelude::*;
use gstreamer as gst;
use gstreamer_rtsp as gst_rtsp;
use gstreamer_rtsp_server as gst_rtsp_server;

use super::{SimError, WallCamera};

/// The mounts and users of a wall.
#[derive(Debug, Default)]
pub(super) struct Doors {
    /// Every mount's path and whether anybody may watch it.
    mounts: Vec<(String, bool)>,
    /// User to password and role.
    users: HashMap<String, (String, String)>,
}

impl Doors {
    /// Lets the camera's user, or everybody, through to its mount.
    ///
    /// # Errors
    /// `Mount` when it is taken; `Credentials` when the user has another password already.
    pub(super) fn add(
        &mut self,
        path: &str,
        factory: &gst_rtsp_server::RTSPMediaFactory,
        camera: &WallCamera,
    ) -> Result<(), SimError> {
        if self.mounts.iter().any(|(taken, _)| taken == path) {
            return Err(SimError::Mount {
                mount: camera.mount.clone(),
                why: "is used twice; give each camera its own",
            });
        }
        self.mounts
            .push((path.to_owned(), camera.credentials.is_none()));
        let Some((user, password)) = &camera.credentials else {
            return Ok(());
        };
        let role = format!("user-{}", self.users.len());
        let (known, role) = self
            .users
            .entry(user.clone())
            .or_insert_with(|| (password.clone(), role));
        if known != password {
            return Err(SimError::Credentials { user: user.clone() });
        }
        factory.add_role_from_structure(
            &gst::Structure::builder(role.as_str())
                .field("media.factory.access", true)
                .field("media.factory.construct", true)
                .build(),
        );
        Ok(())
    }

    /// Puts the guard up; none where every mount is open.
    pub(super) fn close(self, server: &gst_rtsp_server::RTSPServer) {
        if self.users.is_empty() {
            return;
        }
        let auth = guard::Guard::at(self.mounts);
        auth.set_supported_methods(gst_rtsp::RTSPAuthMethod::Digest);
        for (user, (password, role)) in &self.users {
            let token = gst_rtsp_server::RTSPToken::builder()
                .field("media.factory.role", role.as_str())
                .build();
            auth.add_digest(user, password, &token);
        }
        server.set_auth(Some(&auth));
    }
}

/// GStreamer's guard asks everybody or nobody; this one asks at closed mounts only.
mod guard {
    use std::sync::OnceLock;

    use gst::glib;
    use gst::glib::subclass::prelude::*;
    use gst_rtsp_server::subclass::prelude::*;
    use gstreamer as gst;
    use gstreamer_rtsp_server as gst_rtsp_server;

    #[derive(Default)]
    pub(super) struct GuardState {
        mounts: OnceLock<Vec<(String, bool)>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for GuardState {
        const NAME: &'static str = "ParapetWallGuard";
        type Type = Guard;
        type ParentType = gst_rtsp_server::RTSPAuth;
    }

    impl ObjectImpl for GuardState {}

    impl RTSPAuthImpl for GuardState {
        fn check(&self, ctx: &gst_rtsp_server::RTSPContext, check: &glib::GString) -> bool {
            let asked = ctx.uri().map(|uri| uri.request_uri());
            let open = self
                .mounts
                .get()
                .zip(asked)
                .is_some_and(|(mounts, asked)| is_open(mounts, &asked));
            open || self.parent_check(ctx, check)
        }
    }

    glib::wrapper! {
        pub(super) struct Guard(ObjectSubclass<GuardState>)
            @extends gst_rtsp_server::RTSPAuth;
    }

    impl Guard {
        pub(super) fn at(mounts: Vec<(String, bool)>) -> Self {
            let guard: Self = glib::Object::new();
            let _ = guard.imp().mounts.set(mounts);
            guard
        }
    }

    /// Whether the mount that `uri` leads to is open. As the server does, this takes the longest
    /// mount and reads the path as it came: a decoded or shortened one could lead elsewhere.
    fn is_open(mounts: &[(String, bool)], uri: &str) -> bool {
        let after_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
        let Some(start) = after_scheme.find('/') else {
            return false;
        };
        let asked = after_scheme[start..].split('?').next().unwrap_or_default();
        mounts
            .iter()
            .filter(|(mount, _)| {
                asked
                    .strip_prefix(mount.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .max_by_key(|(mount, _)| mount.len())
            .is_some_and(|(_, open)| *open)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_the_open_mount_itself_is_open() {
            let mounts = [
                ("/yard".to_owned(), true),
                ("/yard/gate".to_owned(), false),
                ("/cell".to_owned(), false),
            ];
            for (uri, open) in [
                ("rtsp://h:1/yard", true),
                ("rtsp://h:1/yard/stream=0", true),
                ("rtsp://h:1/yard?x=/cell", true),
                ("rtsp://h:1/yard/gate", false),
                ("rtsp://h:1/yard/gate/stream=0", false),
                ("rtsp://h:1/yards", false),
                ("rtsp://h:1/cell/../yard", false),
                ("rtsp://h:1/cell?x=/yard", false),
                ("rtsp://h:1", false),
            ] {
                assert_eq!(is_open(&mounts, uri), open, "{uri}");
            }
        }
    }
}
