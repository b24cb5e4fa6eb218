import { WrongUse } from '../program/failure.ts';

/** What the command line of `mstunnel-setup` says, as Commander gives it. */
export interface GivenOptions {
  acceptLicence?: boolean;
  joinToken?: string;
  joinTokenFile?: string;
  controlPlane?: string;
  authorityFile?: string;
  site?: string;
  registry?: string;
  images?: string;
  pfxPasswordFile?: string;
}

/** How an installation is to go. */
export interface SetupOptions extends GivenOptions {
  /** True when nobody is to be asked anything. */
  isUnattended: boolean;
  isRootless: boolean;
  isVerbose: boolean;
}

/** Puts the command line and the environment together. Throws WrongUse for what does not go together. */
export function setupOptions(given: GivenOptions, environment: NodeJS.ProcessEnv): SetupOptions {
  const options: SetupOptions = {
    ...given,
    ...(given.pfxPasswordFile === undefined && environment.mst_pfx_password_file
      ? { pfxPasswordFile: environment.mst_pfx_password_file }
      : {}),
    isUnattended: isSet(environment, 'mst_no_prompt'),
    isRootless: isSet(environment, 'mst_rootless_mode'),
    isVerbose: isSet(environment, 'mst_log_verbose'),
  };
  const { joinToken, joinTokenFile, controlPlane, site, authorityFile, registry, images } = options;
  const ways = Object.entries({
    '--join-token': joinToken,
    '--join-token-file': joinTokenFile,
    '--control-plane': controlPlane,
  }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (ways.length > 1) refuseTogether(ways);
  if (site !== undefined && ways.some((way) => way.startsWith('--join-token')))
    refuseTogether(['--site', ...ways]);
  if (authorityFile !== undefined && ways.some((way) => way.startsWith('--join-token')))
    refuseTogether(['--authority-file', ...ways]);
  if (registry !== undefined && images !== undefined) refuseTogether(['--registry', '--images']);
  return options;
}

/** A variable of the original product: `1` and `true` say yes. Throws WrongUse for another word. */
function isSet(environment: NodeJS.ProcessEnv, name: string): boolean {
  const value = environment[name] ?? '';
  if (value === '1' || value === 'true') return true;
  if (value === '' || value === '0' || value === 'false') return false;
  throw new WrongUse({
    en: `${name}: found "${value}"; must be 1 or 0.`,
    ja: `${name} の値 "${value}" は正しくありません。1 または 0 を指定してください。`,
  });
}

function refuseTogether(names: readonly string[]): never {
  throw new WrongUse({
    en: `${names.join(' and ')} do not go together.`,
    ja: `${names.join(' と ')} は同時に指定できません。`,
  });
}
