//! The TLS connection of a session: its record layer, and what could not be written yet.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use rustls::SupportedCipherSuite;
use tls_records::{CstpParser, Opener, PacketType, Sealer, Version};

/// Bytes that may wait for a slow device. More would only delay what is lost anyway: a second at 2 Mbit/s.
const QUEUE_LIMIT: usize = 256 << 10;
/// Answers still find room when data does not, but a device that asks and asks and reads nothing must not fill our
/// memory: this is what it may send us in one round.
const ANSWER_LIMIT: usize = 1 << 20;

/// The TLS connection of a session, after the front thread has handed it over.
pub(crate) struct TlsChannel {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) sealer: Sealer,
    pub(crate) opener: Opener,
    pub(crate) parser: CstpParser,
    /// The start of a record whose rest has not arrived.
    pub(crate) partial: Vec<u8>,
    /// Sealed records that the socket has not taken yet.
    queue: Vec<u8>,
    pub(crate) last_received: Instant,
    pub(crate) last_probe: Instant,
    pub(crate) version_name: &'static str,
    pub(crate) cipher_suite_name: &'static str,
}

impl TlsChannel {
    pub(crate) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        sealer: Sealer,
        opener: Opener,
        suite: SupportedCipherSuite,
        version: Version,
        now: Instant,
    ) -> Self {
        Self {
            stream,
            peer,
            sealer,
            opener,
            parser: CstpParser::new(),
            partial: Vec::new(),
            queue: Vec::new(),
            last_received: now,
            last_probe: now,
            version_name: match version {
                Version::Tls12 => "TLSv1.2",
                Version::Tls13 => "TLSv1.3",
            },
            cipher_suite_name: suite.suite().as_str().unwrap_or("unknown"),
        }
    }

    /// Appends one packet of `length` bytes, which `fill` writes where it will be sealed. False when the key has sealed all
    /// that it may; nothing is appended then.
    pub(crate) fn append_packet(
        &mut self,
        out: &mut Vec<u8>,
        length: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> bool {
        let start = out.len();
        let packet = start + self.sealer.packet_headroom();
        out.resize(packet + length + self.sealer.packet_tailroom(), 0);
        fill(&mut out[packet..packet + length]);
        let sealed = self
            .sealer
            .seal_packet(&mut out[start..], PacketType::Data, length)
            .is_ok();
        if !sealed {
            out.truncate(start);
        }
        sealed
    }

    /// Whether a packet may still be sealed while `pending` bytes wait to be written.
    pub(crate) fn has_room(&self, pending: usize) -> bool {
        // An empty queue takes a whole batch, because the socket may take it at once.
        self.queue.is_empty() || self.queue.len() + pending < QUEUE_LIMIT
    }

    /// Whether a question of the device may still be answered while `pending` bytes wait to be written.
    pub(crate) fn has_room_for_answer(&self, pending: usize) -> bool {
        self.queue.len() + pending < ANSWER_LIMIT
    }

    /// True while bytes wait for the socket.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Writes `bytes` behind what waits; what the socket does not take is kept. Leaves `bytes` empty, also after a
    /// failure: the next session uses the same buffer, and records under another key would end its connection.
    pub(crate) fn write(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let result = if self.queue.is_empty() {
            self.write_some(bytes)
        } else {
            Ok(0)
        };
        if let Ok(written) = result {
            self.queue.extend_from_slice(&bytes[written..]);
        }
        bytes.clear();
        result.map(drop)
    }

    /// Writes what waits.
    pub(crate) fn write_queue(&mut self) -> io::Result<()> {
        let queue = std::mem::take(&mut self.queue);
        let written = self.write_some(&queue)?;
        if written < queue.len() {
            self.queue = queue;
            self.queue.drain(..written);
        }
        Ok(())
    }

    /// Reads behind the partial record at the start of `buffer`. Returns the filled length of `buffer`; `None` when
    /// nothing has arrived.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let start = self.partial.len();
        match (&self.stream).read(&mut buffer[start..]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buffer[..start].copy_from_slice(&self.partial);
                // An idle session holds no buffer.
                self.partial = Vec::new();
                Ok(Some(start + count))
            }
            Err(error) if is_later(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < bytes.len() {
            match (&self.stream).write(&bytes[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::TcpListener;

    use tls_records::Cipher;

    use super::*;

    /// A channel and the device's end of its connection.
    fn connected() -> (TlsChannel, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let device = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, peer) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let (version, cipher) = (Version::Tls13, Cipher::Aes128Gcm);
        let channel = TlsChannel::new(
            stream,
            peer,
            Sealer::new(version, cipher, &[1; 16], &[2; 12], 0).unwrap(),
            Opener::new(version, cipher, &[3; 16], &[4; 12], 0).unwrap(),
            rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256,
            version,
            Instant::now(),
        );
        (channel, device)
    }

    #[test]
    fn nothing_is_left_for_the_next_session_when_a_device_has_reset_its_connection() {
        let (mut channel, device) = connected();
        socket2::SockRef::from(&device)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
        drop(device);
        let mut records = vec![0; 1000];
        assert!(channel.write(&mut records).is_err());
        assert!(records.is_empty());
    }

    #[test]
    fn what_a_slow_device_does_not_take_waits() {
        let (mut channel, _device) = connected();
        let mut records = vec![0; 32 << 20];
        channel.write(&mut records).unwrap();
        assert!(records.is_empty() && channel.is_waiting());
        assert!(!channel.has_room(0));
        assert!(!channel.has_room_for_answer(0));
    }

    #[test]
    fn answers_find_room_when_data_does_not() {
        let (mut channel, _device) = connected();
        channel.queue = vec![0; QUEUE_LIMIT];
        assert!(!channel.has_room(0));
        assert!(channel.has_room_for_answer(0));
        assert!(!channel.has_room_for_answer(ANSWER_LIMIT - QUEUE_LIMIT));
    }
}
