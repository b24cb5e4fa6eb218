import { type AuditState, auditStateOf } from '../host/audit.ts';
import { auditRulesFile, hasRules } from '../host/audit-rules.ts';
import type { HostFile, HostView } from '../host/host-view.ts';
import { forwardingEdits, forwardingNow } from '../host/ip-forwarding.ts';
import { type ModuleName, type ModuleState, moduleFiles, moduleStateOf } from '../host/kernel-modules.ts';
import { labelPortCommands, portsToLabelOf } from '../host/selinux.ts';
import { type SysctlConfiguration, sysctlConfigurationOf } from '../host/sysctl.ts';
import type { Action, Repair } from './repair.ts';

/** What the repairs follow from. */
export type RepairFacts = Readonly<{
  isRunning: boolean;
  forwarding: HostFile;
  sysctl: SysctlConfiguration;
  modules: Readonly<Record<ModuleName, ModuleState>>;
  audit: AuditState;
  portsToLabel: readonly number[];
}>;

export async function repairFactsOf(view: HostView, environment: NodeJS.ProcessEnv): Promise<RepairFacts> {
  const [forwarding, sysctl, ipTables, tun, audit, portsToLabel] = await Promise.all([
    view.read(forwardingNow),
    sysctlConfigurationOf(view),
    moduleStateOf(view, 'ip_tables'),
    moduleStateOf(view, 'tun'),
    auditStateOf(view),
    portsToLabelOf(view, environment),
  ]);
  return {
    isRunning: view.isRunning,
    forwarding,
    sysctl,
    modules: { ip_tables: ipTables, tun },
    audit,
    portsToLabel,
  };
}

/** The remedies of the prerequisites that a host still needs; none when all have been applied. */
export function planRepairs(facts: RepairFacts): Repair[] {
  const repairs: Repair[] = [
    {
      id: 'ip-forwarding',
      title: {
        en: 'Turn on IPv4 forwarding, now and after a restart',
        ja: 'IPv4 転送を現在と再起動後に有効にします',
      },
      actions: forwardingActions(facts),
    },
    ...(['ip_tables', 'tun'] as const).map((name) => ({
      id: `module-${name}`,
      title: {
        en: `Load the kernel module ${name}, now and after a restart`,
        ja: `カーネル モジュール ${name} を現在と再起動後に読み込みます`,
      },
      actions: moduleActions(name, facts),
    })),
    {
      id: 'audit-rules',
      title: { en: 'Audit the files of the product', ja: '本製品のファイルを監査します' },
      actions: auditActions(facts),
    },
    {
      id: 'selinux-port',
      title: { en: "Allow the proxy's port in SELinux", ja: 'SELinux でプロキシのポートを許可します' },
      actions: facts.isRunning
        ? facts.portsToLabel.map((port): Action => {
            const [command, otherwise] = labelPortCommands(port);
            return { kind: 'run', command, otherwise };
          })
        : [],
    },
  ];
  return repairs.filter(({ actions }) => actions.length > 0);
}

function forwardingActions({ isRunning, forwarding, sysctl }: RepairFacts): Action[] {
  const isOff = isRunning && forwarding.text !== undefined && forwarding.text.trim() !== '1';
  return [
    ...forwardingEdits(sysctl).map((edit): Action => ({ kind: 'write', ...edit })),
    ...(isOff ? [{ kind: 'run', command: ['sysctl', '-w', 'net.ipv4.ip_forward=1'] } as const] : []),
  ];
}

function moduleActions(name: ModuleName, { isRunning, modules }: RepairFacts): Action[] {
  const { isBuiltIn, isLoaded, loadedBy } = modules[name];
  if (isBuiltIn) return [];
  return [
    ...(isRunning && isLoaded !== true ? [{ kind: 'run', command: ['modprobe', name] } as const] : []),
    ...(loadedBy.length === 0
      ? [{ kind: 'write', path: moduleFiles[name], text: `${name}\n` } as const]
      : []),
  ];
}

/** Without auditd there is nobody to read the rules; the check names the package. */
function auditActions({ isRunning, audit }: RepairFacts): Action[] {
  const { isInstalled, rules, wantedRules } = audit;
  if (!isInstalled || rules.missing === 'denied' || hasRules(rules.text ?? '', wantedRules)) return [];
  return [
    { kind: 'write', path: auditRulesFile, text: wantedRules },
    ...(isRunning ? [{ kind: 'run', command: ['augenrules', '--load'] } as const] : []),
  ];
}
