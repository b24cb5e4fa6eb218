//! Messages between gateway and engine, one JSON object a line. The schema on the gateway's side is
//! `packages/contracts/src/engine-messages.ts`; both sides test against its examples.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Version of these messages; a gateway of another version refuses to work with this engine.
pub(crate) const PROTOCOL: u32 = 1;

/// A line from the gateway.
#[derive(Deserialize, Debug)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum Request {
    Configure(Box<Configure>),
    Attach(Box<Attach>),
    Detach(Detach),
    List { id: u64 },
    Status { id: u64 },
    Acknowledge { id: u64, session: SessionId },
    Shutdown { id: u64 },
}

/// Everything the engine must know before it opens its sockets; later ones change what may change.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Configure {
    pub(crate) id: u64,
    pub(crate) listen: Listen,
    pub(crate) proxy_protocol: bool,
    pub(crate) tls: Tls,
    pub(crate) tunnel: Tunnel,
}

#[derive(Deserialize, Debug, PartialEq, Eq, Clone)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Listen {
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) port: u16,
    pub(crate) udp: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) certificates: Vec<Base64>,
    pub(crate) private_key: Base64,
    pub(crate) request_client_certificate: bool,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tls")
            .field("certificates", &self.certificates.len())
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize, Debug, PartialEq, Eq, Clone)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Tunnel {
    pub(crate) interface: String,
    pub(crate) mtu: u16,
    pub(crate) gateway_ipv4: Ipv4Addr,
    pub(crate) gateway_ipv6: Option<Ipv6Addr>,
}

/// Moves a connection to the packet path.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Attach {
    pub(crate) id: u64,
    pub(crate) connection: u64,
    pub(crate) session: SessionId,
    pub(crate) ipv4: Ipv4Addr,
    pub(crate) ipv6: Option<Ipv6Addr>,
    pub(crate) mtu: u16,
    pub(crate) response: Base64,
    pub(crate) dtls: Option<Dtls>,
    pub(crate) dead_peer_detection_seconds: u32,
    pub(crate) idle_timeout_seconds: Option<u32>,
    pub(crate) roaming_timeout_seconds: u32,
    pub(crate) ends_at: u64,
}

#[derive(Deserialize)]
#[serde(
    tag = "mode",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Dtls {
    Psk {
        app_id: Hex<32>,
        client_master_secret: Option<Hex<48>>,
    },
    Resume {
        session_id: Hex<32>,
        master_secret: Hex<48>,
        cipher_suite: String,
    },
}

impl std::fmt::Debug for Dtls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Psk { .. } => "Psk",
            Self::Resume { .. } => "Resume",
        })
    }
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Detach {
    pub(crate) id: u64,
    pub(crate) session: SessionId,
    pub(crate) message: String,
}

/// A line to the gateway.
#[derive(Serialize, Debug, Clone)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Event {
    Hello {
        protocol: u32,
        engine_version: &'static str,
        pid: u32,
        configured: bool,
    },
    Result {
        id: u64,
        ok: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sessions: Option<Vec<AttachedSession>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<serde_json::Map<String, serde_json::Value>>,
    },
    Ended {
        session: SessionId,
        reason: EndReason,
        at: u64,
        counters: Counters,
    },
    Lost {
        session: SessionId,
        at: u64,
    },
    Channel {
        session: SessionId,
        dtls: ChannelChange,
        #[serde(skip_serializing_if = "Option::is_none")]
        peer: Option<String>,
    },
}

impl Event {
    /// The request was carried out.
    pub(crate) fn done(id: u64) -> Self {
        Self::Result {
            id,
            ok: true,
            error: None,
            sessions: None,
            status: None,
        }
    }

    /// The request was refused.
    pub(crate) fn refused(id: u64, error: impl Into<String>) -> Self {
        Self::Result {
            id,
            ok: false,
            error: Some(error.into()),
            sessions: None,
            status: None,
        }
    }
}

#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum EndReason {
    ClientDisconnect,
    RoamingTimeout,
    IdleTimeout,
    SessionTimeout,
    Detached,
}

#[derive(Serialize, Debug, Clone, Copy)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ChannelChange {
    Up,
    Down,
    Moved,
}

