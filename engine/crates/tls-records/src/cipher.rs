//! Ciphers, nonces and how long a key may be used.

use ring::{aead, hmac};
use zeroize::Zeroize;

/// Length of a record header: type, version, length.
pub const RECORD_HEADER: usize = 5;

/// Length of the authentication tag of all three ciphers.
pub const TAG: usize = 16;

/// Largest plaintext of a record (RFC 8446 §5.1).
pub(crate) const MAX_PLAINTEXT: usize = 1 << 14;

/// Version bytes of every record header, in TLS 1.3 too (RFC 8446 §5.2).
pub(crate) const TLS_1_2: [u8; 2] = [3, 3];

/// Records under one AES-GCM key after which another should be agreed on: 2^23, half of [`KEY_USABLE`].
///
/// At the 100,000 records a second of a gigabit in full packets, the other half lasts 83 s, long enough to find a
/// quiet moment.
pub const KEY_UPDATE_DUE: u64 = 1 << 23;

/// Records under one AES-GCM key after which it seals no more: 2^24.
///
/// RFC 8446 §5.5 allows 2^24.5 records of 2^14 bytes; this is the power of two below, which rustls keeps to as well.
pub const KEY_USABLE: u64 = 1 << 24;

/// The protocol version of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// TLS 1.2 (RFC 5246). Its keys last as long as the connection.
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

/// The record protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// AES-128-GCM with SHA-256.
    Aes128Gcm,
    /// AES-256-GCM with SHA-384.
    Aes256Gcm,
    /// ChaCha20-Poly1305 with SHA-256.
    ChaCha20Poly1305,
}

impl Cipher {
    pub(crate) fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 => 32,
        }
    }

    /// The hash of the TLS 1.3 suite with this cipher (RFC 8446 §B.4).
    pub(crate) fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Aes256Gcm => hmac::HMAC_SHA384,
            Self::Aes128Gcm | Self::ChaCha20Poly1305 => hmac::HMAC_SHA256,
        }
    }

    fn aead(self) -> &'static aead::Algorithm {
        match self {
            Self::Aes128Gcm => &aead::AES_128_GCM,
            Self::Aes256Gcm => &aead::AES_256_GCM,
            Self::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }
}

/// What a record carries (RFC 8446 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ContentType {
    /// Two bytes: level and description.
    Alert = 21,
    /// Handshake messages.
    Handshake = 22,
    /// Tunnel packets.
    ApplicationData = 23,
}

impl ContentType {
    /// ChangeCipherSpec has no place after the handshake and is not among them.
    pub(crate) fn from_wire(value: u8) -> Option<Self> {
        match value {
            21 => Some(Self::Alert),
            22 => Some(Self::Handshake),
            23 => Some(Self::ApplicationData),
            _ => None,
        }
    }
}

/// A key, initialisation vector or traffic secret whose length does not fit the cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError;

/// How much of a key is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Little.
    Fresh,
    /// Update it (TLS 1.3) or close the connection at a quiet moment (TLS 1.2): the client comes back at once.
    Due,
    /// Nothing more is sealed under it.
    Exhausted,
}

/// Key, initialisation vector and sequence number of one direction.
pub(crate) struct Direction {
    pub(crate) key: aead::LessSafeKey,
    pub(crate) version: Version,
    pub(crate) cipher: Cipher,
    pub(crate) sequence: u64,
    iv: [u8; 12],
}

impl Direction {
    pub(crate) fn new(
        version: Version,
        cipher: Cipher,
        key: &[u8],
        iv: &[u8],
        sequence: u64,
    ) -> Result<Self, KeyError> {
        let iv = iv.try_into().map_err(|_| KeyError)?;
        let key = aead::UnboundKey::new(cipher.aead(), key).map_err(|_| KeyError)?;
        Ok(Self {
            key: aead::LessSafeKey::new(key),
            version,
            cipher,
            sequence,
            iv,
        })
    }

    /// TLS 1.2 with AES-GCM sends the changing part of the nonce in front of the ciphertext (RFC 5288 §3).
    #[inline]
    pub(crate) fn explicit_nonce_len(&self) -> usize {
        match (self.version, self.cipher) {
            (Version::Tls12, Cipher::Aes128Gcm | Cipher::Aes256Gcm) => 8,
            _ => 0,
        }
    }

    /// RFC 8446 §5.3, RFC 7905 §2; rustls makes its TLS 1.2 AES-GCM nonces this way too, and as the sequence number
    /// carries on from it, none is used twice.
    #[inline]
    pub(crate) fn nonce(&self) -> [u8; 12] {
        let mut nonce = self.iv;
        nonce[4..]
            .iter_mut()
            .zip(self.sequence.to_be_bytes())
            .for_each(|(byte, number)| *byte ^= number);
        nonce
    }

    /// A nonce with the explicit part that the sender chose.
    #[inline]
    pub(crate) fn nonce_with(&self, explicit: &[u8; 8]) -> [u8; 12] {
        let mut nonce = self.iv;
        nonce[4..].copy_from_slice(explicit);
        nonce
    }

    /// Additional data of TLS 1.2 (RFC 5246 §6.2.3.3). The length is that of the plaintext.
    #[inline]
    pub(crate) fn additional_data_12(&self, content_type: u8, plaintext_len: usize) -> [u8; 13] {
        let mut data = [0; 13];
        data[..8].copy_from_slice(&self.sequence.to_be_bytes());
        data[8] = content_type;
        data[9..11].copy_from_slice(&TLS_1_2);
        data[11..].copy_from_slice(&(plaintext_len as u16).to_be_bytes());
        data
    }

    pub(crate) fn key_use(&self) -> KeyUse {
        // ChaCha20-Poly1305 outlasts the sequence number (RFC 8446 §5.5).
        if self.cipher == Cipher::ChaCha20Poly1305 {
            return if self.sequence == u64::MAX {
                KeyUse::Exhausted
            } else {
                KeyUse::Fresh
            };
        }
        match self.sequence {
            KEY_USABLE.. => KeyUse::Exhausted,
            KEY_UPDATE_DUE.. => KeyUse::Due,
            _ => KeyUse::Fresh,
        }
    }
}

impl Drop for Direction {
    fn drop(&mut self) {
        self.iv.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_follow_from_their_derivation() {
        assert_eq!(KEY_USABLE, 1 << 2f64.powf(24.5).log2().floor() as u64);
        assert_eq!(KEY_UPDATE_DUE, KEY_USABLE / 2);
        assert_eq!((KEY_USABLE - KEY_UPDATE_DUE) / 100_000, 83);
    }
}
