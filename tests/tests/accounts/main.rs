//! Accounts, sessions, teams and invitations from outside: over HTTP, each test on a stack of its own.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod access;
mod billing;
mod bodies;
mod documents;
mod domains;
mod ending;
mod engines;
mod google;
mod governance;
mod hostile;
mod invitations;
mod invites;
mod keys;
mod limits;
mod mails;
mod profiles;
mod programs;
mod public;
mod recovery;
mod robots;
mod second_factor;
mod several;
mod signing_in;
mod sockets;
mod team_sso;
mod teams;
mod workspaces;
mod world;
