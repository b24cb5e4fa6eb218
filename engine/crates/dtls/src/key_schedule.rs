//! From a pre-shared key or an injected master secret to record keys and Finished (RFC 5246 §5, §6.3, §7.4.9).

use ring::{aead, digest, hmac};
use zeroize::{Zeroize, Zeroizing};

use crate::flight::FINISHED_LEN;
use crate::suite::Cipher;
use crate::wire::{FINISHED, handshake_header};

pub(crate) const MASTER_SECRET_LEN: usize = 48;
pub(crate) const PSK_LEN: usize = 32;

/// Two 32-byte keys and two 12-byte nonces are the most that a suite takes from the key block.
const MAX_KEY_BLOCK: usize = 2 * 32 + 2 * 12;

pub(crate) type Secret48 = Zeroizing<[u8; MASTER_SECRET_LEN]>;

/// The pseudo-random function of TLS 1.2 (RFC 5246 §5): P_hash over the concatenated seeds.
pub(crate) fn prf(cipher: Cipher, secret: &[u8], label: &[u8], seeds: &[&[u8]], out: &mut [u8]) {
    let key = hmac::Key::new(cipher.hmac(), secret);
    let sign = |first: &[u8]| {
        let mut context = hmac::Context::with_key(&key);
        context.update(first);
        context
    };
    let with_seeds = |mut context: hmac::Context| {
        context.update(label);
        seeds.iter().for_each(|seed| context.update(seed));
        context.sign()
    };
    let mut a = with_seeds(hmac::Context::with_key(&key));
    for chunk in out.chunks_mut(cipher.hash().output_len()) {
        let block = with_seeds(sign(a.as_ref()));
        chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        a = sign(a.as_ref()).sign();
    }
}

/// Hashes the handshake messages as if none had been fragmented (RFC 6347 §4.2.6).
#[derive(Clone)]
pub(crate) struct Transcript(digest::Context);

impl Transcript {
    pub(crate) fn new(cipher: Cipher) -> Self {
        Self(digest::Context::new(cipher.hash()))
    }

    pub(crate) fn add(&mut self, message: &[u8]) {
        self.0.update(message);
    }

    pub(crate) fn hash(&self) -> digest::Digest {
        self.0.clone().finish()
    }
}

/// Master secret from a pre-shared key: the premaster of RFC 4279 §2, then RFC 7627 §4 when `session_hash` is given.
pub(crate) fn master_secret(
    cipher: Cipher,
    psk: &[u8; PSK_LEN],
    client_random: &[u8; 32],
    server_random: &[u8; 32],
    session_hash: Option<&[u8]>,
) -> Secret48 {
    let mut premaster = Zeroizing::new([0; 2 * (2 + PSK_LEN)]);
    premaster[1] = PSK_LEN as u8;
    premaster[2 + PSK_LEN + 1] = PSK_LEN as u8;
    premaster[2 * 2 + PSK_LEN..].copy_from_slice(psk);
    let mut master = Zeroizing::new([0; MASTER_SECRET_LEN]);
    match session_hash {
        Some(hash) => prf(
            cipher,
            &*premaster,
            b"extended master secret",
            &[hash],
            &mut *master,
        ),
        None => prf(
            cipher,
            &*premaster,
            b"master secret",
            &[client_random, server_random],
            &mut *master,
        ),
    }
    master
}

/// Key and nonce prefix of one direction.
pub(crate) struct DirectionKeys {
    pub(crate) key: aead::LessSafeKey,
    pub(crate) fixed_iv: [u8; 12],
}

/// The keys of both directions.
pub(crate) struct Keys {
    pub(crate) client: DirectionKeys,
    pub(crate) server: DirectionKeys,
}

/// Cuts the key block (RFC 5246 §6.3; no MAC keys with AEAD suites).
pub(crate) fn expand_keys(
    cipher: Cipher,
    master: &[u8; MASTER_SECRET_LEN],
    client_random: &[u8; 32],
    server_random: &[u8; 32],
) -> Option<Keys> {
    let (key_len, iv_len) = (cipher.key_len(), cipher.fixed_iv_len());
    let mut block = Zeroizing::new([0; MAX_KEY_BLOCK]);
    let block = &mut block[..2 * (key_len + iv_len)];
    prf(
        cipher,
        master,
        b"key expansion",
        &[server_random, client_random],
        block,
    );
    let (keys, ivs) = block.split_at(2 * key_len);
    let direction = |key: &[u8], iv: &[u8]| {
        let mut fixed_iv = [0; 12];
        fixed_iv[..iv_len].copy_from_slice(iv);
        let key = aead::LessSafeKey::new(aead::UnboundKey::new(cipher.aead(), key).ok()?);
        Some(DirectionKeys { key, fixed_iv })
    };
    Some(Keys {
        client: direction(&keys[..key_len], &ivs[..iv_len])?,
        server: direction(&keys[key_len..], &ivs[iv_len..])?,
    })
}

impl Drop for DirectionKeys {
    fn drop(&mut self) {
        self.fixed_iv.zeroize();
    }
}

/// A whole Finished message (RFC 5246 §7.4.9). `label` is `client finished` or `server finished`.
pub(crate) fn finished(
    cipher: Cipher,
    master: &[u8; MASTER_SECRET_LEN],
    label: &[u8],
    transcript: &Transcript,
    sequence: u16,
) -> [u8; FINISHED_LEN] {
    let header = handshake_header(FINISHED, sequence, FINISHED_LEN - 12);
    let mut message = [0; FINISHED_LEN];
    message[..12].copy_from_slice(&header);
    prf(
        cipher,
        master,
        label,
        &[transcript.hash().as_ref()],
        &mut message[12..],
    );
    message
}

pub(crate) fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .fold(0, |difference, (x, y)| difference | (x ^ y))
            == 0
}
