//! What Postroom costs and how fast it is, as one Markdown table each: `cargo bench -p tests`, or a part of it:
//! `cargo bench -p tests -- costs | feed | events | saves | crowd | sockets | import | signin | process`. Numbers choose the
//! sizes that costs and events are counted for: `cargo bench -p tests -- costs 1 100`.
//!
//! Costs are counted below the SDK clients, so they hold in the cloud, too. Times are this machine's, with the whole
//! product, its embedded database and the clients that ask it on the same cores.

mod costs;
mod crowd;
mod events;
mod feed;
mod process;
mod saves;
mod signin;
mod sockets;
mod whole;

use std::time::{Duration, Instant};

fn main() {
    // `cargo bench` gives `--bench`; what is left chooses the parts.
    let given = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let (sizes, asked): (Vec<String>, Vec<String>) = given.partition(|arg| arg.bytes().all(|byte| byte.is_ascii_digit()));
    let sizes: Vec<usize> = sizes.iter().filter_map(|size| size.parse().ok()).collect();
    let wants = |part: &str| asked.is_empty() || asked.iter().any(|asked| part.contains(asked.as_str()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime");
    let began = Instant::now();
    runtime.block_on(async {
        if wants("costs") {
            costs::print(if sizes.is_empty() { &[10, 1_000, 10_000] } else { &sizes }).await;
        }
        if wants("events") {
            events::print(if sizes.is_empty() { &[1, 10, 100, 1_000] } else { &sizes }).await;
        }
        if wants("feed") {
            feed::print(if sizes.is_empty() { &[10, 10_000, 1_000_000] } else { &sizes }).await;
        }
        let mut rows = Vec::new();
        if wants("saves") {
            rows.extend(saves::rows().await);
        }
        if wants("crowd") {
            rows.extend(crowd::rows().await);
        }
        if wants("import") {
            rows.extend(whole::rows().await);
        }
        if wants("sockets") {
            rows.extend(sockets::rows().await);
        }
        if wants("signin") {
            rows.extend(signin::rows().await);
        }
        if wants("process") {
            rows.extend(process::rows());
        }
        if !rows.is_empty() {
            println!("| what | measured | goal | closest open peer |\n| --- | --- | --- | --- |");
            rows.iter().for_each(|row| println!("{row}"));
        }
    });
    eprintln!("\nmeasured in {:.0} s", began.elapsed().as_secs_f64());
}

/// One line of the table of times.
struct Row {
    what: String,
    measured: String,
    goal: &'static str,
    peer: &'static str,
}

impl std::fmt::Display for Row {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "| {} | {} | {} | {} |", self.what, self.measured, self.goal, self.peer)
    }
}

/// The time in the middle.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    if millis < 10.0 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") }
}
