//! The folder that a stack keeps its data in, one stack at a time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The open folder; nobody else can open it until this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Makes the folder if need be, and takes it. The error is one line for people.
    pub fn open(path: &Path) -> Result<Folder, String> {
        let failed = |error: io::Error| format!("the data folder {} cannot be used: {error}", path.display());
        // A folder that is there keeps its rights; the files in it are the owner's only.
        let fresh = !path.exists();
        std::fs::create_dir_all(path.join("stream")).map_err(failed)?;
        if fresh {
            owner_only(path).map_err(failed)?;
        }
        let lock = private().write(true).create(true).truncate(false).open(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(format!("the data folder {} is in use by another Postroom", path.display())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// A file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// What keeps others out; whoever writes to the folder holds it.
    pub fn lock(&self) -> io::Result<File> {
        self.lock.try_clone()
    }
}

/// The signing keys in the shape that the template's secret has: `{"kid","key"}`. Made once and kept in the folder,
/// or made for this one run.
pub fn signing_keys(folder: Option<&Folder>) -> Result<String, String> {
    let Some(folder) = folder else { return fresh_keys() };
    let path = folder.file("token.key");
    let failed = |error: io::Error| format!("the signing keys in {} cannot be used: {error}", path.display());
    match std::fs::read_to_string(&path) {
        Ok(keys) if !keys.is_empty() => Ok(keys),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        Ok(_) | Err(_) => {
            let keys = fresh_keys()?;
            // Under its name only when it is whole: a crash must not leave half a key.
            let fresh = path.with_extension("new");
            let mut file = private().write(true).create(true).truncate(true).open(&fresh).map_err(failed)?;
            file.write_all(keys.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            std::fs::rename(&fresh, &path).map_err(failed)?;
            Ok(keys)
        }
    }
}

fn fresh_keys() -> Result<String, String> {
    let mut secret = [0; 48];
    getrandom::fill(&mut secret).map_err(|error| format!("no randomness: {error}"))?;
    Ok(serde_json::json!({"kid": "k1", "key": URL_SAFE_NO_PAD.encode(secret)}).to_string())
}

/// Options for a file that only its owner may read.
pub fn private() -> OpenOptions {
    #[allow(unused_mut)]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn owner_only(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

#[cfg(not(unix))]
fn owner_only(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_used_by_one_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b");
        let first = Folder::open(&path).unwrap();
        let refusal = Folder::open(&path).unwrap_err();
        assert!(refusal.contains("in use") && !refusal.contains('\n'), "{refusal}");
        drop(first);
        Folder::open(&path).unwrap();
    }

    #[test]
    fn signing_keys_are_made_once() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(home.path()).unwrap();
        let keys = signing_keys(Some(&folder)).unwrap();
        assert_eq!(signing_keys(Some(&folder)).unwrap(), keys);
        assert_ne!(signing_keys(None).unwrap(), keys);
        assert!(keys.len() > 64);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.file("token.key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
