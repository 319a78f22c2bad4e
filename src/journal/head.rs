//! The witness beside the file: what its last record was.
//!
//! SQLite forgets the end of a damaged write-ahead log without a word. `<file>.head` is written
//! after each commit, so the file's own end can be held against it. It is not flushed: after a
//! power cut it may lag behind the file, never run ahead of it; a killed process loses none of it.
//!
//! 64 bytes: `PARAPETH`, sequence (8 bytes little-endian), hash (32 bytes), and the first 16 bytes
//! of the SHA-256 of the 48 bytes before.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::record::Tail;
use crate::model::ids::Sequence;

const MAGIC: &[u8; 8] = b"PARAPETH";

/// `path` with an ending behind its own.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The open witness.
#[derive(Debug)]
pub(super) struct HeadFile(File);

impl HeadFile {
    pub(super) fn open(journal: &Path) -> io::Result<Self> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(beside(journal, ".head"))?;
        Ok(Self(file))
    }

    pub(super) fn write(&self, tail: Tail) -> io::Result<()> {
        self.0.write_all_at(&encode(tail), 0)
    }
}

/// What the witness says; `None` where there is none or it is torn.
pub(super) fn read(journal: &Path) -> Option<Tail> {
    decode(&std::fs::read(beside(journal, ".head")).ok()?)
}

fn encode(tail: Tail) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&tail.sequence.0.to_le_bytes());
    bytes[16..48].copy_from_slice(&tail.hash);
    let check = Sha256::digest(&bytes[..48]);
    bytes[48..].copy_from_slice(&check[..16]);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Tail> {
    let bytes: &[u8; 64] = bytes.try_into().ok()?;
    let check = Sha256::digest(&bytes[..48]);
    if &bytes[..8] != MAGIC || bytes[48..] != check[..16] {
        return None;
    }
    Some(Tail {
        sequence: Sequence(u64::from_le_bytes(bytes[8..16].try_into().ok()?)),
        hash: bytes[16..48].try_into().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_witness_says_nothing() {
        let tail = Tail {
            sequence: Sequence(7),
            hash: [9; 32],
        };
        let whole = encode(tail);
        assert_eq!(decode(&whole), Some(tail));
        for byte in 0..64 {
            let mut torn = whole;
            torn[byte] ^= 1;
            assert_eq!(decode(&torn), None, "byte {byte}");
        }
        assert_eq!(decode(&whole[..63]), None);
    }
}
