//! What a stream function could not be given: in the cloud an object in the dead-letter bucket, here a line in a file.

use super::batch::Condition;
use crate::lines::Lines;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Records that were given up.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct DeadLetter {
    /// The function that did not take them.
    pub function: String,
    /// Why they were given up.
    pub condition: Condition,
    /// How often they were tried.
    pub tries: u32,
    /// The shard they stand in.
    pub shard: String,
    /// Sequence number of the first record.
    pub first: String,
    /// Sequence number of the last record.
    pub last: String,
    /// How many there are.
    pub records: usize,
    /// When they were given up.
    pub at: jiff::Timestamp,
    /// The event that the function did not take, as JSON text: where Lambda keeps it, too.
    #[serde(default)]
    pub payload: String,
}

/// All dead letters of a stack, oldest first.
#[derive(Debug)]
pub struct DeadLetters {
    list: Mutex<Vec<DeadLetter>>,
    file: Option<Lines>,
}

impl DeadLetters {
    /// Reads the file, if there is to be one.
    pub fn open(file: Option<&Path>) -> io::Result<DeadLetters> {
        let (list, file) = match file {
            Some(path) => {
                let (list, lines) = Lines::open(path)?;
                (list, Some(lines))
            }
            None => (Vec::new(), None),
        };
        Ok(DeadLetters { list: Mutex::new(list), file })
    }

    /// Keeps a letter.
    pub fn add(&self, letter: DeadLetter) {
        if let Some(file) = &self.file
            && let Err(error) = file.append(&letter)
        {
            tracing::error!(%error, "a dead letter could not be written");
        }
        self.list().push(letter);
    }

    /// Forgets a letter that was delivered after all.
    pub fn remove(&self, letter: &DeadLetter) -> io::Result<()> {
        let mut list = self.list();
        list.retain(|one| one != letter);
        self.file.as_ref().map_or(Ok(()), |file| file.replace(&list))
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<DeadLetter> {
        self.list().clone()
    }

    fn list(&self) -> MutexGuard<'_, Vec<DeadLetter>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
