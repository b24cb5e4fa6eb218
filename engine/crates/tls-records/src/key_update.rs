//! Following and starting key updates (RFC 8446 §4.6.3, §7.2, §7.3).

use ring::hmac;
use zeroize::Zeroizing;

use crate::alert::Fatal;
use crate::cipher::{Cipher, Direction, KeyError, Version};

/// KeyUpdate messages in a row that are followed; each costs three HMACs and a key schedule.
pub const MAX_KEY_UPDATES_WITHOUT_DATA: u8 = 8;

const KEY_UPDATE: u8 = 24;

const MAX_HASH: usize = 48;

/// An application traffic secret: `CLIENT_TRAFFIC_SECRET_0` or `SERVER_TRAFFIC_SECRET_0`, and those after it. Wiped when
/// dropped.
#[derive(Clone)]
pub struct TrafficSecret {
    cipher: Cipher,
    secret: Zeroizing<[u8; MAX_HASH]>,
}

impl TrafficSecret {
    /// Takes the secret of a TLS 1.3 connection: 48 bytes with AES-256-GCM, whose hash is SHA-384, else 32.
    pub fn new(cipher: Cipher, bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != hash_len(cipher) {
            return Err(KeyError);
        }
        let mut secret = Zeroizing::new([0; MAX_HASH]);
        secret[..bytes.len()].copy_from_slice(bytes);
        Ok(Self { cipher, secret })
    }

    /// The secret after the next KeyUpdate (§7.2).
    pub(crate) fn next(&self) -> Self {
        let mut secret = Zeroizing::new([0; MAX_HASH]);
        self.expand_label(b"traffic upd", &mut secret[..hash_len(self.cipher)]);
        Self {
            cipher: self.cipher,
            secret,
        }
    }

    /// Key and initialisation vector of this secret (§7.3), with the sequence number starting again (§5.3).
    pub(crate) fn direction(&self) -> Result<Direction, KeyError> {
        let (mut key, mut iv) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 12]));
        let key = &mut key[..self.cipher.key_len()];
        self.expand_label(b"key", key);
        self.expand_label(b"iv", &mut *iv);
        Direction::new(Version::Tls13, self.cipher, key, &*iv, 0)
    }

    /// HKDF-Expand-Label with an empty context (§7.1). No output is longer than the hash, so that HKDF-Expand
    /// (RFC 5869 §2.3) is one block.
    fn expand_label(&self, label: &[u8], out: &mut [u8]) {
        const PREFIX: &[u8] = b"tls13 ";
        let key = hmac::Key::new(self.cipher.hmac(), &self.secret[..hash_len(self.cipher)]);
        let mut context = hmac::Context::with_key(&key);
        context.update(&(out.len() as u16).to_be_bytes());
        context.update(&[(PREFIX.len() + label.len()) as u8]);
        context.update(PREFIX);
        context.update(label);
        context.update(&[0, 1]);
        out.iter_mut()
            .zip(context.sign().as_ref())
            .for_each(|(byte, block)| *byte = *block);
    }
}

impl std::fmt::Debug for TrafficSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "TrafficSecret({:?}, ..)", self.cipher)
    }
}

fn hash_len(cipher: Cipher) -> usize {
    match cipher {
        Cipher::Aes256Gcm => 48,
        Cipher::Aes128Gcm | Cipher::ChaCha20Poly1305 => 32,
    }
}

/// The message; `request` asks the other side to update too.
pub(crate) fn message(request: bool) -> [u8; 5] {
    [KEY_UPDATE, 0, 0, 1, u8::from(request)]
}

/// Reads a record's handshake content: one KeyUpdate that fills it, since the next record has other keys (§5.1).
/// Gives whether an answer is requested.
pub(crate) fn parse(payload: &[u8]) -> Result<bool, Fatal> {
    match payload {
        [KEY_UPDATE, 0, 0, 1, 0] => Ok(false),
        [KEY_UPDATE, 0, 0, 1, 1] => Ok(true),
        [KEY_UPDATE, ..] => Err(Fatal::Malformed),
        _ => Err(Fatal::UnexpectedMessage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_hex(digits: &str) -> Vec<u8> {
        (0..digits.len() / 2)
            .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("digit"))
            .collect()
    }

    fn expand(secret: &TrafficSecret, label: &[u8], len: usize) -> Vec<u8> {
        let mut out = vec![0; len];
        secret.expand_label(label, &mut out);
        out
    }

    /// RFC 8448 §3, the client's application traffic.
    const RFC_8448: &str = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";

    #[test]
    fn the_keys_of_rfc_8448_follow_from_its_traffic_secret() {
        let secret = TrafficSecret::new(Cipher::Aes128Gcm, &from_hex(RFC_8448)).expect("length");
        assert_eq!(
            expand(&secret, b"key", 16),
            from_hex("17422dda596ed5d9acd890e3c63f5051")
        );
        assert_eq!(
            expand(&secret, b"iv", 12),
            from_hex("5b78923dee08579033e523d9")
        );
    }

    #[test]
    fn the_next_secrets_equal_those_of_another_implementation() {
        let secret = TrafficSecret::new(Cipher::Aes128Gcm, &from_hex(RFC_8448)).expect("length");
        let next = secret.next();
        assert_eq!(
            next.secret[..32],
            from_hex("fcdfcc72725aaee48bf64e4fd8b749cdbdbab39d90da0b26e2245ca6ea167207")
        );
        assert_eq!(
            expand(&next, b"key", 16),
            from_hex("3879d82f5f14056e623f2ce5bfc66fce")
        );
        let secret = TrafficSecret::new(Cipher::Aes256Gcm, &[0x5a; 48]).expect("length");
        assert_eq!(
            secret.next().secret[..],
            from_hex(
                "1f1e0ea8272abbbc59dc6946287266f86f64239d885afed19dc5655b9267cdf8788d37f966a273f3149a90aca7d1dfe6"
            )
        );
    }

    #[test]
    fn a_secret_of_another_hash_is_refused() {
        assert!(TrafficSecret::new(Cipher::Aes128Gcm, &[0; 48]).is_err());
        assert!(TrafficSecret::new(Cipher::Aes256Gcm, &[0; 32]).is_err());
    }
}
