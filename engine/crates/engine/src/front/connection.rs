//! One connection before its tunnel opens: an optional PROXY header, the TLS handshake, then a relay of decrypted
//! bytes between the device and the gateway.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ServerConnection;
use socket2::{Domain, SockAddr, Socket, Type};

use super::tls::{Captured, TlsSettings, TrafficSecrets};
use crate::poll::Interest;

/// From accept to the end of the TLS handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection is held while the gateway is away.
const HOLD_LIMIT: Duration = Duration::from_secs(60);
/// Silence on a relayed connection. The gateway has shorter limits of its own for each step.
const RELAY_LIMIT: Duration = Duration::from_secs(120);
/// Bytes in flight to the gateway; its own limits for headers and bodies are of this size.
const TO_GATEWAY_LIMIT: usize = 64 << 10;

/// The connection is over; there is nothing to say to the other side.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gone;

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// A connection that has not opened a tunnel.
pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    /// The address of the socket's other end, which is a balancer's when `peer` came in a PROXY header.
    pub(crate) socket_peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) interest: Interest,
    pub(crate) upstream_interest: Interest,
    accepted_at: Instant,
    last_bytes_at: Instant,
    phase: Phase,
}

enum Phase {
    /// Waits for the rest of a PROXY header.
    Proxy(Vec<u8>),
    /// Nothing was received, so nothing is held in memory.
    Silent,
    Tls(Box<Relay>),
}

struct Relay {
    tls: ServerConnection,
    captured: Arc<Captured>,
    upstream: Option<UnixStream>,
    to_gateway: Vec<u8>,
    /// The gateway has closed its side; the connection ends when the last bytes have left.
    closing: bool,
}

/// What the packet path takes over from a connection.
pub(crate) struct Handover {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    /// Ciphertext that must leave before the first packet: the answer to CONNECT.
    pub(crate) unsent: Vec<u8>,
    pub(crate) secrets: rustls::ExtractedSecrets,
    pub(crate) traffic_secrets: TrafficSecrets,
    pub(crate) psk: [u8; 32],
    pub(crate) version: rustls::ProtocolVersion,
    pub(crate) suite: rustls::SupportedCipherSuite,
}

impl Connection {
    pub(crate) fn new(
        id: u64,
        stream: TcpStream,
        peer: SocketAddr,
        local: SocketAddr,
        behind_proxy: bool,
        now: Instant,
    ) -> Self {
        Self {
            id,
            stream,
            peer,
            socket_peer: peer,
            local,
            interest: Interest::READ,
            upstream_interest: Interest::NONE,
            accepted_at: now,
            last_bytes_at: now,
            phase: if behind_proxy {
                Phase::Proxy(Vec::new())
            } else {
                Phase::Silent
            },
        }
    }

