import type { X509Certificate } from 'node:crypto';
import * as pkijs from 'pkijs';

const oid = {
  authorityInformationAccess: '1.3.6.1.5.5.7.1.1',
  ocsp: '1.3.6.1.5.5.7.48.1',
  crlDistributionPoints: '2.5.29.31',
};
/** Kind of GeneralName, RFC 5280 §4.2.1.6. */
const uniformResourceIdentifier = 6;
/** More addresses than any real certificate names; it bounds what one check asks. */
const mostAddresses = 4;

/** Where a certificate says that its revocation can be asked for; only http and https. */
export interface RevocationAddresses {
  /** OCSP responders (RFC 5280 §4.2.2.1). */
  ocsp: string[];
  /** CRLs of the issuer itself that cover every reason (RFC 5280 §4.2.1.13). */
  crl: string[];
}

/** Reads the addresses of a certificate. An extension that cannot be read names none. */
export function revocationAddresses(certificate: X509Certificate): RevocationAddresses {
  let extensions: pkijs.Extension[];
  try {
    extensions = pkijs.Certificate.fromBER(certificate.raw).extensions ?? [];
  } catch {
    return { ocsp: [], crl: [] };
  }
  const parsed = (id: string): unknown => extensions.find(({ extnID }) => extnID === id)?.parsedValue;
  const access = parsed(oid.authorityInformationAccess);
  const points = parsed(oid.crlDistributionPoints);
  return {
    ocsp: usable(
      access instanceof pkijs.InfoAccess
        ? access.accessDescriptions
            .filter(({ accessMethod }) => accessMethod === oid.ocsp)
            .map(({ accessLocation }) => accessLocation)
        : [],
    ),
    crl: usable(
      points instanceof pkijs.CRLDistributionPoints
        ? points.distributionPoints.flatMap((point) =>
            // One of another issuer is an indirect CRL; one with reasons does not cover every reason.
            point.cRLIssuer === undefined && point.reasons === undefined
              ? generalNamesOf(point.distributionPoint)
              : [],
          )
        : [],
    ),
  };
}

/** The full names of a DistributionPointName; a name relative to the issuer is no address. */
export function generalNamesOf(name: pkijs.DistributionPoint['distributionPoint']): pkijs.GeneralName[] {
  return Array.isArray(name) ? name : [];
}

/** The text of a GeneralName that is a URI. */
export function uriOf({ type, value }: pkijs.GeneralName): string | undefined {
  return type === uniformResourceIdentifier && typeof value === 'string' ? value : undefined;
}

function usable(names: pkijs.GeneralName[]): string[] {
  return names
    .map(uriOf)
    .filter((address) => address !== undefined)
    .filter((address) => ['http:', 'https:'].includes(URL.parse(address)?.protocol ?? ''))
    .slice(0, mostAddresses);
}
