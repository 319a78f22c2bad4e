//! Disks that fail on demand: small file systems of our own, made and broken by the system's own
//! tools. Needs root.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

/// A mounted file system in a folder of its own; unmounted when it is dropped.
pub(super) struct Disk {
    folder: tempfile::TempDir,
    /// The image of a loop device; none for a file system in memory.
    image: Option<PathBuf>,
}

fn call(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} cannot be run"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{program} {arguments:?}: {words}");
    Ok(())
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no text")
}

impl Disk {
    /// So many kilobytes of memory.
    pub(super) fn small(kilobytes: u32) -> anyhow::Result<Self> {
        let disk = Self::unmounted(None)?;
        let size = format!("size={kilobytes}k");
        let at = disk.path();
        call("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", text(&at)?])?;
        Ok(disk)
    }

    /// An ext4 file system on a loop device that goes read-only at its first error.
    pub(super) fn ext4() -> anyhow::Result<Self> {
        let mut disk = Self::unmounted(None)?;
        let image = disk.folder.path().join("image");
        std::fs::File::create(&image)?.set_len(24 << 20)?;
        call("mkfs.ext4", &["-q", text(&image)?])?;
        disk.image = Some(image);
        disk.mount()?;
        Ok(disk)
    }

    fn unmounted(image: Option<PathBuf>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("parapet-disk-").tempdir()?;
        std::fs::create_dir(folder.path().join("disk"))?;
        Ok(Self { folder, image })
    }

    fn mount(&self) -> anyhow::Result<()> {
        let image = self.image.as_deref().context("no image")?;
        let at = self.path();
        let options = "loop,errors=remount-ro";
        call("mount", &["-o", options, text(image)?, text(&at)?])
    }

    /// Where it is mounted.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// Makes the kernel find an error in the file system, which turns it read-only.
    pub(super) fn turn_read_only(&self) -> anyhow::Result<()> {
        let at = self.path();
        let output = Command::new("findmnt")
            .args(["-n", "-o", "SOURCE", text(&at)?])
            .output()?;
        let device = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let device = device.rsplit('/').next().context("no device")?.to_owned();
        let switch = format!("/sys/fs/ext4/{device}/trigger_fs_error");
        std::fs::write(&switch, "1").with_context(|| switch)
    }

    /// Makes every further read and write of the file system end with EIO, as a disk that was
    /// pulled out does (`FS_IOC_SHUTDOWN`, no flush).
    pub(super) fn pull_out(&self) -> anyhow::Result<()> {
        let script = "import fcntl,os,struct,sys\n\
                      fcntl.ioctl(os.open(sys.argv[1],os.O_RDONLY),0x8004587D,struct.pack('I',2))";
        let at = self.path();
        call("python3", &["-c", script, text(&at)?])
    }

    /// Takes the broken file system away and mounts what is on its disk, repaired, in its place.
    pub(super) fn bring_back(&mut self) -> anyhow::Result<()> {
        let at = self.path();
        call("umount", &["-l", text(&at)?])?;
        let broken = self.image.take().context("no image")?;
        let repaired = self.folder.path().join("repaired");
        std::fs::copy(&broken, &repaired)?;
        // 1: errors were corrected.
        let fsck = Command::new("e2fsck")
            .args(["-fy", text(&repaired)?])
            .output()?;
        anyhow::ensure!(
            fsck.status.code().is_some_and(|code| code < 4),
            "e2fsck: {fsck:?}"
        );
        self.image = Some(repaired);
        self.mount()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let at = self.path();
        if let Ok(at) = text(&at) {
            // Nothing else can be done for it here.
            let _ = call("umount", &["-l", at]);
        }
    }
}
