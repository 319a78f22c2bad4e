//! MP4 boxes, as far as needed: the muxer writes when the file was made, and two runs would
//! differ in nothing else.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Boxes whose content is boxes.
const NESTS: [&[u8; 4]; 3] = [b"moov", b"trak", b"mdia"];
/// Boxes that begin with version, flags and the times of making and of change (ISO/IEC 14496-12,
/// 8.2.2, 8.3.2 and 8.4.2).
const DATED: [&[u8; 4]; 3] = [b"mvhd", b"tkhd", b"mdhd"];

/// Sets the times of making and change to 0, which means "unknown".
pub(super) fn strike_times(file: &Path) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(file)?;
    let end = file.seek(SeekFrom::End(0))?;
    strike(&mut file, 0, end)
}

fn strike(file: &mut std::fs::File, mut at: u64, end: u64) -> io::Result<()> {
    while at + 8 <= end {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0_u8; 8];
        file.read_exact(&mut head)?;
        let [a, b, c, d, kind @ ..] = head;
        let (mut size, mut content) = (u64::from(u32::from_be_bytes([a, b, c, d])), at + 8);
        if size == 1 {
            let mut long = [0_u8; 8];
            file.read_exact(&mut long)?;
            size = u64::from_be_bytes(long);
            content += 8;
        }
        if size < 8 || at + size > end {
            // The last box may say "until the end"; none of ours lies in it.
            return Ok(());
        }
        if NESTS.contains(&&kind) {
            strike(file, content, at + size)?;
        } else if DATED.contains(&&kind) {
            let mut version = [0_u8; 1];
            file.seek(SeekFrom::Start(content))?;
            file.read_exact(&mut version)?;
            let times = if version[0] == 1 { 16 } else { 8 };
            file.seek(SeekFrom::Start(content + 4))?;
            file.write_all(&[0_u8; 16][..times])?;
        }
        at += size;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut out = (8 + content.len() as u32).to_be_bytes().to_vec();
        out.extend_from_slice(kind);
        out.extend_from_slice(content);
        out
    }

    #[test]
    fn only_the_times_are_struck_out() {
        let dated = |times: u8| [&[0_u8; 4][..], &[times; 8], &[7; 12]].concat();
        let all = |times: u8| {
            let media = boxed(b"mdia", &boxed(b"mdhd", &dated(times)));
            let track = boxed(b"trak", &[boxed(b"tkhd", &dated(times)), media].concat());
            let movie = boxed(b"moov", &[boxed(b"mvhd", &dated(times)), track].concat());
            [boxed(b"mdat", &[9; 40]), movie].concat()
        };
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), all(200)).expect("written");
        strike_times(file.path()).expect("struck");
        assert_eq!(std::fs::read(file.path()).expect("read"), all(0));
    }
}
