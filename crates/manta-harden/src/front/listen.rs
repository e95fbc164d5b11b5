//! Taking connections: room for a crowd, and no spinning when this machine has none left.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that the kernel holds until they are taken; it has a bound of its own (`somaxconn`). Beyond it clients
/// repeat themselves after one, three and seven seconds.
const WAITING: u32 = 4096;
/// How long nobody is asked in after a connection could not be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens at an address.
///
/// # Errors
/// When it can't be bound.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Windows would let another program take the address over.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// The next connection, with small answers sent at once.
///
/// # Errors
/// When it can't be taken, after a pause: what is missing then (descriptors, memory) is missing the next moment too.
pub async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    match listener.accept().await {
        Ok((stream, _)) => {
            // One that is gone already says so when it is read.
            let _ = stream.set_nodelay(true);
            Ok(stream)
        }
        Err(error) => {
            tokio::time::sleep(PAUSE).await;
            Err(error)
        }
    }
}
