import type { ClientCertificateVerdict } from '@culvert/certificates/client-certificate.ts';
import type { StandaloneConfiguration, TunnelSettings } from '@culvert/contracts';

/** The answer to one sign-in attempt; `busy` means that too many are being computed: ask again later. */
export type PasswordVerdict = 'accepted' | 'refused' | 'busy';

/** The accounts of a `passwordFile`. */
export interface PasswordFile {
  verify(name: string, password: string): Promise<PasswordVerdict>;
}

/** How client certificates are examined, with the authorities already read. */
export interface ClientCertificates {
  use: 'secondFactor' | 'alone';
  identity: 'commonName' | 'subjectAlternativeEmail' | 'userPrincipalName';
  /** `chain` is what the device sent, DER, leaf first; `possessionProved` is what the TLS handshake says. */
  examine(chain: Buffer[], possessionProved: boolean, now: Date): ClientCertificateVerdict;
}

/** A configuration file that passed every check, with everything that it refers to read into memory. */
export interface LoadedConfiguration {
  /** Absolute path of the file. */
  file: string;
  /** The validated file; the paths in it are absolute. */
  standalone: StandaloneConfiguration;
  settings: TunnelSettings;
  certificate: {
    /** DER, leaf first. */
    certificates: Buffer[];
    /** PKCS#8 DER. */
    privateKey: Buffer;
  };
  /** Present when `authentication` holds a `passwordFile`. */
  passwords?: PasswordFile;
  /** Present when `authentication` holds a `clientCertificate`. */
  clientCertificates?: ClientCertificates;
}
