//! An RTSP server in this process, on a free port of the loopback.

use std::thread::JoinHandle;

use gst::glib;
use gst_rtsp_server::prelude::*;
use gstreamer as gst;
use gstreamer_rtsp as gst_rtsp;
use gstreamer_rtsp_server as gst_rtsp_server;
use parapet::base::tasks::named_thread;

pub(crate) struct RtspServer {
    server: gst_rtsp_server::RTSPServer,
    main_loop: glib::MainLoop,
    thread: Option<JoinHandle<()>>,
}

impl RtspServer {
    /// Serves `h264`, `h265` and `with-audio`; to a user with a digest only, where one is given.
    pub(crate) fn start(login: Option<(&str, &str)>) -> Self {
        gst::init().expect("gstreamer");
        let picture = "videotestsrc is-live=true pattern=ball ! \
            video/x-raw,format=I420,width=320,height=240,framerate=25/1";
        let h264 = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! \
            rtph264pay name=pay0 pt=96";
        let h265 = "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! \
            rtph265pay name=pay0 pt=96";
        let audio = "audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1 pt=8";
        let server = gst_rtsp_server::RTSPServer::new();
        server.set_address("127.0.0.1");
        server.set_service("0");
        let mounts = server.mount_points().expect("mounts");
        for (path, launch) in [
            ("/h264", format!("( {picture} ! {h264} )")),
            ("/h265", format!("( {picture} ! {h265} )")),
            ("/with-audio", format!("( {picture} ! {h264} {audio} )")),
        ] {
            let factory = gst_rtsp_server::RTSPMediaFactory::new();
            factory.set_launch(&launch);
            // A medium of its own for each client: a shared one that is torn down for the last
            // client keeps the next from its pictures for a moment.
            factory.set_shared(false);
            if login.is_some() {
                factory.add_role_from_structure(
                    &gst::Structure::builder("guard")
                        .field("media.factory.access", true)
                        .field("media.factory.construct", true)
                        .build(),
                );
            }
            mounts.add_factory(path, factory);
        }
        if let Some((user, password)) = login {
            let auth = gst_rtsp_server::RTSPAuth::new();
            auth.set_supported_methods(gst_rtsp::RTSPAuthMethod::Digest);
            let token = gst_rtsp_server::RTSPToken::builder()
                .field("media.factory.role", "guard")
                .build();
            auth.add_digest(user, password, &token);
            server.set_auth(Some(&auth));
        }
        let context = glib::MainContext::new();
        let main_loop = glib::MainLoop::new(Some(&context), false);
        let source = server
            .create_source(gst_rtsp_server::gio::Cancellable::NONE)
            .expect("source");
        source.attach(Some(&context));
        let running = main_loop.clone();
        let thread = named_thread("rtsp-server", move || {
            context
                .with_thread_default(|| running.run())
                .expect("context");
        });
        Self {
            server,
            main_loop,
            thread: Some(thread.expect("thread")),
        }
    }

    pub(crate) fn url(&self, mount: &str) -> String {
        format!("rtsp://127.0.0.1:{}/{mount}", self.server.bound_port())
    }

    /// Hangs up on everybody.
    pub(crate) fn drop_clients(&self) {
        self.server
            .client_filter(Some(&mut |_, _| gst_rtsp_server::RTSPFilterResult::Remove));
    }
}

impl Drop for RtspServer {
    fn drop(&mut self) {
        self.drop_clients();
        self.main_loop.quit();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
