//! What the pages load: one style sheet, one module, the realtime client that it uses, one icon. They are compiled in, and their file names carry a
//! hash of their content, so that a browser may keep them for ever and a new release is seen at once.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// One file that a page may ask for.
#[derive(Debug)]
pub struct Asset {
    stem: &'static str,
    extension: &'static str,
    /// The `Content-Type` it is served with.
    pub media: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
    /// The first 64 bits of its SHA-256, in hexadecimal.
    pub hash: String,
}

impl Asset {
    fn new(stem: &'static str, extension: &'static str, media: &'static str, bytes: &'static [u8]) -> Asset {
        let hash = Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Asset { stem, extension, media, bytes, hash }
    }

    /// Its path with the hash: `/assets/console-0123456789abcdef.css`.
    pub fn path(&self) -> String {
        format!("/assets/{}-{}.{}", self.stem, self.hash, self.extension)
    }
}

static ALL: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        Asset::new("console", "css", "text/css; charset=utf-8", include_bytes!("../assets/console.css")),
        Asset::new("console", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/console.js")),
        Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
        // Programs and the other module know it by its plain name.
        Asset::new("realtime", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/realtime.js")),
    ]
});

/// The asset that `file` names, and whether the name carries its hash (then it never changes).
/// A name with another release's hash is not found: a page of that release is gone as well.
pub fn find(file: &str) -> Option<(&'static Asset, bool)> {
    ALL.iter().find_map(|asset| {
        let hashed = asset.path();
        if hashed.strip_prefix("/assets/") == Some(file) {
            return Some((asset, true));
        }
        (file == format!("{}.{}", asset.stem, asset.extension)).then_some((asset, false))
    })
}

/// The path of the style sheet.
pub fn css() -> String {
    ALL[0].path()
}

/// The path of the module.
pub fn js() -> String {
    ALL[1].path()
}

/// The path of the icon.
pub fn icon() -> String {
    ALL[2].path()
}
