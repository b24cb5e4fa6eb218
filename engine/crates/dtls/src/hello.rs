//! What the two hellos agree on, and the ServerHello that says so (RFC 5246 §7.4.1.3).

use crate::client_hello::ClientHelloView;
use crate::flight::MessageBuilder;
use crate::suite::Cipher;
use crate::wire::{DTLS_1_2, SERVER_HELLO, SERVER_HELLO_DONE};

/// What both hellos have fixed.
pub(crate) struct Hello {
    pub(crate) cipher: Cipher,
    pub(crate) suite: u16,
    pub(crate) client_random: [u8; 32],
    pub(crate) server_random: [u8; 32],
    /// Number of the ClientHello: 1 after a cookie exchange. The server's messages are numbered from it.
    pub(crate) message_sequence: u16,
    pub(crate) extended_master_secret: bool,
    pub(crate) secure_renegotiation: bool,
}

impl Hello {
    pub(crate) fn new(
        hello: &ClientHelloView<'_>,
        cipher: Cipher,
        suite: u16,
        ems: bool,
        server_random: &[u8; 32],
    ) -> Self {
        Self {
            cipher,
            suite,
            client_random: *hello.random(),
            server_random: *server_random,
            message_sequence: hello.message_sequence,
            extended_master_secret: ems,
            secure_renegotiation: hello.secure_renegotiation,
        }
    }

    /// RFC 5246 §7.4.1.3. Extensions only as an answer to the client's.
    pub(crate) fn server_hello(&self, session_id: &[u8]) -> MessageBuilder {
        const RENEGOTIATION_INFO: [u8; 5] = [0xff, 0x01, 0, 1, 0];
        const EXTENDED_MASTER_SECRET: [u8; 4] = [0, 0x17, 0, 0];
        let mut extensions_len = 0;
        extensions_len += if self.secure_renegotiation {
            RENEGOTIATION_INFO.len()
        } else {
            0
        };
        extensions_len += if self.extended_master_secret {
            EXTENDED_MASTER_SECRET.len()
        } else {
            0
        };
        let block_len = if extensions_len == 0 {
            0
        } else {
            2 + extensions_len
        };
        let body_len = 2 + 32 + 1 + session_id.len() + 2 + 1 + block_len;
        let mut message = MessageBuilder::new(SERVER_HELLO, self.message_sequence, body_len);
        message.push(&DTLS_1_2);
        message.push(&self.server_random);
        message.push(&[session_id.len() as u8]);
        message.push(session_id);
        message.push(&self.suite.to_be_bytes());
        message.push(&[0]);
        if extensions_len > 0 {
            message.push(&(extensions_len as u16).to_be_bytes());
        }
        if self.secure_renegotiation {
            message.push(&RENEGOTIATION_INFO);
        }
        if self.extended_master_secret {
            message.push(&EXTENDED_MASTER_SECRET);
        }
        message
    }

    pub(crate) fn server_hello_done(&self) -> MessageBuilder {
        MessageBuilder::new(SERVER_HELLO_DONE, self.message_sequence + 1, 0)
    }
}