/// Bytes and packets of a session as the device sees them: `in` comes from it.
#[derive(Serialize, Debug, Clone, Copy, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counters {
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) packets_in: u64,
    pub(crate) packets_out: u64,
}

#[derive(Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttachedSession {
    pub(crate) session: SessionId,
    pub(crate) ipv4: Ipv4Addr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ipv6: Option<Ipv6Addr>,
    pub(crate) channel: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tcp_peer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) udp_peer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_cipher_suite: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dtls_cipher_suite: Option<&'static str>,
    pub(crate) attached_at: u64,
    pub(crate) last_activity_at: u64,
    pub(crate) counters: Counters,
}

/// Name of a session between gateway and engine; 16 hexadecimal digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SessionId(pub(crate) u64);

impl std::fmt::Debug for SessionId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Hex(bytes) = Hex::<8>::deserialize(deserializer)?;
        Ok(Self(u64::from_be_bytes(bytes)))
    }
}

/// Bytes that travel as hexadecimal digits.
#[derive(Clone, Copy)]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let mut bytes = [0; N];
        hex::decode_to_slice(text.as_bytes(), &mut bytes).map_err(|error| {
            serde::de::Error::custom(format_args!("{N} bytes as hexadecimal digits: {error}"))
        })?;
        Ok(Self(bytes))
    }
}

/// Bytes that travel as base64.
#[derive(Debug, Clone)]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        STANDARD
            .decode(text.as_bytes())
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn examples() -> serde_json::Value {
        serde_json::from_str(include_str!(
            "../../../../../packages/contracts/src/engine-messages.examples.json"
        ))
        .unwrap()
    }

    #[test]
    fn every_example_request_of_the_contracts_is_understood() {
        for example in examples()["requests"].as_array().unwrap() {
            serde_json::from_str::<Request>(&example.to_string())
                .unwrap_or_else(|error| panic!("{example}: {error}"));
        }
    }

    #[test]
    fn events_are_written_as_the_contracts_show_them() {
        let counters = Counters {
            bytes_in: 1,
            bytes_out: 2,
            packets_in: 3,
            packets_out: 4,
        };
        let session = SessionId(0x0011_2233_4455_66ff);
        let at = 1_795_000_000_000;
        let mut status = serde_json::Map::new();
        status.insert("sessions".into(), 1.into());
        let attached = AttachedSession {
            session,
            ipv4: "10.70.0.2".parse().unwrap(),
            ipv6: Some("fd70::2".parse().unwrap()),
            channel: "dtls",
            tcp_peer: Some("10.50.0.2:40000".into()),
            udp_peer: Some("10.50.0.2:40001".into()),
            tls_version: Some("TLSv1.3"),
            tls_cipher_suite: Some("TLS13_AES_128_GCM_SHA256"),
            dtls_cipher_suite: Some("PSK-AES128-GCM-SHA256"),
            attached_at: at,
            last_activity_at: at,
            counters,
        };
        let list = Event::Result {
            id: 5,
            ok: true,
            error: None,
            sessions: Some(vec![attached]),
            status: None,
        };
        let statuses = Event::Result {
            id: 6,
            ok: true,
            error: None,
            sessions: None,
            status: Some(status),
        };
        let events = [
            Event::Hello {
                protocol: PROTOCOL,
                engine_version: "0.1.0",
                pid: 4711,
                configured: false,
            },
            Event::done(4),
            list,
            statuses,
            Event::refused(2, "the connection is gone"),
            Event::Ended {
                session,
                reason: EndReason::ClientDisconnect,
                at,
                counters,
            },
            Event::Lost { session, at },
            Event::Channel {
                session,
                dtls: ChannelChange::Up,
                peer: Some("10.50.0.2:40001".into()),
            },
        ];
        let written: Vec<_> = events
            .iter()
            .map(|event| serde_json::to_value(event).unwrap())
            .collect();
        assert_eq!(&written, examples()["events"].as_array().unwrap());
    }

    #[test]
    fn a_request_with_a_wrong_length_of_hexadecimal_digits_is_refused() {
        let line = r#"{"type":"detach","id":1,"session":"0011","message":""}"#;
        assert!(serde_json::from_str::<Request>(line).is_err());
    }
}
