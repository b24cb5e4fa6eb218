//! The DTLS side of a session: what the handshake needs to know, the attempt under way, and the live association.
//!
//! It belongs to the session and outlives its TCP connections (`protocol.md` section 1.10, rule 5).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use dtls::{Cipher, Handshake, MasterSecret, Opener, Psk, ResumptionSuite, Sealer};

use crate::control::messages;

/// How packets reach the other end of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) peer: SocketAddr,
    /// The address of this host that the device sent to; answers come from it.
    pub(crate) local: Option<IpAddr>,
    /// Which of the engine's sockets.
    pub(crate) socket: usize,
}

/// The DTLS side of a session.
pub(crate) struct DtlsChannel {
    pub(crate) parameters: Parameters,
    pub(crate) attempt: Option<Box<Attempt>>,
    live: Option<Box<Live>>,
    /// Set when the device does not answer over UDP; its packets go over TLS until a record arrives.
    suspended: bool,
}

/// What CONNECT agreed on.
pub(crate) enum Parameters {
    Psk {
        app_id: [u8; 32],
        keys: Keys,
    },
    Resume {
        session_id: [u8; 32],
        master_secret: MasterSecret,
        suite: ResumptionSuite,
    },
}

/// Pre-shared keys that the device may use: that of its TLS connection, and one that it has named there itself.
///
/// Clients built with OpenSSL derive the key once for each process. After a reconnect they go on with the first one
/// and show it as the start of `X-DTLS-Master-Secret` (`protocol.md` section 3.5). An engine that was started since has
/// never seen that connection, so what the device names counts by itself. It is no weaker than the resumption mode,
/// whose whole master secret is chosen by the device and sent in the same header (section 3.6): it came over the
/// authenticated TLS connection, under the cookie of this session, and opens nothing but this session's own DTLS.
pub(crate) struct Keys {
    current: [u8; 32],
    named: Option<[u8; 32]>,
}

/// A handshake that has not finished.
pub(crate) struct Attempt {
    pub(crate) handshake: Handshake,
    pub(crate) path: Path,
    pub(crate) started: Instant,
}

/// A finished handshake.
pub(crate) struct Live {
    pub(crate) sealer: Sealer,
    pub(crate) opener: Opener,
    cipher: Cipher,
    pub(crate) path: Path,
    pub(crate) last_received: Instant,
    /// The last packet to the device.
    pub(crate) last_sent: Instant,
    pub(crate) last_probe: Instant,
    pub(crate) forged_in_a_row: u8,
    /// Probes since the last record from the device.
    pub(crate) unanswered_probes: u8,
}

impl DtlsChannel {
    /// Reads the parameters of an `attach`; `psk` is the key of the new TLS connection.
    pub(crate) fn new(dtls: messages::Dtls, psk: [u8; 32]) -> Result<Self, String> {
        let parameters = match dtls {
            messages::Dtls::Psk {
                app_id,
                client_master_secret,
            } => Parameters::Psk {
                app_id: app_id.0,
                keys: Keys {
                    current: psk,
                    named: client_master_secret.and_then(named_key),
                },
            },
            messages::Dtls::Resume {
                session_id,
                master_secret,
                cipher_suite,
            } => Parameters::Resume {
                session_id: session_id.0,
                master_secret: MasterSecret::new(master_secret.0),
                suite: ResumptionSuite::from_name(&cipher_suite)
                    .ok_or_else(|| format!("unknown DTLS cipher suite {cipher_suite}"))?,
            },
        };
        Ok(Self {
            parameters,
            attempt: None,
            live: None,
            suspended: false,
        })
    }

    /// The identifier that a ClientHello carries.
    pub(crate) fn id(&self) -> &[u8; 32] {
        match &self.parameters {
            Parameters::Psk { app_id, .. } => app_id,
            Parameters::Resume { session_id, .. } => session_id,
        }
    }

    /// Takes over the parameters of a newer CONNECT of the same session. An association under the same identifier
    /// lives on.
    pub(crate) fn reconnect(&mut self, newer: Self) {
        if self.id() != newer.id() {
            *self = newer;
            return;
        }
        self.parameters = newer.parameters;
    }

