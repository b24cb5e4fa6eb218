/** Names of the modules in `/proc/modules`. A dash and an underscore are the same to the kernel. */
export function loadedModules(procModules: string): Set<string> {
  return new Set(
    procModules
      .split('\n')
      .map((line) => normalName(line.split(/\s+/, 1)[0] ?? ''))
      .filter(Boolean),
  );
}

/** Names of the modules that are part of the kernel, from `/lib/modules/RELEASE/modules.builtin`. */
export function builtInModules(modulesBuiltin: string): Set<string> {
  return new Set(
    modulesBuiltin
      .split('\n')
      .map((line) => /([^/]+)\.ko\s*$/.exec(line)?.[1] ?? '')
      .filter(Boolean)
      .map(normalName),
  );
}

/** Modules that a file of modules-load.d(5) names: one in each line, `#` and `;` begin a comment. */
export function modulesToLoad(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith(';'))
    .map(normalName);
}

function normalName(name: string): string {
  return name.replaceAll('-', '_');
}
