import { z } from 'zod';
import { parseJson } from '../parse/engine-versions.ts';
import type { Protocol, Reach } from './reach.ts';

const chainSchema = z.looseObject({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  hook: z.string().optional(),
  policy: z.string().optional(),
});
const ruleSchema = z.looseObject({
  family: z.string(),
  table: z.string(),
  chain: z.string(),
  expr: z.array(z.record(z.string(), z.unknown())),
});
const rulesetSchema = z.object({
  nftables: z.array(z.looseObject({ chain: chainSchema.optional(), rule: ruleSchema.optional() })),
});
type Rule = z.infer<typeof ruleSchema>;

const matchSchema = z.object({
  left: z.object({
    payload: z.object({ protocol: z.string().optional(), field: z.string().optional() }).optional(),
    meta: z.object({ key: z.string() }).optional(),
    ct: z.object({ key: z.string() }).optional(),
  }),
  right: z.unknown(),
  op: z.string(),
});

type Fit = 'yes' | 'no' | 'perhaps';

/**
 * Whether packets from outside for a port pass the input rules of `nft --json list ruleset`. Only rules that speak of nothing but
 * ports are judged; what a rule with other conditions lets through is not known.
 */
export function nftablesReach(json: string, protocol: Protocol, port: number): Reach {
  const parsed = rulesetSchema.safeParse(parseJson(json));
  if (!parsed.success) return 'unknown';
  const chains = parsed.data.nftables.flatMap(({ chain }) => (chain === undefined ? [] : [chain]));
  const rules = parsed.data.nftables.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  const reaches = chains
    .filter(({ hook }) => hook === 'input')
    .filter(({ family }) => family === 'ip' || family === 'inet')
    .map((chain) => {
      const inTable = rules.filter(({ family, table }) => family === chain.family && table === chain.table);
      const outcome = walk(inTable, chain.name, protocol, port, new Set());
      return outcome ?? (chain.policy === 'drop' ? 'closed' : 'open');
    });
  // A packet has to pass every base chain.
  if (reaches.includes('closed')) return 'closed';
  return reaches.includes('unknown') ? 'unknown' : 'open';
}

/** What a chain does with the packet; undefined when the packet comes to its end. */
function walk(
  rules: readonly Rule[],
  chain: string,
  protocol: Protocol,
  port: number,
  entered: ReadonlySet<string>,
): Reach | undefined {
  let isUncertain = false;
  for (const { expr } of rules.filter((rule) => rule.chain === chain)) {
    const fit = fits(expr, protocol, port);
    if (fit === 'no') continue;
    const verdict = verdictOf(expr);
    let outcome: Reach | undefined = verdict?.reach;
    if (verdict?.target !== undefined && !entered.has(verdict.target)) {
      outcome = walk(rules, verdict.target, protocol, port, new Set([...entered, chain]));
    }
    if (outcome === undefined) continue;
    // Letting some strangers in opens the port for nobody else, so only a refusal in doubt leaves a doubt.
    if (fit === 'perhaps') isUncertain ||= outcome !== 'open';
    else return isUncertain ? 'unknown' : outcome;
  }
  return isUncertain ? 'unknown' : undefined;
}

function verdictOf(expressions: Rule['expr']): { reach?: Reach; target?: string } | undefined {
  for (const expression of expressions) {
    if ('accept' in expression) return { reach: 'open' };
    if ('drop' in expression || 'reject' in expression) return { reach: 'closed' };
    const jump = z.object({ target: z.string() }).safeParse(expression.jump ?? expression.goto);
    if (jump.success) return { target: jump.data.target };
    // A map to verdicts decides, but not in a way that is told here; one by connection state decides about known streams.
    const map = z.object({ key: z.unknown() }).safeParse(expression.vmap);
    if (map.success && !JSON.stringify(map.data.key).includes('"state"')) return { reach: 'unknown' };
  }
  return undefined;
}

/** Parts of a rule that are neither condition nor verdict. */
const indifferent = new Set(['counter', 'log', 'accept', 'drop', 'reject', 'jump', 'goto', 'return']);

/** Whether the conditions of a rule hold for the first packet of a stranger to the port. */
function fits(expressions: Rule['expr'], protocol: Protocol, port: number): Fit {
  const fit = expressions.flatMap((expression) =>
    Object.entries(expression)
      .filter(([kind]) => !indifferent.has(kind))
      .map(([kind, value]): Fit => (kind === 'match' ? matchFits(value, protocol, port) : 'perhaps')),
  );
  if (fit.includes('no')) return 'no';
  return fit.includes('perhaps') ? 'perhaps' : 'yes';
}

function matchFits(match: unknown, protocol: Protocol, port: number): Fit {
  const parsed = matchSchema.safeParse(match);
  if (!parsed.success || (parsed.data.op !== '==' && parsed.data.op !== 'in')) return 'perhaps';
  const { left, right } = parsed.data;
  if (left.ct?.key === 'state') return wordsOf(right).includes('new') ? 'yes' : 'no';
  if (left.meta?.key === 'iifname' || left.meta?.key === 'iif') return right === 'lo' ? 'no' : 'perhaps';
  if (left.meta?.key === 'l4proto') return wordsOf(right).includes(protocol) ? 'yes' : 'no';
  if (left.meta?.key === 'nfproto') return right === 'ipv4' ? 'yes' : 'no';
  const { payload } = left;
  if (payload === undefined) return 'perhaps';
  if (['icmp', 'icmpv6', 'ip6', 'sctp'].includes(payload.protocol ?? '')) return 'no';
  if (payload.field !== 'dport') {
    return ['tcp', 'udp'].includes(payload.protocol ?? '') && payload.protocol !== protocol
      ? 'no'
      : 'perhaps';
  }
  if (payload.protocol !== protocol && payload.protocol !== 'th') return 'no';
  const holds = holdsPort(right, port);
  return holds === undefined ? 'perhaps' : holds ? 'yes' : 'no';
}

function wordsOf(right: unknown): unknown[] {
  const set = z.object({ set: z.array(z.unknown()) }).safeParse(right);
  if (set.success) return set.data.set;
  return Array.isArray(right) ? right : [right];
}

/** A number, a range or a set of both; undefined for what is neither, such as a named set. */
function holdsPort(right: unknown, port: number): boolean | undefined {
  if (typeof right === 'number') return right === port;
  const range = z.object({ range: z.tuple([z.number(), z.number()]) }).safeParse(right);
  if (range.success) return range.data.range[0] <= port && port <= range.data.range[1];
  const set = z.object({ set: z.array(z.unknown()) }).safeParse(right);
  if (!set.success) return undefined;
  const held = set.data.set.map((element) => holdsPort(element, port));
  return held.includes(true) ? true : held.includes(undefined) ? undefined : false;
}