    pub(crate) fn live(&self) -> Option<&Live> {
        self.live.as_deref()
    }

    pub(crate) fn live_mut(&mut self) -> Option<&mut Live> {
        self.live.as_deref_mut()
    }

    /// True when packets for the device should go this way.
    pub(crate) fn is_usable(&self) -> bool {
        self.live.is_some() && !self.suspended
    }

    /// The live association, when packets should go through it.
    pub(crate) fn usable(&mut self) -> Option<&mut Live> {
        if self.suspended {
            None
        } else {
            self.live.as_deref_mut()
        }
    }

    /// Switches to a new association and returns the one before.
    pub(crate) fn replace(&mut self, live: Live) -> Option<Box<Live>> {
        self.suspended = false;
        self.live.replace(Box::new(live))
    }

    /// Forgets the association, as after the device's goodbye.
    pub(crate) fn take_live(&mut self) -> Option<Box<Live>> {
        self.live.take()
    }

    /// Sends packets over TLS until the device is heard over UDP again. True when that is a change.
    pub(crate) fn suspend(&mut self) -> bool {
        let change = self.is_usable();
        self.suspended = true;
        change
    }

    /// Notes an authenticated record. True when UDP works again after it did not.
    pub(crate) fn heard(&mut self, now: Instant) -> bool {
        if let Some(live) = &mut self.live {
            live.last_received = now;
            live.unanswered_probes = 0;
        }
        std::mem::take(&mut self.suspended)
    }
}

impl Keys {
    /// The keys to try against the client's Finished, the likeliest first.
    pub(crate) fn candidates(&self) -> Vec<Psk> {
        [Some(self.current), self.named]
            .into_iter()
            .flatten()
            .map(Psk::new)
            .collect()
    }
}

impl Live {
    pub(crate) fn new(association: dtls::Association, path: Path, now: Instant) -> Self {
        let cipher = association.cipher();
        let (sealer, opener) = association.split();
        Self {
            sealer,
            opener,
            cipher,
            path,
            last_received: now,
            last_sent: now,
            last_probe: now,
            forged_in_a_row: 0,
            unanswered_probes: 0,
        }
    }

    pub(crate) fn cipher_name(&self) -> &'static str {
        match self.cipher {
            Cipher::Aes128Gcm => "DTLS1.2 AES-128-GCM",
            Cipher::Aes256Gcm => "DTLS1.2 AES-256-GCM",
            Cipher::ChaCha20Poly1305 => "DTLS1.2 CHACHA20-POLY1305",
        }
    }
}

impl Attempt {
    /// A younger attempt keeps its place against one from an address that is less likely the device's.
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now.duration_since(self.started) < Duration::from_secs(3)
    }
}

/// The key that a device may have named. A header that was never filled with randomness names none: whoever sees the
/// App-ID on the wire could guess it.
fn named_key(secret: messages::Hex<48>) -> Option<[u8; 32]> {
    let key: [u8; 32] = *secret.0.first_chunk()?;
    let is_filler = key.iter().all(|byte| *byte == key[0]);
    (!is_filler).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: [u8; 32] = [7; 32];

    fn candidates(secret: Option<[u8; 48]>) -> usize {
        let dtls = messages::Dtls::Psk {
            app_id: messages::Hex([1; 32]),
            client_master_secret: secret.map(messages::Hex),
        };
        let channel = DtlsChannel::new(dtls, CURRENT).expect("the parameters are good");
        let Parameters::Psk { keys, .. } = &channel.parameters else {
            panic!("a pre-shared key was asked for");
        };
        keys.candidates().len()
    }

    #[test]
    fn a_key_that_the_device_names_is_tried_after_that_of_its_connection() {
        assert_eq!(candidates(None), 1);
        let named = std::array::from_fn(|place| place as u8);
        assert_eq!(candidates(Some(named)), 2);
    }

    #[test]
    fn a_header_of_one_repeated_byte_names_no_key() {
        assert_eq!(candidates(Some([0; 48])), 1);
        assert_eq!(candidates(Some([0xff; 48])), 1);
    }
}
