//! The handshake of one client attempt (RFC 6347 §4.2, RFC 4279 §2).
//!
//! Only the client's retransmissions drive it: no timer is needed here. What cannot be right is ignored, because
//! until the client's Finished nothing is authenticated and an answer would only help whoever forged it.

use std::time::Duration;

use crate::association::{Association, LAST_FLIGHT_LIFETIME};
use crate::client_hello::{ClientHelloView, peek_client_hello};
use crate::flight::Flight;
use crate::hello::Hello;
use crate::key_schedule::Transcript;
use crate::psk::{Psk, PskMode};
use crate::resumption::{Resumption, Step};
use crate::suite::Cipher;
use crate::wire::{ContentType, DTLS_1_2, records_mut};

/// Times that a flight is sent again. A client that doubles its timer from one second sends four within its 12 s.
pub const MAX_RESENDS: u8 = 32;

/// Age at which the caller forgets an unfinished handshake: clients give up after 12 s.
pub const HANDSHAKE_LIFETIME: Duration = Duration::from_secs(30);

/// Why a ClientHello gets no handshake. It gets no answer either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The client offers none of the suites.
    NoCommonSuite,
    /// A resumption needs a session id to echo.
    NoSessionId,
}

/// What to do after a datagram.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing.
    Ignore,
    /// Send this datagram to the client.
    Send(Flight),
    /// The client has proven that it knows the key. The handshake is over and can be dropped.
    Established(Established),
}

/// A finished handshake.
#[derive(Debug)]
pub struct Established {
    /// The last flight, to send at once; none after a resumption, where the client speaks last.
    pub flight: Option<Flight>,
    /// The keys.
    pub association: Box<Association>,
    /// Which of the candidates the client used; 0 after a resumption.
    pub candidate: usize,
}

/// One client attempt, from ClientHello to Finished.
pub struct Handshake {
    hello: Hello,
    epoch0_sequence: u64,
    resends_left: u8,
    expires: Duration,
    mode: Mode,
}

enum Mode {
    Psk(Box<PskMode>),
    Resumption(Resumption),
    Done,
}

impl Handshake {
    /// Answers a ClientHello in pre-shared key mode, with the first of `preference` that the client offers.
    ///
    /// The session id in the answer is empty: OpenSSL clients take an echo for a resumption and fail.
    pub fn accept_psk(
        hello: &ClientHelloView<'_>,
        preference: &[Cipher],
        server_random: &[u8; 32],
        now: Duration,
    ) -> Result<(Self, Flight), Refusal> {
        let offered = |cipher: &&Cipher| hello.offers(cipher.psk_suite());
        let cipher = *preference
            .iter()
            .find(offered)
            .ok_or(Refusal::NoCommonSuite)?;
        let hello_facts = Hello::new(
            hello,
            cipher,
            cipher.psk_suite(),
            hello.extended_master_secret,
            server_random,
        );
        let mut transcript = Transcript::new(cipher);
        transcript.add(hello.message);
        transcript.add(hello_facts.server_hello(&[]).as_slice());
        transcript.add(hello_facts.server_hello_done().as_slice());
        let mode = Mode::Psk(Box::new(PskMode::new(transcript)));
        let mut handshake = Self::new(hello, hello_facts, mode, now);
        let flight = handshake.write_flight();
        Ok((handshake, flight))
    }

    pub(crate) fn with_resumption(
        hello: &ClientHelloView<'_>,
        facts: Hello,
        resumption: Resumption,
        now: Duration,
    ) -> (Self, Flight) {
        let mut handshake = Self::new(hello, facts, Mode::Resumption(resumption), now);
        let flight = handshake.write_flight();
        (handshake, flight)
    }

