//! The commands of the README, as somebody types them in a clone.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn cargo(arguments: &[&str]) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Command::new(cargo).args(arguments).current_dir(root).output().expect("cargo runs")
}

#[test]
fn cargo_dev_and_cargo_tour_take_arguments() {
    for (arguments, says) in [
        (["dev", "--", "--help"].as_slice(), "--data <DIR>"),
        (&["dev", "--", "tour", "--help"], "--collection <FILE>"),
        (&["tour", "--help"], "--collection <FILE>"),
    ] {
        let output = cargo(arguments);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(says), "cargo {arguments:?}: {output:?}");
    }
}

#[test]
fn a_used_port_is_said_in_one_line() {
    // Both of the addresses that it would answer on, or whichever this machine has.
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = cargo(&["dev", "--", "--memory", "--port", &port]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains(&port), "{said}");
}
