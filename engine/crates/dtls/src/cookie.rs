//! HelloVerifyRequest with a stateless cookie (RFC 6347 §4.2.1).

use ring::hmac;

use crate::client_hello::ClientHelloView;
use crate::flight::{Flight, MessageBuilder};
use crate::key_schedule::equal_in_constant_time;
use crate::wire::{ContentType, DTLS_1_0, HELLO_VERIFY_REQUEST};

/// Length of a cookie. 128 bits cannot be guessed, and the answer stays smaller than the question.
pub const COOKIE_LEN: usize = 16;

/// The key of the cookies of one period.
#[derive(Clone, Debug)]
pub struct CookieSecret(hmac::Key);

impl CookieSecret {
    /// Takes 32 random bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The cookie vouches for the address and for every parameter of the ClientHello, so that a second ClientHello
    /// cannot differ from the first in anything but the cookie.
    fn cookie(&self, hello: &ClientHelloView<'_>, client_address: &[u8]) -> [u8; COOKIE_LEN] {
        let mut context = hmac::Context::with_key(&self.0);
        // Lengths in front, so that no two inputs run together.
        for part in [
            client_address,
            hello.random(),
            hello.session_id(),
            hello.parameters(),
        ] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let tag = context.sign();
        let mut cookie = [0; COOKIE_LEN];
        cookie.copy_from_slice(&tag.as_ref()[..COOKIE_LEN]);
        cookie
    }
}

/// The current cookie key and the one before, which is still accepted. The caller replaces them every minute or so.
#[derive(Clone, Debug)]
pub struct CookieSecrets {
    current: CookieSecret,
    previous: Option<CookieSecret>,
}

impl CookieSecrets {
    /// Starts with one key.
    pub fn new(current: CookieSecret) -> Self {
        Self {
            current,
            previous: None,
        }
    }

    /// Makes `next` current; the key before the last is forgotten.
    pub fn rotate(&mut self, next: CookieSecret) {
        self.previous = Some(std::mem::replace(&mut self.current, next));
    }

    /// Whether `hello` carries a cookie that was given to `client_address` (the caller's encoding of IP and port).
    pub fn verify_cookie(&self, hello: &ClientHelloView<'_>, client_address: &[u8]) -> bool {
        if hello.cookie().len() != COOKIE_LEN {
            return false;
        }
        let fits = |secret: &CookieSecret| {
            equal_in_constant_time(&secret.cookie(hello, client_address), hello.cookie())
        };
        fits(&self.current) || self.previous.as_ref().is_some_and(fits)
    }

    /// The answer that asks the client to prove its address. Makes no state.
    pub fn hello_verify_request(
        &self,
        hello: &ClientHelloView<'_>,
        client_address: &[u8],
    ) -> Flight {
        let mut message = MessageBuilder::new(
            HELLO_VERIFY_REQUEST,
            hello.message_sequence,
            2 + 1 + COOKIE_LEN,
        );
        message.push(&DTLS_1_0);
        message.push(&[COOKIE_LEN as u8]);
        message.push(&self.current.cookie(hello, client_address));
        let mut flight = Flight::new();
        // The record takes the number of the ClientHello's (RFC 6347 §4.2.1): the server remembers none.
        flight.push_record(
            ContentType::Handshake,
            DTLS_1_0,
            hello.record_sequence,
            message.as_slice(),
        );
        flight
    }
}
