//! What the gateway can ask for.

use super::listeners::Listeners;
use super::thread::{Configured, Front};
use super::tls::TlsSettings;
use crate::control::messages::{Attach, Configure, Event, Request};
use crate::data::{Attachment, Command, DataThread};
use crate::log;
use crate::sys::privileges::drop_privileges;
use crate::sys::tun::Tun;

impl Front {
    /// Carries out one line from the gateway and answers it.
    pub(super) fn handle_line(&mut self, line: &[u8]) {
        let request = match serde_json::from_slice::<Request>(line) {
            Ok(request) => request,
            Err(error) => {
                // The line may hold a key, so only serde's own words are shown.
                log::warning(&format!(
                    "the gateway sent a request that is not understood: {error}"
                ));
                return;
            }
        };
        match request {
            Request::Configure(configure) => {
                let id = configure.id;
                let answer = match self.configure(*configure) {
                    Ok(()) => Event::done(id),
                    Err(error) => Event::refused(id, error),
                };
                self.tell(&answer);
            }
            Request::Attach(attach) => {
                let id = attach.id;
                // The packet path answers, so that the answer has its place among the ends and lists that it reports.
                if let Err(error) = self.attach(*attach) {
                    self.tell(&Event::refused(id, error));
                }
            }
            Request::Detach(detach) => {
                let id = detach.id;
                self.command_or_refuse(id, Command::Detach(detach));
            }
            Request::List { id } => self.command_or_refuse(id, Command::List { id }),
            Request::Status { id } => self.command_or_refuse(id, Command::Status { id }),
            Request::Acknowledge { id, session } => {
                self.ended.remove(&session);
                self.tell(&Event::done(id));
            }
            Request::Shutdown { id } => {
                self.tell(&Event::done(id));
                self.stopping = true;
            }
        }
    }

    fn command(&self, command: Command) -> Result<(), String> {
        let Some(configured) = &self.configured else {
            return Err("the engine is not configured".into());
        };
        configured
            .data
            .send(command)
            .map_err(|_| "the packet path has stopped")?;
        configured.data_waker.wake();
        Ok(())
    }

    fn command_or_refuse(&mut self, id: u64, command: Command) {
        if let Err(error) = self.command(command) {
            self.tell(&Event::refused(id, error));
        }
    }

    fn configure(&mut self, configure: Configure) -> Result<(), String> {
        let settings =
            TlsSettings::new(&configure.tls).map_err(|error| format!("certificate: {error}"))?;
        let behind_proxy = configure.proxy_protocol;
        self.configure_with(configure, settings)?;
        self.admission.set_behind_proxy(behind_proxy);
        Ok(())
    }

    fn configure_with(
        &mut self,
        configure: Configure,
        settings: TlsSettings,
    ) -> Result<(), String> {
        match &mut self.configured {
            None => self.configure_first(configure, settings),
            Some(current) => {
                if configure.tunnel != current.tunnel {
                    return Err("the tunnel interface cannot change while the engine runs".into());
                }
                if configure.listen != current.listen {
                    self.listen_elsewhere(&configure)?;
                }
                if let Some(current) = &mut self.configured {
                    current.settings = settings;
                    current.listen = configure.listen;
                    current.proxy_protocol = configure.proxy_protocol;
                }
                Ok(())
            }
        }
    }

    fn configure_first(
        &mut self,
        configure: Configure,
        settings: TlsSettings,
    ) -> Result<(), String> {
        let tun = Tun::open(&configure.tunnel.interface).map_err(|error| error.to_string())?;
        let listeners = Listeners::open(&configure.listen)?;
        for remark in
            drop_privileges(self.user).map_err(|error| format!("giving up root: {error}"))?
        {
            log::warning(&remark);
        }
        let path = DataThread {
            tun,
            sockets: listeners.udp.clone(),
        };
        let (data, data_waker) = self.start_data(path).map_err(|error| error.to_string())?;
        self.configured = Some(Configured {
            settings,
            listen: configure.listen,
            tunnel: configure.tunnel,
            proxy_protocol: configure.proxy_protocol,
            listeners,
            data,
            data_waker,
        });
        self.watch_listeners().map_err(|error| error.to_string())
    }

    /// Opens and closes what differs. A failure leaves every socket as it was.
    fn listen_elsewhere(&mut self, configure: &Configure) -> Result<(), String> {
        // A connection that waits in the queue of a listener is reset when that closes.
        self.accept_waiting();
        let Some(current) = &mut self.configured else {
            return Ok(());
        };
        for listener in &current.listeners.tcp {
            self.poll.remove(&listener.socket);
        }
        let change = current.listeners.change(&configure.listen);
        self.watch_listeners().map_err(|error| error.to_string())?;
        let change = change
            .map_err(|error| format!("{error}; the gateway goes on listening where it was"))?;
        self.command(Command::Sockets(change))
    }

    fn attach(&mut self, attach: Attach) -> Result<(), String> {
        if self.configured.is_none() {
            return Err("the engine is not configured".into());
        }
        let connection = self
            .take_connection(attach.connection)
            .ok_or("the connection is gone")?;
        let handover = connection.hand_over(&attach.response.0)?;
        let attachment = Attachment::new(attach, handover)?;
        self.command(Command::Attach(Box::new(attachment)))
    }
}
