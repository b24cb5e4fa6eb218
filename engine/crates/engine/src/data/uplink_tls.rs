//! From the device over TLS, and what the gateway itself says there.

use std::time::Instant;

use super::sessions::Key;
use super::thread::{DEVICE, PacketPath};
use crate::control::messages::EndReason;
use crate::log;
use crate::poll::Interest;

/// Reads of one connection before the others get their turn.
const READS: usize = 4;

/// First byte of a DISCONNECT: the sender is done with the session (`protocol.md` section 1.10, rule 4).
const GOODBYE: u8 = 0xb0;

impl PacketPath {
    /// Takes what has arrived on a device's TLS connection.
    pub(super) fn read_device(&mut self, key: Key, now: Instant) {
        let mut buffer = std::mem::take(&mut self.tcp_buffer);
        for _ in 0..READS {
            let Some(tls) = self.sessions.get_mut(key).and_then(|session| session.tls.as_mut()) else { break };
            match tls.read(&mut buffer) {
                Ok(Some(length)) => {
                    tls.last_received = now;
                    let kept = self.handle_bytes(key, &mut buffer, length, now);
                    self.writer.flush(&self.tun, &buffer, &mut self.counters);
                    match kept {
                        Ok(()) => {}
                        Err(Ending::Goodbye) => {
                            self.end(key, EndReason::ClientDisconnect, now);
                            break;
                        }
                        Err(Ending::Closed) => {
                            self.lose(key, now);
                            break;
                        }
                    }
                    if length < buffer.len() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    self.lose(key, now);
                    break;
                }
            }
        }
        self.tcp_buffer = buffer;
        if !self.records.bytes.is_empty() {
            self.flush_records(key);
        }
    }
}