    /// Takes a datagram from this client. `candidates` are the session's keys, the likeliest first; a resumption
    /// needs none. The datagram's content is lost.
    pub fn handle_datagram(
        &mut self,
        datagram: &mut [u8],
        candidates: &[Psk],
        now: Duration,
    ) -> Outcome {
        if let Some(hello) = peek_client_hello(datagram) {
            return if self.began_with(&hello) {
                self.resend()
            } else {
                Outcome::Ignore
            };
        }
        let mut resend = false;
        for record in records_mut(datagram) {
            match &mut self.mode {
                Mode::Psk(psk) => psk.keep(record, &self.hello),
                Mode::Resumption(resumption) => match resumption.handle_record(record) {
                    Step::Nothing => {}
                    Step::ClientIsAhead => resend = true,
                    Step::Finished => return self.finish_resumption(),
                },
                Mode::Done => {}
            }
        }
        if let Some(established) = self.try_finish(candidates, now) {
            return Outcome::Established(established);
        }
        if resend {
            self.resend()
        } else {
            Outcome::Ignore
        }
    }

    /// Whether `hello` is a repetition of the ClientHello that this handshake answers. Another one from the same
    /// address is a new attempt.
    pub fn began_with(&self, hello: &ClientHelloView<'_>) -> bool {
        *hello.random() == self.hello.client_random
            && hello.message_sequence == self.hello.message_sequence
    }

    /// Whether the client has given up by now.
    pub fn is_expired(&self, now: Duration) -> bool {
        now > self.expires
    }

    /// The agreed cipher.
    pub fn cipher(&self) -> Cipher {
        self.hello.cipher
    }

    fn new(hello: &ClientHelloView<'_>, facts: Hello, mode: Mode, now: Duration) -> Self {
        // The first record takes the number of the ClientHello's (RFC 6347 §4.2.1).
        Self {
            hello: facts,
            epoch0_sequence: hello.record_sequence,
            resends_left: MAX_RESENDS,
            expires: now.saturating_add(HANDSHAKE_LIFETIME),
            mode,
        }
    }

    fn resend(&mut self) -> Outcome {
        if self.resends_left == 0 || matches!(self.mode, Mode::Done) {
            return Outcome::Ignore;
        }
        self.resends_left -= 1;
        Outcome::Send(self.write_flight())
    }

    /// The flight that answers the ClientHello, under fresh record numbers each time (RFC 6347 §4.2.4).
    fn write_flight(&mut self) -> Flight {
        let mut flight = Flight::new();
        let mut number = || {
            self.epoch0_sequence += 1;
            self.epoch0_sequence - 1
        };
        match &mut self.mode {
            Mode::Psk(_) => {
                flight.push_record(
                    ContentType::Handshake,
                    DTLS_1_2,
                    number(),
                    self.hello.server_hello(&[]).as_slice(),
                );
                flight.push_record(
                    ContentType::Handshake,
                    DTLS_1_2,
                    number(),
                    self.hello.server_hello_done().as_slice(),
                );
            }
            Mode::Resumption(resumption) => {
                let server_hello = self.hello.server_hello(resumption.session_id());
                flight.push_record(
                    ContentType::Handshake,
                    DTLS_1_2,
                    number(),
                    server_hello.as_slice(),
                );
                flight.push_change_cipher_spec(number());
                resumption.push_finished(&mut flight);
            }
            Mode::Done => {}
        }
        flight
    }

    fn finish_resumption(&mut self) -> Outcome {
        let Mode::Resumption(resumption) = std::mem::replace(&mut self.mode, Mode::Done) else {
            return Outcome::Ignore;
        };
        Outcome::Established(Established {
            flight: None,
            association: resumption.into_association(),
            candidate: 0,
        })
    }

    fn try_finish(&mut self, candidates: &[Psk], now: Duration) -> Option<Established> {
        let Mode::Psk(psk) = &mut self.mode else {
            return None;
        };
        let found = psk.try_finish(&self.hello, candidates)?;
        let (mut association, finished) = (found.association, found.server_finished);
        let mut flight = Flight::new();
        flight.push_change_cipher_spec(self.epoch0_sequence);
        association.sealer.push_finished(&mut flight, &finished);
        let (next, until) = (
            self.epoch0_sequence + 1,
            now.saturating_add(LAST_FLIGHT_LIFETIME),
        );
        association
            .sealer
            .remember_last_flight(finished, next, until);
        self.mode = Mode::Done;
        Some(Established {
            flight: Some(flight),
            association,
            candidate: found.candidate,
        })
    }
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Handshake({:?})", self.hello.cipher)
    }
}
