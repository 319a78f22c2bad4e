//! The binary under a service manager: what it tells sd_notify(3), how it takes signals.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use parapet::base::clock::{Clock as _, SystemClock};
use rustix::process::{Pid, Signal, kill_process};

/// What systemd would be: a socket, and the daemon that speaks to it.
struct Manager {
    socket: UnixDatagram,
    daemon: Child,
}

impl Manager {
    fn start(folder: &Path, watchdog: Duration) -> Self {
        let address = folder.join("notify");
        let socket = UnixDatagram::bind(&address).expect("a socket");
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a timeout");
        let daemon = Command::new(env!("CARGO_BIN_EXE_parapet"))
            .args(["run", "--config"])
            .arg(folder.join("parapet.toml"))
            .env("NOTIFY_SOCKET", &address)
            .env("WATCHDOG_USEC", watchdog.as_micros().to_string())
            .env_remove("WATCHDOG_PID")
            .stdin(Stdio::null())
            .spawn()
            .expect("the binary");
        Self { socket, daemon }
    }

    /// The next message, such as `READY=1`; panics when none comes.
    fn told(&self) -> String {
        let mut buffer = [0; 4_096];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(length) => return String::from_utf8_lossy(&buffer[..length]).into_owned(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("the daemon says nothing: {error}"),
            }
        }
    }

    /// Reads on until a message begins like this; returns what came before it.
    fn told_until(&self, wanted: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let message = self.told();
            if message.starts_with(wanted) {
                return before;
            }
            before.push(message);
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.daemon);
        kill_process(pid, signal).expect("signalled");
    }

    fn ended(mut self) -> ExitStatus {
        for _ in 0..500 {
            if let Some(status) = self.daemon.try_wait().expect("a status") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.daemon.kill();
        panic!("the daemon does not end");
    }
}

fn write_config(folder: &Path, more: &str) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/demo");
    let text = format!(
        "[site]\nname = \"s\"\n[node]\nname = \"n\"\nstate_dir = \"state\"\n\
         [models.demo]\nfolder = \"{}\"\n[inference]\nworkers = 1\n\
         [api]\nplaintext = true\nlisten = \"127.0.0.1:0\"\n[ops]\nlisten = \"127.0.0.1:0\"\n{more}",
        models.display()
    );
    std::fs::create_dir_all(folder.join("state")).expect("folder");
    std::fs::write(folder.join("parapet.toml"), text).expect("file");
}

#[test]
fn it_is_ready_is_fed_reloads_and_stops_as_systemd_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    write_config(folder.path(), "");
    let manager = Manager::start(folder.path(), Duration::from_millis(600));
    assert_eq!(manager.told(), "READY=1\n");
    // No camera at all does not starve the watchdog.
    for _ in 0..3 {
        assert_eq!(manager.told(), "WATCHDOG=1\n");
    }

    write_config(
        folder.path(),
        "[[camera]]\nid = \"yard\"\ntest = { size = [64, 48], fps = 5 }\n",
    );
    manager.signal(Signal::HUP);
    manager.told_until("RELOADING=1\nMONOTONIC_USEC=");
    manager.told_until("READY=1");
    // A bad file changes nothing, and systemd is not left waiting.
    write_config(folder.path(), "[[camera]]\nid = \"yard\"\n");
    manager.signal(Signal::HUP);
    manager.told_until("RELOADING=1");
    manager.told_until("READY=1");
    manager.told_until("WATCHDOG=1");

    let clock = SystemClock::new();
    manager.signal(Signal::TERM);
    manager.told_until("STOPPING=1");
    let status = manager.ended();
    assert!(status.success(), "{status}");
    let took = clock.now().0;
    assert!(took < Duration::from_secs(5), "stopped after {took:?}");
}

#[test]
fn a_bad_configuration_ends_with_the_status_that_systemd_does_not_restart() {
    let folder = tempfile::tempdir().expect("folder");
    write_config(folder.path(), "[unknown]\n");
    let manager = Manager::start(folder.path(), Duration::from_secs(30));
    assert_eq!(manager.ended().code(), Some(64));
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/parapet.service");
    let unit = std::fs::read_to_string(unit).expect("the unit");
    assert!(unit.contains("\nRestartPreventExitStatus=64\n"));
}

#[test]
fn a_disk_that_takes_nothing_keeps_no_camera_unwatched() {
    let folder = tempfile::tempdir().expect("folder");
    write_config(
        folder.path(),
        "[[camera]]\nid = \"yard\"\ntest = { size = [64, 48], fps = 5 }\n",
    );
    let state = folder.path().join("state");
    std::fs::remove_dir(&state).expect("the empty folder");
    std::fs::write(&state, "not a folder").expect("in its place");
    let manager = Manager::start(folder.path(), Duration::from_millis(600));
    assert_eq!(manager.told(), "READY=1\n");
    for _ in 0..3 {
        assert_eq!(manager.told(), "WATCHDOG=1\n");
    }
    manager.signal(Signal::TERM);
    manager.told_until("STOPPING=1");
    // The storage fault that it raised was never stored, and it says so.
    assert_eq!(manager.ended().code(), Some(1));
}
