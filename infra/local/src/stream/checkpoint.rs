//! How far a function has come in each shard, kept across restarts. Written without fsync: a position that is too
//! old only means that records are handed over again, which every stream function stands.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// At most this often while records come, besides once when they stop coming.
const INTERVAL: Duration = Duration::from_millis(200);

/// The positions of one function, in a file or in memory only.
#[derive(Debug)]
pub struct Checkpoint {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    kept: Kept,
    saved: Instant,
    dirty: bool,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Kept {
    /// The stream that the positions are of: a new table begins at its beginning.
    stream: String,
    shards: BTreeMap<String, Position>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Position {
    /// Everything up to this sequence number is done.
    after: Option<String>,
    /// The shard has ended and is done.
    closed: bool,
}

impl Checkpoint {
    /// Reads the file if it is there and of this stream.
    pub fn open(file: Option<PathBuf>, stream: &str) -> Checkpoint {
        let kept = file
            .as_ref()
            .and_then(|file| std::fs::read(file).ok())
            .and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok())
            .filter(|kept| kept.stream == stream)
            .unwrap_or_else(|| Kept { stream: stream.to_owned(), shards: BTreeMap::new() });
        Checkpoint { file, state: Mutex::new(State { kept, saved: Instant::now(), dirty: false }) }
    }

    /// The sequence number after which to go on; `None` for a shard not begun.
    pub fn after(&self, shard: &str) -> Option<String> {
        self.state().kept.shards.get(shard)?.after.clone()
    }

    /// Whether the shard has ended and is done.
    pub fn is_closed(&self, shard: &str) -> bool {
        self.state().kept.shards.get(shard).is_some_and(|position| position.closed)
    }

    /// Everything of the shard up to `sequence` is done.
    pub fn advance(&self, shard: &str, sequence: &str) {
        let mut state = self.state();
        state.kept.shards.entry(shard.to_owned()).or_default().after = Some(sequence.to_owned());
        state.dirty = true;
        if state.saved.elapsed() >= INTERVAL {
            self.write(&mut state);
        }
    }

    /// The shard has ended and is done.
    pub fn close(&self, shard: &str) {
        let mut state = self.state();
        state.kept.shards.entry(shard.to_owned()).or_default().closed = true;
        self.write(&mut state);
    }

    /// Writes what is not yet written.
    pub fn save(&self) {
        let mut state = self.state();
        if state.dirty {
            self.write(&mut state);
        }
    }

    fn write(&self, state: &mut State) {
        state.saved = Instant::now();
        state.dirty = false;
        if let Some(file) = &self.file
            && let Err(error) = replace(file, &state.kept)
        {
            tracing::warn!(%error, file = %file.display(), "a stream position could not be saved");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Through a second file, so that a crash leaves the old positions or the new ones.
fn replace(file: &PathBuf, kept: &Kept) -> io::Result<()> {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, serde_json::to_vec(kept)?)?;
    std::fs::rename(fresh, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_outlive_a_restart_but_not_a_new_stream() {
        let folder = tempfile::tempdir().unwrap();
        let file = Some(folder.path().join("fanout.json"));
        let first = Checkpoint::open(file.clone(), "arn:1");
        assert_eq!(first.after("s"), None);
        first.advance("s", "41");
        first.advance("s", "42");
        first.close("old");
        first.save();
        let again = Checkpoint::open(file.clone(), "arn:1");
        assert_eq!(again.after("s").as_deref(), Some("42"));
        assert!(again.is_closed("old") && !again.is_closed("s"));
        assert_eq!(Checkpoint::open(file, "arn:2").after("s"), None);
    }

    #[test]
    fn a_torn_file_means_from_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("fanout.json");
        std::fs::write(&file, b"{\"stream\":\"arn").unwrap();
        assert_eq!(Checkpoint::open(Some(file), "arn:1").after("s"), None);
    }
}
