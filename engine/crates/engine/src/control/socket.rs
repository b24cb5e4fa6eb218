//! One gateway at a time on the control socket; a new one takes the place of the old.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use super::messages::Event;

/// A line from the gateway that is longer is not one of ours.
const LONGEST_LINE: usize = 4 << 20;

/// Listens where the gateway looks for its engine. A socket that a dead engine left is replaced; a living engine
/// on the same directory is an error.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another engine already serves this directory",
        ));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The connection of the gateway.
pub(crate) struct ControlConnection {
    stream: UnixStream,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

impl ControlConnection {
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            incoming: Vec::new(),
            outgoing: Vec::new(),
        })
    }

    /// Queues one event; `flush` sends it.
    pub(crate) fn queue(&mut self, event: &Event) {
        // Serialising our own plain data into memory cannot fail.
        if serde_json::to_writer(&mut self.outgoing, event).is_ok() {
            self.outgoing.push(b'\n');
        }
    }

    /// Sends what is queued; true while something is left for later.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        while !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing) {
                Ok(count) => drop(self.outgoing.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.outgoing.shrink_to(64 << 10);
        Ok(false)
    }

    /// Reads what has arrived and returns the whole lines; an error when the gateway is gone.
    pub(crate) fn receive(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut chunk = [0; 64 << 10];
        let mut lines = Vec::new();
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.incoming.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            while let Some(end) = self.incoming.iter().position(|byte| *byte == b'\n') {
                let rest = self.incoming.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.incoming, rest);
                line.pop();
                lines.push(line);
            }
            if self.incoming.len() > LONGEST_LINE {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a line is too long",
                ));
            }
        }
        Ok(lines)
    }
}

impl AsFd for ControlConnection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
