//! An append-only file of JSON lines that survives `kill -9` and a power cut: a line is on the disk when `append`
//! returns, and a half-written last line is cut off when the file is opened.

use crate::data;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The open file.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    file: Mutex<File>,
}

impl Lines {
    /// Opens or makes the file, readable by its owner only, and gives what stands in it.
    pub fn open<T: DeserializeOwned>(path: &Path) -> io::Result<(Vec<T>, Lines)> {
        let mut file = data::private().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(u64::try_from(whole).map_err(io::Error::other)?)?;
        file.seek(SeekFrom::End(0))?;
        let read = bytes[..whole]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(serde_json::from_slice)
            .collect::<Result<_, _>>()?;
        Ok((read, Lines { path: path.to_owned(), file: Mutex::new(file) }))
    }

    /// Appends a line; it is on the disk when this returns.
    pub fn append(&self, line: &impl Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let before = file.stream_position()?;
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        if written.is_err() {
            // What is half there must not spoil the next line.
            file.set_len(before)?;
            file.seek(SeekFrom::End(0))?;
        }
        written
    }

    /// Puts these lines in the place of all that are there, through a second file: a crash leaves the old ones or these.
    pub fn replace(&self, lines: &[impl Serialize]) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = self.path.with_extension("new");
        let mut written = data::private().read(true).write(true).create(true).truncate(true).open(&fresh)?;
        for line in lines {
            let mut bytes = serde_json::to_vec(line)?;
            bytes.push(b'\n');
            written.write_all(&bytes)?;
        }
        written.sync_data()?;
        std::fs::rename(fresh, &self.path)?;
        *file = written;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_kept_and_a_torn_one_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        let (none, lines) = Lines::open::<u32>(&path).unwrap();
        assert!(none.is_empty());
        lines.append(&1).unwrap();
        lines.append(&2).unwrap();
        drop(lines);
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"33").unwrap();
        let (two, lines) = Lines::open::<u32>(&path).unwrap();
        assert_eq!(two, [1, 2]);
        lines.append(&4).unwrap();
        assert_eq!(Lines::open::<u32>(&path).unwrap().0, [1, 2, 4]);
        lines.replace(&[2, 4]).unwrap();
        lines.append(&5).unwrap();
        assert_eq!(Lines::open::<u32>(&path).unwrap().0, [2, 4, 5]);
    }
}
