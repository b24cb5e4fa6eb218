import type { LoadedConfiguration } from '../configuration/loaded-configuration.ts';
import { tunnelNetwork } from '../network/tunnel-network.ts';
import type { EngineConfiguration } from './engine.ts';

/** What the engine has to know of a loaded configuration. */
export function engineConfiguration(configuration: LoadedConfiguration): EngineConfiguration {
  const { standalone, settings, certificate, clientCertificates } = configuration;
  const network = tunnelNetwork(standalone, settings);
  return {
    listen: {
      addresses: standalone.listenAddresses ?? ['0.0.0.0', '::'],
      port: standalone.serverConfiguration.listenPort,
      udp: !standalone.serverConfiguration.disableUdpConnections,
    },
    proxyProtocol: standalone.proxyProtocol,
    tls: {
      certificates: certificate.certificates.map((der) => der.toString('base64')),
      privateKey: certificate.privateKey.toString('base64'),
      requestClientCertificate: clientCertificates !== undefined,
    },
    tunnel: {
      interface: network.interface,
      mtu: network.mtu,
      gatewayIpv4: network.ipv4.gateway,
      ...(network.ipv6 === undefined ? {} : { gatewayIpv6: network.ipv6.gateway }),
    },
  };
}
