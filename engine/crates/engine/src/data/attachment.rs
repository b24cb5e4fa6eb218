//! What the front thread hands to the packet path: a session with the keys of its connection.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustls::{ConnectionTrafficSecrets, ProtocolVersion};
use tls_records::{Cipher, Opener, Sealer, TrafficSecret, Version};

use super::dtls_channel::DtlsChannel;
use super::session::{Limits, Session};
use super::tls_channel::TlsChannel;
use crate::control::messages::{Attach, Counters};
use crate::front::Handover;

/// A session ready for packets.
pub(crate) struct Attachment {
    /// The request to answer.
    pub(crate) id: u64,
    pub(crate) session: Session,
    /// The answer to CONNECT, encrypted: the first bytes on the connection.
    pub(crate) unsent: Vec<u8>,
}

impl Attachment {
    pub(crate) fn new(attach: Attach, handover: Handover) -> Result<Self, String> {
        let now = Instant::now();
        let dtls = attach
            .dtls
            .map(|dtls| DtlsChannel::new(dtls, handover.psk))
            .transpose()?;
        let unsent = handover.unsent.clone();
        let tls = tls_channel(handover, now)?;
        let session = Session {
            id: attach.session,
            ipv4: attach.ipv4,
            ipv6: attach.ipv6,
            mtu: attach.mtu,
            limits: Limits {
                dead_peer_detection: Duration::from_secs(
                    attach.dead_peer_detection_seconds.max(1).into(),
                ),
                idle: attach
                    .idle_timeout_seconds
                    .map(|seconds| Duration::from_secs(seconds.into())),
                roaming: Duration::from_secs(attach.roaming_timeout_seconds.into()),
                ends_at: now + until(attach.ends_at),
            },
            tls: Some(tls),
            dtls,
            counters: Counters::default(),
            attached_at: now,
            last_activity: now,
            lost_at: now,
        };
        Ok(Self {
            id: attach.id,
            session,
            unsent,
        })
    }
}

/// Time from now to a Unix time in milliseconds.
fn until(unix_milliseconds: u64) -> Duration {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Duration::from_millis(unix_milliseconds).saturating_sub(wall)
}

fn tls_channel(handover: Handover, now: Instant) -> Result<TlsChannel, String> {
    const MISFIT: &str = "the keys do not fit the cipher";
    let version = match handover.version {
        ProtocolVersion::TLSv1_3 => Version::Tls13,
        ProtocolVersion::TLSv1_2 => Version::Tls12,
        _ => return Err("unknown TLS version".into()),
    };
    let (cipher, key, iv) = parts(&handover.secrets.tx.1)?;
    let mut sealer =
        Sealer::new(version, cipher, key, iv, handover.secrets.tx.0).map_err(|_| MISFIT)?;
    let (cipher, key, iv) = parts(&handover.secrets.rx.1)?;
    let mut opener =
        Opener::new(version, cipher, key, iv, handover.secrets.rx.0).map_err(|_| MISFIT)?;
    if version == Version::Tls13 {
        let secrets = &handover.traffic_secrets;
        sealer = sealer
            .with_traffic_secret(TrafficSecret::new(cipher, &secrets.server).map_err(|_| MISFIT)?);
        opener = opener
            .with_traffic_secret(TrafficSecret::new(cipher, &secrets.client).map_err(|_| MISFIT)?);
    }
    Ok(TlsChannel::new(
        handover.stream,
        handover.peer,
        sealer,
        opener,
        handover.suite,
        version,
        now,
    ))
}

fn parts(secrets: &ConnectionTrafficSecrets) -> Result<(Cipher, &[u8], &[u8]), String> {
    match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv } => {
            Ok((Cipher::Aes128Gcm, key.as_ref(), iv.as_ref()))
        }
        ConnectionTrafficSecrets::Aes256Gcm { key, iv } => {
            Ok((Cipher::Aes256Gcm, key.as_ref(), iv.as_ref()))
        }
        ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
            Ok((Cipher::ChaCha20Poly1305, key.as_ref(), iv.as_ref()))
        }
        _ => Err("unknown cipher".into()),
    }
}
