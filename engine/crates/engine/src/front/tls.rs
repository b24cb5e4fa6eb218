//! TLS as this gateway speaks it: 1.3 and 1.2, AEAD suites only, no resumption, and keys that can be taken over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring as provider};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ServerConfig, ServerConnection};
use rustls::{DigitallySignedStruct, DistinguishedName, KeyLog, SignatureScheme};

use crate::control::messages;

/// The certificate and the rules for new connections. Connections that are open keep what they started with.
pub(crate) struct TlsSettings {
    template: ServerConfig,
    request_client_certificate: bool,
    provider: Arc<CryptoProvider>,
}

impl TlsSettings {
    /// Checks that the key belongs to the certificate.
    pub(crate) fn new(settings: &messages::Tls) -> Result<Self, rustls::Error> {
        let provider = Arc::new(suites());
        let chain = settings
            .certificates
            .iter()
            .map(|der| CertificateDer::from(der.0.clone()))
            .collect();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(settings.private_key.0.clone()));
        let mut template = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        set_rules(&mut template);
        Ok(Self {
            template,
            request_client_certificate: settings.request_client_certificate,
            provider,
        })
    }

    /// Starts the server side of one connection.
    pub(crate) fn accept(&self) -> Result<(ServerConnection, Arc<Captured>), rustls::Error> {
        let captured = Arc::new(Captured::default());
        let mut config = if self.request_client_certificate {
            let verifier = CertificateCollector {
                captured: Arc::clone(&captured),
                algorithms: self.provider.signature_verification_algorithms,
            };
            let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
                .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
                .with_client_cert_verifier(Arc::new(verifier))
                .with_cert_resolver(Arc::clone(&self.template.cert_resolver));
            set_rules(&mut config);
            config
        } else {
            self.template.clone()
        };
        config.key_log = Arc::clone(&captured) as Arc<dyn KeyLog>;
        let mut connection = ServerConnection::new(Arc::new(config))?;
        // The relay reads from the gateway only when the last bytes have left, so this cannot grow.
        connection.set_buffer_limit(None);
        Ok((connection, captured))
    }
}

/// AES-128-GCM first: it is as strong as a device needs, and the cheapest on every server with AES instructions.
fn suites() -> CryptoProvider {
    use provider::cipher_suite::{
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
    };
    CryptoProvider {
        cipher_suites: vec![
            TLS13_AES_128_GCM_SHA256,
            TLS13_AES_256_GCM_SHA384,
            TLS13_CHACHA20_POLY1305_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ],
        ..provider::default_provider()
    }
}

fn set_rules(config: &mut ServerConfig) {
    config.enable_secret_extraction = true;
    config.ignore_client_order = true;
    // A device signs in once and then holds its connection for hours: tickets would only cost records.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
}

/// What a connection's own handshake brought to light. Key material: never printed.
#[derive(Default)]
pub(crate) struct Captured {
    secrets: Mutex<TrafficSecrets>,
    possession_unproved: AtomicBool,
}

/// TLS 1.3 traffic secrets, from which later keys are derived (RFC 8446 section 7.2). Empty with TLS 1.2.
#[derive(Default, Clone)]
pub(crate) struct TrafficSecrets {
    pub(crate) client: Vec<u8>,
    pub(crate) server: Vec<u8>,
}

impl Captured {
    pub(crate) fn take_secrets(&self) -> TrafficSecrets {
        self.secrets
            .lock()
            .map(|mut secrets| std::mem::take(&mut *secrets))
            .unwrap_or_default()
    }

    /// True when the client showed a certificate but its signature could not be verified.
    pub(crate) fn possession_unproved(&self) -> bool {
        self.possession_unproved.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Captured {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Captured")
    }
}

impl KeyLog for Captured {
    fn log(&self, label: &str, _client_random: &[u8], secret: &[u8]) {
        let Ok(mut secrets) = self.secrets.lock() else {
            return;
        };
        match label {
            "CLIENT_TRAFFIC_SECRET_0" => secrets.client = secret.to_vec(),
            "SERVER_TRAFFIC_SECRET_0" => secrets.server = secret.to_vec(),
            _ => {}
        }
    }

    fn will_log(&self, label: &str) -> bool {
        matches!(label, "CLIENT_TRAFFIC_SECRET_0" | "SERVER_TRAFFIC_SECRET_0")
    }
}

/// Takes any certificate and only notes whether the client holds its key: the gateway decides, because a refusal
/// in the handshake would reach the user as a broken connection without a reason.
#[derive(Debug)]
struct CertificateCollector {
    captured: Arc<Captured>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl CertificateCollector {
    fn note(
        &self,
        result: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if result.is_err() {
            self.captured
                .possession_unproved
                .store(true, Ordering::Relaxed);
        }
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ClientCertVerifier for CertificateCollector {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.note(rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.algorithms,
        ))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.note(rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.algorithms,
        ))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
