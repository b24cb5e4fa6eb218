import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { CertificateSummary } from '@culvert/certificates/site-certificate.ts';
import {
  type Finding,
  type Findings,
  networkWarnings,
  type StandaloneConfiguration,
  standaloneConfigurationSchema,
  tunnelSettings,
  validateDocument,
} from '@culvert/contracts';
import { openPasswordFile } from '../passwords/password-file.ts';
import { explainFileError, explainStateDirectory } from './files.ts';
import { readJson } from './json.ts';
import type { LoadedConfiguration } from './loaded-configuration.ts';
import { readAuthorities, readSiteCertificate, readUsersFile } from './referenced-files.ts';

export interface LoadOptions {
  now?: Date;
  /** Told when the users file cannot be read while the gateway runs. */
  onPasswordProblem?: (problem: string) => void;
}

export interface LoadResult extends Findings {
  /** Absent when there are problems. */
  configuration?: LoadedConfiguration;
  /** Of the site certificate, when it could be read. */
  certificate?: CertificateSummary;
}

/**
 * Reads a configuration file and everything that it names. All problems come back at once: those of the fields,
 * and those of the files behind every field that is itself right.
 */
export async function loadConfiguration(file: string, options: LoadOptions = {}): Promise<LoadResult> {
  const absolute = resolve(file);
  const document = await readDocument(absolute);
  if (!document.ok) return { problems: [document.problem], warnings: [] };
  const validated = validateDocument(standaloneConfigurationSchema, document.value);
  const findings: Findings = { problems: validated.ok ? [] : validated.problems, warnings: [] };
  const parts = resolvePaths(
    validated.ok ? validated.value : readableParts(document.value),
    dirname(absolute),
  );
  const referenced = await readReferenced(parts, options, findings);
  const certificate = referenced.site?.summary === undefined ? {} : { certificate: referenced.site.summary };
  const ready = referenced.site?.certificate;
  if (!validated.ok || findings.problems.length > 0 || ready === undefined)
    return { ...findings, ...certificate };
  const standalone = { ...validated.value, ...parts };
  return {
    ...findings,
    ...certificate,
    configuration: {
      file: absolute,
      standalone,
      settings: tunnelSettings(standalone.serverConfiguration),
      certificate: ready,
      ...(referenced.passwords === undefined ? {} : { passwords: referenced.passwords }),
      ...(referenced.clientCertificates === undefined
        ? {}
        : { clientCertificates: referenced.clientCertificates }),
    },
  };
}

type DocumentResult = { ok: true; value: unknown } | { ok: false; problem: Finding };

async function readDocument(file: string): Promise<DocumentResult> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return { ok: false, problem: { path: '', message: `${file} ${explainFileError(error)}` } };
  }
  const json = readJson(text);
  if (json.ok) return json;
  return {
    ok: false,
    problem: { path: '', message: `${file}, line ${json.line}, column ${json.column}: ${json.message}` },
  };
}

type Parts = Partial<StandaloneConfiguration>;

/** The fields that are right by themselves in a document that is not. */
function readableParts(document: unknown): Parts {
  if (typeof document !== 'object' || document === null) return {};
  const parts: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(standaloneConfigurationSchema.shape)) {
    const result = schema.safeParse(Reflect.get(document, name));
    if (result.success && result.data !== undefined) parts[name] = result.data;
  }
  return parts;
}

function resolvePaths<Part extends Parts>(parts: Part, directory: string): Part {
  const absolute = (path: string) => resolve(directory, path);
  const { tls, authentication, stateDirectory } = parts;
  return {
    ...parts,
    ...(stateDirectory === undefined ? {} : { stateDirectory: absolute(stateDirectory) }),
    ...(tls === undefined
      ? {}
      : { tls: Object.fromEntries(Object.entries(tls).map(([key, path = '']) => [key, absolute(path)])) }),
    ...(authentication === undefined
      ? {}
      : {
          authentication: authentication.map((method) =>
            method.kind === 'passwordFile'
              ? { ...method, file: absolute(method.file) }
              : { ...method, authoritiesFile: absolute(method.authoritiesFile) },
          ),
        }),
  };
}

async function readReferenced(
  parts: Parts,
  { now = new Date(), onPasswordProblem }: LoadOptions,
  findings: Findings,
) {
  const { tls, publicAddress, authentication = [], stateDirectory, serverConfiguration } = parts;
  if (serverConfiguration !== undefined) {
    const warnings = networkWarnings(serverConfiguration);
    findings.warnings.push(...warnings.map((one) => ({ ...one, path: `serverConfiguration.${one.path}` })));
  }
  findings.warnings.push(...interfaceWarnings(parts));
  const site = tls && (await readSiteCertificate(tls, publicAddress, now, findings));
  const result: Pick<LoadedConfiguration, 'passwords' | 'clientCertificates'> = {};
  for (const [index, method] of authentication.entries()) {
    const field = `authentication[${index}]`;
    if (method.kind === 'passwordFile') {
      const accounts = await readUsersFile(method.file, `${field}.file`, findings);
      const options = onPasswordProblem === undefined ? {} : { onProblem: onPasswordProblem };
      if (accounts !== undefined) result.passwords = openPasswordFile(method.file, accounts, options);
    } else {
      const certificates = await readAuthorities(method, `${field}.authoritiesFile`, now, findings);
      if (certificates !== undefined) result.clientCertificates = certificates;
    }
  }
  const stateProblem = stateDirectory && (await explainStateDirectory(stateDirectory));
  if (stateProblem) findings.problems.push({ path: 'stateDirectory', message: stateProblem });
  return { site, ...result };
}

/** The host may get its interfaces later, or be another one than where `check` runs: doubts, not problems. */
function interfaceWarnings({ internalInterface, listenAddresses = [], tunnelInterface }: Parts): Finding[] {
  const interfaces = networkInterfaces();
  const addresses = Object.values(interfaces).flatMap((list) => list?.map(({ address }) => address) ?? []);
  const warnings: Finding[] = [];
  if (internalInterface !== undefined && !Object.hasOwn(interfaces, internalInterface)) {
    const known = Object.keys(interfaces).filter((name) => name !== tunnelInterface);
    warnings.push({
      path: 'internalInterface',
      message: `this host has no interface ${internalInterface} with an address; it has ${known.join(', ')}`,
    });
  }
  for (const [index, address] of listenAddresses.entries()) {
    if (address === '0.0.0.0' || address === '::' || addresses.includes(address)) continue;
    warnings.push({
      path: `listenAddresses[${index}]`,
      message: `this host does not have the address ${address}`,
    });
  }
  return warnings;
}
