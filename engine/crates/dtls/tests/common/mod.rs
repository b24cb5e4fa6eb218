//! What several test files need.
#![allow(dead_code, unreachable_pub)]

use std::time::Duration;

use dtls::testing::{Client, ClientConfig};
use dtls::{
    Association, CookieSecret, CookieSecrets, Established, Handshake, MasterSecret, Outcome, Psk,
    ResumptionSuite, peek_client_hello,
};

pub const APP_ID: [u8; 32] = [0xa1; 32];
pub const ADDRESS: &[u8] = b"192.0.2.1:40000";
pub const NOW: Duration = Duration::from_secs(1000);

pub fn psk(number: u8) -> Psk {
    Psk::new([number; 32])
}

/// How the server side of a test accepts.
#[derive(Clone)]
pub enum Mode {
    Psk(Vec<Psk>, Vec<dtls::Cipher>),
    Resumption(MasterSecret, ResumptionSuite),
}

/// A server for one client: what the engine does with these crates, in thirty lines.
pub struct Server {
    mode: Mode,
    cookies: Option<CookieSecrets>,
    handshake: Option<Handshake>,
    pub association: Option<Association>,
    pub candidate: Option<usize>,
}

impl Server {
    pub fn new(mode: Mode, with_cookie: bool) -> Self {
        let cookies = with_cookie.then(|| CookieSecrets::new(CookieSecret::new(&[9; 32])));
        Self {
            mode,
            cookies,
            handshake: None,
            association: None,
            candidate: None,
        }
    }

    /// Gives the datagram to answer with and the application data that came.
    pub fn handle(&mut self, datagram: &[u8]) -> (Option<Vec<u8>>, Vec<Vec<u8>>) {
        if let Some(association) = &mut self.association {
            return records_of(association, datagram);
        }
        if let Some(hello) = peek_client_hello(datagram)
            && !self
                .handshake
                .as_ref()
                .is_some_and(|handshake| handshake.began_with(&hello))
        {
            if let Some(cookies) = &self.cookies
                && !cookies.verify_cookie(&hello, ADDRESS)
            {
                return (
                    Some(cookies.hello_verify_request(&hello, ADDRESS).to_vec()),
                    Vec::new(),
                );
            }
            let accepted = match &self.mode {
                Mode::Psk(_, preference) => {
                    Handshake::accept_psk(&hello, preference, &[0x22; 32], NOW)
                }
                Mode::Resumption(master, suite) => {
                    Handshake::accept_resumption(&hello, master, *suite, &[0x22; 32], NOW)
                }
            };
            let Ok((handshake, flight)) = accepted else {
                return (None, Vec::new());
            };
            self.handshake = Some(handshake);
            return (Some(flight.to_vec()), Vec::new());
        }
        let candidates = match &self.mode {
            Mode::Psk(candidates, _) => candidates.as_slice(),
            Mode::Resumption(..) => &[],
        };
        let Some(handshake) = &mut self.handshake else {
            return (None, Vec::new());
        };
        match handshake.handle_datagram(&mut datagram.to_vec(), candidates, NOW) {
            Outcome::Ignore => (None, Vec::new()),
            Outcome::Send(flight) => (Some(flight.to_vec()), Vec::new()),
            Outcome::Established(Established {
                flight,
                association,
                candidate,
            }) => {
                self.association = Some(*association);
                self.candidate = Some(candidate);
                (flight.map(|flight| flight.to_vec()), Vec::new())
            }
        }
    }
}

fn records_of(association: &mut Association, datagram: &[u8]) -> (Option<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut answer, mut data) = (None, Vec::new());
    for record in dtls::records_mut(&mut datagram.to_vec()) {
        match association.opener.open_in_place(record) {
            Ok(opened) if opened.content == dtls::Content::ApplicationData => {
                data.push(record[opened.payload].to_vec())
            }
            Ok(opened) if opened.content == dtls::Content::FinishedAgain => {
                answer = association
                    .sealer
                    .resend_last_flight(NOW)
                    .map(|flight| flight.to_vec());
            }
            _ => {}
        }
    }
    (answer, data)
}

/// Runs both sides on a perfect network until nothing is left to say.
pub fn run(client: &mut Client, server: &mut Server) {
    let mut to_server = client.retransmit();
    for _ in 0..20 {
        let answers: Vec<_> = to_server
            .iter()
            .filter_map(|datagram| server.handle(datagram).0)
            .collect();
        to_server = answers
            .iter()
            .flat_map(|datagram| client.handle_datagram(datagram))
            .collect();
    }
}

pub fn psk_pair(config: ClientConfig, candidates: &[Psk], with_cookie: bool) -> (Client, Server) {
    let mode = Mode::Psk(candidates.to_vec(), dtls::DEFAULT_PSK_PREFERENCE.to_vec());
    (Client::new(config), Server::new(mode, with_cookie))
}

pub fn resumption_pair(name: &str, with_cookie: bool) -> (Client, Server) {
    let suite = ResumptionSuite::from_name(name).expect("known name");
    let master = MasterSecret::new([7; 48]);
    let config = ClientConfig::resumption(&APP_ID, master.clone(), suite.cipher(), suite.wire());
    (
        Client::new(config),
        Server::new(Mode::Resumption(master, suite), with_cookie),
    )
}

/// Data flows both ways.
pub fn assert_tunnel(client: &mut Client, server: &mut Server) {
    let up = client.seal(b"\0uplink").expect("client has keys");
    assert_eq!(server.handle(&up).1, [b"\0uplink".to_vec()]);
    let down = seal(
        server.association.as_mut().expect("established"),
        b"\0downlink",
    );
    let opener = &mut client.association().expect("established").opener;
    let mut record = down;
    let opened = opener.open_in_place(&mut record).expect("authentic");
    assert_eq!(&record[opened.payload], b"\0downlink");
}

pub fn seal(association: &mut Association, payload: &[u8]) -> Vec<u8> {
    let start = association.sealer.header_len();
    let mut buffer = vec![0; start + payload.len() + dtls::TAG];
    buffer[start..start + payload.len()].copy_from_slice(payload);
    let len = association.sealer.seal_in_place(
        dtls::ContentType::ApplicationData,
        &mut buffer,
        payload.len(),
    );
    assert_eq!(len, Ok(buffer.len()));
    buffer
}

/// The recorded datagrams of one exchange: direction and bytes.
pub fn recorded(name: &str) -> Vec<(char, Vec<u8>)> {
    let lines = include_str!("../vectors/recorded.txt").lines();
    let words =
        lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.split_once(' '));
    words
        .map(|(direction, digits)| {
            (
                direction.chars().next().expect("direction"),
                from_hex(digits),
            )
        })
        .collect()
}

pub fn from_hex(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("digit"))
        .collect()
}
