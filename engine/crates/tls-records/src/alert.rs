//! Alerts (RFC 8446 §6) and the reasons that end a connection.

/// An alert from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// 1 for a warning, 2 for fatal. TLS 1.3 wants it ignored.
    pub level: u8,
    /// The description, such as 0 for `close_notify`.
    pub description: u8,
}

impl Alert {
    pub(crate) const CLOSE_NOTIFY: u8 = 0;
    pub(crate) const USER_CANCELED: u8 = 90;
}

/// Why the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fatal {
    /// A record or message whose lengths contradict each other.
    Malformed,
    /// More plaintext than a record may have.
    Overflow,
    /// Authentication failed.
    Unauthentic,
    /// A record type that cannot come after the handshake.
    UnexpectedRecord,
    /// A handshake message that cannot come after the handshake: a renegotiation in TLS 1.2, anything but KeyUpdate
    /// in TLS 1.3.
    UnexpectedMessage,
    /// KeyUpdate after KeyUpdate and no data in between.
    TooManyKeyUpdates,
    /// A KeyUpdate, but no traffic secret was given to follow it.
    NoTrafficSecret,
    /// The client ended the connection with this alert.
    Alert(Alert),
}

impl Fatal {
    /// The alert to send before closing (RFC 8446 §6.2); `None` when the client has closed already.
    pub fn alert_description(self) -> Option<u8> {
        match self {
            Self::Malformed => Some(50),
            Self::Overflow => Some(22),
            Self::Unauthentic => Some(20),
            Self::UnexpectedRecord | Self::UnexpectedMessage | Self::TooManyKeyUpdates => Some(10),
            Self::NoTrafficSecret => Some(80),
            Self::Alert(_) => None,
        }
    }
}
