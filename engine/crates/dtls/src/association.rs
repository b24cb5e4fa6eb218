//! The keys of one handshake, and how long they may be used.

use std::time::Duration;

use crate::key_schedule::Keys;
use crate::open::Opener;
use crate::seal::Sealer;
use crate::suite::Cipher;

/// Records that one AES-GCM key may seal: 2^24.5, rounded down (RFC 9147 §4.5.3).
///
/// A record has at most 2^14 bytes, 2^10 blocks. After q records an attacker's advantage is below
/// (q · 2^10)² / 2^129 (RFC 8446 §5.5), which is 2^-60 for q = 2^24.5. At 1400 bytes a record that is 33 GB.
pub const AES_GCM_RECORD_LIMIT: u64 = 23_726_566;

/// Forged records after which a key must not be used any more: 2^36 (RFC 9147 §4.5.3).
pub const FORGERY_LIMIT: u64 = 1 << 36;

/// How long the server's last flight can be sent again. Clients give up a handshake after 12 s; twice that and some.
pub const LAST_FLIGHT_LIFETIME: Duration = Duration::from_secs(30);

/// How far a key is from its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Far.
    Fresh,
    /// Seven tenths are used: make the client start a new handshake at a quiet moment.
    RekeyDue,
    /// Nothing more may be sealed, or believed, under it.
    Exhausted,
}

impl KeyState {
    pub(crate) fn after(records: u64, limit: u64) -> Self {
        match records {
            _ if records >= limit => Self::Exhausted,
            _ if records >= limit / 10 * 7 => Self::RekeyDue,
            _ => Self::Fresh,
        }
    }

    /// ChaCha20-Poly1305 outlasts the sequence numbers (RFC 9147 §4.5.3).
    pub(crate) fn record_limit(cipher: Cipher) -> u64 {
        match cipher {
            Cipher::Aes128Gcm | Cipher::Aes256Gcm => AES_GCM_RECORD_LIMIT,
            Cipher::ChaCha20Poly1305 => 1 << 48,
        }
    }
}

/// What a finished handshake leaves behind.
#[derive(Debug)]
pub struct Association {
    /// Seals for the client.
    pub sealer: Sealer,
    /// Opens what the client sealed.
    pub opener: Opener,
}

impl Association {
    /// The halves, which share nothing.
    pub fn split(self) -> (Sealer, Opener) {
        (self.sealer, self.opener)
    }

    /// The agreed cipher.
    pub fn cipher(&self) -> Cipher {
        self.sealer.cipher()
    }

    pub(crate) fn new(cipher: Cipher, keys: &Keys, client_random: &[u8; 32]) -> Self {
        Self {
            sealer: Sealer::new(cipher, &keys.server),
            opener: Opener::new(cipher, &keys.client, client_random),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_limit_follows_from_its_derivation() {
        assert_eq!(AES_GCM_RECORD_LIMIT, 2f64.powf(24.5).floor() as u64);
        let blocks = AES_GCM_RECORD_LIMIT as f64 * 1024.0;
        assert!((blocks * blocks / 2f64.powi(129)).log2() <= -60.0 + 1e-6);
    }

    #[test]
    fn a_key_becomes_due_before_it_is_exhausted() {
        assert_eq!(KeyState::after(0, AES_GCM_RECORD_LIMIT), KeyState::Fresh);
        assert_eq!(
            KeyState::after(1 << 24, AES_GCM_RECORD_LIMIT),
            KeyState::RekeyDue
        );
        assert_eq!(
            KeyState::after(AES_GCM_RECORD_LIMIT, AES_GCM_RECORD_LIMIT),
            KeyState::Exhausted
        );
    }

    #[test]
    fn an_association_fits_in_two_kilobytes() {
        assert!(
            size_of::<Association>() <= 2048,
            "{} bytes",
            size_of::<Association>()
        );
    }
}
