import { hash } from 'node:crypto';
import { AddressPool } from './addresses/address-pool.ts';
import type { LoadedConfiguration } from './configuration/loaded-configuration.ts';
import type { SessionRules } from './sessions/sessions.ts';
import type { DocumentFacts } from './sign-in/documents.ts';
import { messagesIn } from './sign-in/messages.ts';
import type { SignInPolicy } from './sign-in/sign-in.ts';

/** Addresses for devices. */
export function poolOf({ standalone }: LoadedConfiguration): AddressPool {
  return new AddressPool(standalone.serverConfiguration.network, standalone.serverConfiguration.ipv6Network);
}

/** How long sessions live, and how many an account may have. */
export function sessionRules({ settings, standalone }: LoadedConfiguration): SessionRules {
  return {
    sessionTimeoutSeconds: settings.sessionTimeoutSeconds,
    roamingTimeoutSeconds: settings.roamingTimeoutSeconds,
    maximumSessionsPerAccount: standalone.maximumSessionsPerAccount,
  };
}

/** Who may sign in, and in which language. */
export function signInPolicy({
  standalone,
  passwords,
  clientCertificates,
}: LoadedConfiguration): SignInPolicy {
  return {
    allowedPlatforms: standalone.allowedPlatforms,
    passwords,
    clientCertificates,
    messages: messagesIn(standalone.language),
  };
}

/** What the documents of the sign-in say about this server. */
export function documentFacts({ standalone, settings, certificate }: LoadedConfiguration): DocumentFacts {
  const leaf = certificate.certificates[0] ?? Buffer.alloc(0);
  return {
    messages: messagesIn(standalone.language),
    banner: settings.banner,
    certificateHash: hash('sha1', leaf).toUpperCase(),
  };
}
