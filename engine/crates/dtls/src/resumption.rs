//! The abbreviated handshake with an injected master secret (RFC 5246 §7.3, figure 2).

use std::time::Duration;

use crate::association::Association;
use crate::client_hello::ClientHelloView;
use crate::flight::{FINISHED_LEN, Flight};
use crate::handshake::{Handshake, Refusal};
use crate::hello::Hello;
use crate::key_schedule::{
    MASTER_SECRET_LEN, Secret48, Transcript, equal_in_constant_time, expand_keys, finished,
};
use crate::suite::ResumptionSuite;
use crate::wire::ContentType;

/// The 48 bytes of `X-DTLS-Master-Secret`. Wiped when dropped.
#[derive(Clone)]
pub struct MasterSecret(Secret48);

impl MasterSecret {
    /// Takes the bytes that the client sent inside TLS.
    pub fn new(bytes: [u8; MASTER_SECRET_LEN]) -> Self {
        Self(Secret48::new(bytes))
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn bytes(&self) -> [u8; MASTER_SECRET_LEN] {
        *self.0
    }
}

impl std::fmt::Debug for MasterSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MasterSecret(..)")
    }
}

impl Handshake {
    /// Answers a ClientHello in resumption mode with the whole server flight: ServerHello, ChangeCipherSpec, Finished.
    ///
    /// The session id is echoed. Extended master secret is not agreed to: it has no meaning for a secret that no
    /// handshake made (RFC 7627 §5.3 lets only sessions that used it resume with it).
    pub fn accept_resumption(
        hello: &ClientHelloView<'_>,
        master: &MasterSecret,
        suite: ResumptionSuite,
        server_random: &[u8; 32],
        now: Duration,
    ) -> Result<(Self, Flight), Refusal> {
        if hello.session_id().is_empty() {
            return Err(Refusal::NoSessionId);
        }
        let wire = suite
            .choose(|suite| hello.offers(suite))
            .ok_or(Refusal::NoCommonSuite)?;
        let facts = Hello::new(hello, suite.cipher(), wire, false, server_random);
        let resumption = Resumption::new(hello, &facts, &master.0).ok_or(Refusal::NoCommonSuite)?;
        Ok(Self::with_resumption(hello, facts, resumption, now))
    }
}

pub(crate) struct Resumption {
    association: Box<Association>,
    session_id: [u8; 32],
    session_id_len: usize,
    server_finished: [u8; FINISHED_LEN],
    client_finished: [u8; FINISHED_LEN],
}

/// What a record from the client means.
pub(crate) enum Step {
    Nothing,
    /// It has the keys and sends data already: its Finished was lost, and only our flight makes it repeat that.
    ClientIsAhead,
    Finished,
}

impl Resumption {
    fn new(
        hello: &ClientHelloView<'_>,
        facts: &Hello,
        master: &[u8; MASTER_SECRET_LEN],
    ) -> Option<Self> {
        let cipher = facts.cipher;
        let keys = expand_keys(cipher, master, &facts.client_random, &facts.server_random)?;
        let mut transcript = Transcript::new(cipher);
        transcript.add(hello.message);
        transcript.add(facts.server_hello(hello.session_id()).as_slice());
        let sequence = facts.message_sequence + 1;
        let server_finished = finished(cipher, master, b"server finished", &transcript, sequence);
        transcript.add(&server_finished);
        let client_finished = finished(cipher, master, b"client finished", &transcript, sequence);
        let mut session_id = [0; 32];
        session_id
            .get_mut(..hello.session_id().len())?
            .copy_from_slice(hello.session_id());
        Some(Self {
            association: Box::new(Association::new(cipher, &keys, &facts.client_random)),
            session_id,
            session_id_len: hello.session_id().len(),
            server_finished,
            client_finished,
        })
    }

    pub(crate) fn session_id(&self) -> &[u8] {
        &self.session_id[..self.session_id_len]
    }

    pub(crate) fn push_finished(&mut self, flight: &mut Flight) {
        self.association
            .sealer
            .push_finished(flight, &self.server_finished);
    }

    pub(crate) fn handle_record(&mut self, record: &mut [u8]) -> Step {
        let Ok(plain) = self.association.opener.open_plain(record) else {
            return Step::Nothing;
        };
        match plain.content_type {
            ContentType::Handshake
                if equal_in_constant_time(&record[plain.payload], &self.client_finished) =>
            {
                Step::Finished
            }
            ContentType::ApplicationData => Step::ClientIsAhead,
            _ => Step::Nothing,
        }
    }

    pub(crate) fn into_association(self) -> Box<Association> {
        self.association
    }
}
