//! Cipher suites: which bytes name them, which lengths and hash they imply.

use ring::{aead, digest, hmac};

use crate::wire::EXPLICIT_NONCE;

/// The record protection of a suite. The hash follows from it: SHA-384 with AES-256, SHA-256 otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// AES-128-GCM with SHA-256 (RFC 5487 §2, RFC 5288).
    Aes128Gcm,
    /// AES-256-GCM with SHA-384 (RFC 5487 §2, RFC 5288).
    Aes256Gcm,
    /// ChaCha20-Poly1305 with SHA-256 (RFC 7905).
    ChaCha20Poly1305,
}

/// AES-128 first: the cheapest for the server, if only by some per cent with ring, and the client's order says nothing
/// about its hardware.
pub const DEFAULT_PSK_PREFERENCE: [Cipher; 3] = [
    Cipher::Aes128Gcm,
    Cipher::Aes256Gcm,
    Cipher::ChaCha20Poly1305,
];

impl Cipher {
    /// The `TLS_PSK_WITH_…` suite of this cipher.
    pub fn psk_suite(self) -> u16 {
        match self {
            Self::Aes128Gcm => 0x00a8,
            Self::Aes256Gcm => 0x00a9,
            Self::ChaCha20Poly1305 => 0xccab,
        }
    }

    /// Bytes between the record header and the ciphertext.
    #[inline]
    pub fn explicit_nonce_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm => EXPLICIT_NONCE,
            Self::ChaCha20Poly1305 => 0,
        }
    }

    pub(crate) fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 => 32,
        }
    }

    /// Part of the nonce that comes from the key block (RFC 5288 §3, RFC 7905 §2).
    pub(crate) fn fixed_iv_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm => 4,
            Self::ChaCha20Poly1305 => 12,
        }
    }

    pub(crate) fn aead(self) -> &'static aead::Algorithm {
        match self {
            Self::Aes128Gcm => &aead::AES_128_GCM,
            Self::Aes256Gcm => &aead::AES_256_GCM,
            Self::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }

    pub(crate) fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::Aes256Gcm => &digest::SHA384,
            Self::Aes128Gcm | Self::ChaCha20Poly1305 => &digest::SHA256,
        }
    }

    pub(crate) fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Aes256Gcm => hmac::HMAC_SHA384,
            Self::Aes128Gcm | Self::ChaCha20Poly1305 => hmac::HMAC_SHA256,
        }
    }

    /// The suites with this cipher and hash, whatever their key exchange: a resumption runs none.
    fn resumable_suites(self) -> &'static [u16] {
        match self {
            Self::Aes128Gcm => &[0x009c, 0xc02f, 0xc02b, 0x009e],
            Self::Aes256Gcm => &[0x009d, 0xc030, 0xc02c, 0x009f],
            Self::ChaCha20Poly1305 => &[0xcca8, 0xcca9, 0xccaa],
        }
    }
}

/// A suite that was agreed by name in the `CONNECT` exchange for a resumed session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumptionSuite {
    cipher: Cipher,
    wire: u16,
}

impl ResumptionSuite {
    /// Looks up a name of `X-DTLS12-CipherSuite` or `X-DTLS-CipherSuite`.
    ///
    /// `AES256-GCM-SHA384` was recorded as suite `009d` from both client builds; the others follow the same rule that
    /// the name decides, unrecorded. If a client offers another suite with the same cipher and hash, that one is taken.
    pub fn from_name(name: &str) -> Option<Self> {
        let (cipher, wire) = match name {
            "ECDHE-RSA-AES256-GCM-SHA384" => (Cipher::Aes256Gcm, 0xc030),
            "ECDHE-RSA-AES128-GCM-SHA256" => (Cipher::Aes128Gcm, 0xc02f),
            "AES256-GCM-SHA384" | "OC-DTLS1_2-AES256-GCM" => (Cipher::Aes256Gcm, 0x009d),
            "AES128-GCM-SHA256" | "OC-DTLS1_2-AES128-GCM" => (Cipher::Aes128Gcm, 0x009c),
            "OC2-DTLS1_2-CHACHA20-POLY1305" => (Cipher::ChaCha20Poly1305, 0xcca8),
            _ => return None,
        };
        Some(Self { cipher, wire })
    }

    /// Its cipher.
    pub fn cipher(self) -> Cipher {
        self.cipher
    }

    /// The suite number that the name stands for.
    pub fn wire(self) -> u16 {
        self.wire
    }

    /// The suite to answer with: the named one if `offers` has it, else one with the same cipher and hash.
    pub(crate) fn choose(self, offers: impl Fn(u16) -> bool) -> Option<u16> {
        std::iter::once(self.wire)
            .chain(self.cipher.resumable_suites().iter().copied())
            .find(|suite| offers(*suite))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_own_suite_or_to_one_with_the_same_cipher_and_hash() {
        let suite = ResumptionSuite::from_name("ECDHE-RSA-AES256-GCM-SHA384").expect("known");
        assert_eq!(
            suite.choose(|offered| [0x009d, 0xc030].contains(&offered)),
            Some(0xc030)
        );
        assert_eq!(suite.choose(|offered| offered == 0x009d), Some(0x009d));
        assert_eq!(suite.choose(|offered| offered == 0x009c), None);
        assert_eq!(ResumptionSuite::from_name("AES256-SHA"), None);
    }
}