    /// True once the time that this step may take is over.
    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        match &self.phase {
            Phase::Tls(relay) if relay.upstream.is_some() || relay.closing => {
                now - self.last_bytes_at > RELAY_LIMIT
            }
            // From the start: a byte now and then must not hold a place for ever.
            Phase::Tls(relay) if !relay.tls.is_handshaking() => now - self.accepted_at > HOLD_LIMIT,
            _ => now - self.accepted_at > HANDSHAKE_LIMIT,
        }
    }

    /// What to wait for on the device's side.
    pub(crate) fn wanted(&self) -> Interest {
        match &self.phase {
            Phase::Tls(relay) => Interest {
                read: relay.to_gateway.len() < TO_GATEWAY_LIMIT && !relay.closing,
                write: relay.tls.wants_write(),
            },
            _ => Interest::READ,
        }
    }

    /// The relay socket and what to wait for on it, once it is open.
    pub(crate) fn upstream(&self) -> Option<(&UnixStream, Interest)> {
        let Phase::Tls(relay) = &self.phase else {
            return None;
        };
        let stream = relay.upstream.as_ref()?;
        Some((
            stream,
            Interest {
                read: !relay.tls.wants_write(),
                write: !relay.to_gateway.is_empty(),
            },
        ))
    }

    /// True when the device has spoken and no relay to the gateway is open.
    pub(crate) fn needs_upstream(&self) -> bool {
        matches!(&self.phase, Phase::Tls(relay)
            if relay.upstream.is_none() && !relay.closing && !relay.to_gateway.is_empty())
    }

    /// Takes in what the device has sent.
    pub(crate) fn receive(
        &mut self,
        settings: &TlsSettings,
        scratch: &mut [u8],
        now: Instant,
    ) -> Result<(), Gone> {
        let count = match (&self.stream).read(scratch) {
            Ok(0) => return Err(Gone),
            Ok(count) => count,
            Err(error) if is_later(&error) => return Ok(()),
            Err(_) => return Err(Gone),
        };
        self.last_bytes_at = now;
        self.feed(settings, &scratch[..count])?;
        self.send()
    }

    fn feed(&mut self, settings: &TlsSettings, bytes: &[u8]) -> Result<(), Gone> {
        if let Phase::Proxy(header) = &mut self.phase {
            header.extend_from_slice(bytes);
            let length = match proxy_protocol::parse(header) {
                proxy_protocol::Parsed::Incomplete => return Ok(()),
                proxy_protocol::Parsed::Invalid(_) => return Err(Gone),
                proxy_protocol::Parsed::Header { origin, length } => {
                    if let proxy_protocol::Origin::Proxied {
                        source,
                        destination,
                    } = origin
                    {
                        self.peer = source;
                        self.local = destination;
                    }
                    length
                }
            };
            let rest = header.split_off(length);
            self.phase = Phase::Silent;
            return self.feed(settings, &rest);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        if matches!(self.phase, Phase::Silent) {
            let (tls, captured) = settings.accept().map_err(|_| Gone)?;
            let relay = Relay {
                tls,
                captured,
                upstream: None,
                to_gateway: Vec::new(),
                closing: false,
            };
            self.phase = Phase::Tls(Box::new(relay));
        }
        match &mut self.phase {
            Phase::Tls(relay) => relay.decrypt(bytes).inspect_err(|_| {
                // The alert tells an honest but unfit client why, for example that TLS 1.1 is refused.
                let _ = relay.tls.write_tls(&mut &self.stream);
            }),
            Phase::Proxy(_) | Phase::Silent => Ok(()),
        }
    }

    /// Sends what waits for the device.
    pub(crate) fn send(&mut self) -> Result<(), Gone> {
        let Phase::Tls(relay) = &mut self.phase else {
            return Ok(());
        };
        while relay.tls.wants_write() {
            match relay.tls.write_tls(&mut &self.stream) {
                Ok(_) => {}
                Err(error) if is_later(&error) => return Ok(()),
                Err(_) => return Err(Gone),
            }
        }
        if relay.closing { Err(Gone) } else { Ok(()) }
    }

    /// Opens the relay to the gateway. `false` means that the gateway is away or busy: the connection is held.
    pub(crate) fn open_upstream(&mut self, gateway: &Path) -> Result<bool, Gone> {
        let Some(stream) = connect_now(gateway) else {
            return Ok(false);
        };
        let Phase::Tls(relay) = &mut self.phase else {
            return Err(Gone);
        };
        let mut header = Vec::with_capacity(256);
        relay.write_header(&mut header, self.id, self.peer, self.local)?;
        relay.to_gateway.splice(0..0, header);
        relay.upstream = Some(stream);
        relay.send_to_gateway()?;
        Ok(true)
    }

    /// Moves bytes between the relay and the device after the relay became ready.
    pub(crate) fn relay(
        &mut self,
        readable: bool,
        scratch: &mut [u8],
        now: Instant,
    ) -> Result<(), Gone> {
        let Phase::Tls(relay) = &mut self.phase else {
            return Ok(());
        };
        relay.send_to_gateway()?;
        if readable && relay.receive_from_gateway(scratch)? {
            self.last_bytes_at = now;
        }
        self.send()
    }

    /// Gives up the TLS connection to the packet path, with `response` as the last bytes of the relay.
    pub(crate) fn hand_over(self, response: &[u8]) -> Result<Handover, &'static str> {
        let Phase::Tls(relay) = self.phase else {
            return Err("the connection has not finished its handshake");
        };
        let Relay {
            mut tls,
            captured,
            to_gateway,
            ..
        } = *relay;
        if !to_gateway.is_empty() || tls.is_handshaking() {
            return Err("the device sent more than its CONNECT request");
        }
        let (Some(version), Some(suite)) = (tls.protocol_version(), tls.negotiated_cipher_suite())
        else {
            return Err("the connection has not finished its handshake");
        };
        let psk = tls
            .export_keying_material([0; 32], b"EXPORTER-openconnect-psk", None)
            .map_err(|_| "the TLS exporter failed")?;
        let mut unsent = Vec::with_capacity(response.len() + 64);
        tls.writer()
            .write_all(response)
            .map_err(|_| "the answer could not be encrypted")?;
        while tls.wants_write() {
            tls.write_tls(&mut unsent)
                .map_err(|_| "the answer could not be encrypted")?;
        }
        let secrets = tls
            .dangerous_extract_secrets()
            .map_err(|_| "the keys could not be taken over")?;
        let traffic_secrets = captured.take_secrets();
        Ok(Handover {
            stream: self.stream,
            peer: self.peer,
            unsent,
            secrets,
            traffic_secrets,
            psk,
            version,
            suite,
        })
    }
}

