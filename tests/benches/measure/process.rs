//! The release binary: how soon it answers, and what it holds when nobody asks.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Row, median, millis};

const TIMES: usize = 5;

/// The lines of the table.
pub fn rows() -> Vec<Row> {
    let binary = binary();
    let size = std::fs::metadata(&binary).expect("the binary").len() as f64 / 1e6;
    let (mut starts, mut held) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let began = Instant::now();
        let mut child = Command::new(&binary).args(["--memory", "--port", "0"]).stdout(Stdio::piped()).spawn().expect("postroom");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let ready = lines.next().expect("a line").expect("text");
        starts.push(began.elapsed());
        assert!(ready.contains("ready"), "{ready}");
        std::thread::sleep(Duration::from_secs(2));
        held.push(resident(child.id()));
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
    held.sort_unstable();
    let idle = held[TIMES / 2].map_or_else(|| "unknown here".to_owned(), |kib| format!("**{:.1} MiB**", kib as f64 / 1024.0));
    vec![
        Row {
            what: format!("start of `postroom` ({size:.0} MB)"),
            measured: format!("**{}**", millis(median(starts))),
            goal: "≤ 100 ms",
            peer: "2,600 ms",
        },
        Row { what: "memory when idle".to_owned(), measured: idle, goal: "≤ 30 MiB", peer: "241 MiB" },
    ]
}

/// Beside this bench; built where it is not there.
fn binary() -> PathBuf {
    let own = std::env::current_exe().expect("a path");
    let path = own.ancestors().nth(2).expect("a folder").join(format!("postroom{}", std::env::consts::EXE_SUFFIX));
    if !path.exists() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo).args(["build", "--release", "--package", "local", "--bin", "postroom"]).status();
        assert!(built.expect("cargo runs").success(), "postroom cannot be built");
    }
    path
}

/// Resident memory in KiB, where the system says it as Linux does.
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}
