//! Writes one of each page, with invented people, into a folder, to look at them without a running Postroom:
//! `cargo run -p console --example gallery -- /tmp/gallery`. Serve the folder over HTTP: paths start at its root.

#[path = "../tests/samples/mod.rs"]
#[allow(dead_code)]
mod samples;

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "gallery".to_owned()));
    std::fs::create_dir_all(folder.join("assets"))?;
    for path in [console::assets::css(), console::assets::js(), console::assets::icon()] {
        let name = path.trim_start_matches("/assets/");
        if let Some((asset, _)) = console::assets::find(name) {
            std::fs::write(folder.join("assets").join(name), asset.bytes)?;
        }
    }
    for (name, html) in samples::pages("Harbour Payments") {
        std::fs::write(folder.join(format!("{name}.html")), html)?;
    }
    Ok(())
}