impl Relay {
    fn decrypt(&mut self, mut bytes: &[u8]) -> Result<(), Gone> {
        while !bytes.is_empty() {
            self.tls.read_tls(&mut bytes)?;
            let state = self.tls.process_new_packets().map_err(|_| Gone)?;
            let start = self.to_gateway.len();
            self.to_gateway
                .resize(start + state.plaintext_bytes_to_read(), 0);
            self.tls
                .reader()
                .read_exact(&mut self.to_gateway[start..])?;
            if state.peer_has_closed() {
                return Err(Gone);
            }
        }
        self.send_to_gateway()
    }

    fn send_to_gateway(&mut self) -> Result<(), Gone> {
        let Some(upstream) = &self.upstream else {
            return Ok(());
        };
        while !self.to_gateway.is_empty() {
            match (&mut &*upstream).write(&self.to_gateway) {
                Ok(count) => drop(self.to_gateway.drain(..count)),
                Err(error) if is_later(&error) => return Ok(()),
                // The gateway has refused the rest, and why is still to be read from it.
                Err(error) if is_closed(&error) => self.to_gateway.clear(),
                Err(_) => return Err(Gone),
            }
        }
        Ok(())
    }

    /// True when bytes moved.
    fn receive_from_gateway(&mut self, scratch: &mut [u8]) -> Result<bool, Gone> {
        let Some(upstream) = &self.upstream else {
            return Ok(false);
        };
        match (&mut &*upstream).read(scratch) {
            Ok(0) => self.finish(),
            Ok(count) => {
                self.tls.writer().write_all(&scratch[..count])?;
                return Ok(true);
            }
            Err(error) if is_later(&error) => {}
            Err(error) if is_closed(&error) => self.finish(),
            Err(_) => return Err(Gone),
        }
        Ok(false)
    }

    /// The gateway has closed its side. Its socket goes at once: `epoll` reports a hang-up again and again, whatever is
    /// asked for, and the device may take minutes to read the last answer.
    fn finish(&mut self) {
        self.tls.send_close_notify();
        self.closing = true;
        self.upstream = None;
        self.to_gateway.clear();
    }

    /// Writes the PROXY v2 header that tells the gateway who speaks.
    fn write_header(
        &self,
        out: &mut Vec<u8>,
        id: u64,
        peer: SocketAddr,
        local: SocketAddr,
    ) -> Result<(), Gone> {
        let version = match self.tls.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        };
        let cipher = self
            .tls
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .unwrap_or("unknown");
        let chain: Vec<&[u8]> = self
            .tls
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(AsRef::as_ref)
            .collect();
        let header = proxy_protocol::Header {
            source: peer,
            destination: local,
            tls: Some(proxy_protocol::ClientTls {
                version,
                cipher,
                certificates: &chain,
                verified: !self.captured.possession_unproved(),
            }),
            connection_id: Some(id),
        };
        header.write_to(out).map_err(|_| Gone)
    }
}

/// Connects without waiting: a unix socket answers at once, and a full queue means "later".
fn connect_now(path: &Path) -> Option<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).ok()?;
    socket.set_nonblocking(true).ok()?;
    socket.connect(&SockAddr::unix(path).ok()?).ok()?;
    Some(UnixStream::from(std::os::fd::OwnedFd::from(socket)))
}

/// The other end of the relay is closed; with `ConnectionReset`, while bytes for it were still unread.
fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
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
    use rustls::server::{ResolvesServerCertUsingSni, ServerConfig};

    use super::*;

    /// A relay before the handshake, and the gateway's end of it.
    fn relay() -> (Relay, UnixStream) {
        let config =
            ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
        let (upstream, gateway) = UnixStream::pair().unwrap();
        upstream.set_nonblocking(true).unwrap();
        let relay = Relay {
            tls: ServerConnection::new(config.into()).unwrap(),
            captured: Arc::default(),
            upstream: Some(upstream),
            to_gateway: Vec::new(),
            closing: false,
        };
        (relay, gateway)
    }

    #[test]
    fn a_socket_that_the_gateway_has_closed_is_not_waited_for() {
        let (mut relay, gateway) = relay();
        drop(gateway);
        assert_eq!(relay.receive_from_gateway(&mut [0; 100]), Ok(false));
        assert!(relay.closing && relay.upstream.is_none());
    }

    #[test]
    fn a_refusal_reaches_a_device_that_is_still_sending() {
        let (mut relay, mut gateway) = relay();
        relay.to_gateway = vec![1; 1000];
        relay.send_to_gateway().unwrap();
        gateway
            .write_all(b"HTTP/1.1 413 Too large\r\n\r\n")
            .unwrap();
        drop(gateway);
        relay.to_gateway = vec![1; 1000];
        assert_eq!(relay.send_to_gateway(), Ok(()));
        assert_eq!(relay.receive_from_gateway(&mut [0; 100]), Ok(true));
        assert_eq!(relay.receive_from_gateway(&mut [0; 100]), Ok(false));
        assert!(relay.closing);
    }
}
