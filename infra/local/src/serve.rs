//! Ports, and serving a router on one.

use app::Crash;
use axum::Router;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// How often a free port that `::1` has not is given back for another.
const DRAWS: usize = 20;

/// The port is in use.
#[derive(Debug)]
pub struct Occupied(u16);

impl std::fmt::Display for Occupied {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "port {} is in use; choose another with --port", self.0)
    }
}

impl std::error::Error for Occupied {}

/// The public listeners: `localhost` may mean either of two addresses, and both must lead here.
pub struct Public {
    /// The port.
    pub port: u16,
    /// On 127.0.0.1, and on ::1 where the machine has it.
    pub sockets: Vec<TcpListener>,
}

/// Binds the public port; 0 takes a free one.
pub fn public(port: u16) -> Result<Public, Crash> {
    for _ in 0..DRAWS {
        let four = bind(Ipv4Addr::LOCALHOST.into(), port).map_err(|error| refused(&error, port))?;
        let taken = four.local_addr()?.port();
        match bind(Ipv6Addr::LOCALHOST.into(), taken) {
            Ok(six) => return Ok(Public { port: taken, sockets: vec![four, six] }),
            Err(error) if error.kind() == ErrorKind::AddrInUse && port == 0 => {}
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(refused(&error, port)),
            // No IPv6 on this machine.
            Err(_) => return Ok(Public { port: taken, sockets: vec![four] }),
        }
    }
    Err("no free port".into())
}

/// A free loopback port for the functions' SDK clients.
pub fn internal() -> Result<(TcpListener, SocketAddr), Crash> {
    let listener = bind(Ipv4Addr::LOCALHOST.into(), 0)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Answers until `stop`, and then finishes what is under way.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send + 'static) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stop).await {
        tracing::error!(%error, "a port is no longer served");
    }
}

/// Accepted connections inherit TCP_NODELAY: an answer never waits for an acknowledgement.
fn bind(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_nodelay(true)?;
    // On Unix: a port can be used again right after a crash. Elsewhere it would mean sharing it.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind((address, port).into())?;
    socket.listen(BACKLOG)
}

fn refused(error: &io::Error, port: u16) -> Crash {
    match error.kind() {
        ErrorKind::AddrInUse => Occupied(port).into(),
        ErrorKind::PermissionDenied => format!("port {port} needs rights that this user has not").into(),
        _ => format!("port {port} cannot be used: {error}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_is_taken_once_and_the_refusal_is_one_line() {
        let first = public(0).unwrap();
        let Err(refusal) = public(first.port) else { panic!("the port was given twice") };
        assert!(refusal.is::<Occupied>());
        assert!(!refusal.to_string().contains('\n'));
    }
}
