import type { InboundProbe } from '@culvert/contracts';
import type { CheckReport } from '../../checks/check.ts';
import { runChecks } from '../../checks/run-checks.ts';
import { Failure } from '../../program/failure.ts';
import { inboundSubjects, judgeInbound } from './judge-inbound.ts';
import { listenForProbe, type ProbeListener } from './listen-for-probe.ts';
import type { RequestProbe } from './request-probe.ts';
import { type RunningGateway, runningGatewayAt } from './running-gateway.ts';

/** The public address of this server, and where its gateway can be asked. */
export interface InboundQuestion extends Pick<InboundProbe, 'address' | 'port'> {
  adminSocket: string;
}

/** Has the control plane connect back, to the gateway where one runs or to a listener for this moment. Throws a Failure in words. */
export async function inboundReports(
  { address, port, adminSocket }: InboundQuestion,
  requestProbe: RequestProbe,
): Promise<CheckReport[]> {
  const target = await meetAt(port, adminSocket);
  try {
    const gateway = 'datagramsSoFar' in target ? target : undefined;
    const before = await gateway?.datagramsSoFar();
    const { certificateFingerprint, udpCookie } = target;
    const { value } = await requestProbe({ address, port, certificateFingerprint, udpCookie });
    const after = await gateway?.datagramsSoFar();
    const counted = before === undefined || after === undefined ? undefined : after - before;
    const counting = { isCounted: gateway !== undefined, counted };
    return await runChecks(
      (['tcp', 'udp'] as const).map((protocol) => ({
        ...inboundSubjects[protocol],
        run: async () => judgeInbound(protocol, port, value, counting),
      })),
    );
  } finally {
    await target.close();
  }
}

async function meetAt(port: number, adminSocket: string): Promise<ProbeListener | RunningGateway> {
  try {
    return await listenForProbe(port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') {
      throw new Failure({
        en: `Only root may listen at port ${port}: run this with sudo.`,
        ja: `ポート ${port} で待ち受けるには root 権限が必要です。sudo を付けて実行してください。`,
      });
    }
    if (code !== 'EADDRINUSE') throw error;
  }
  return runningGatewayAt(port, adminSocket).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure({
      en: `Port ${port} is taken by a program that is no gateway (${reason}). Stop it, or name another port with --port.`,
      ja: `ポート ${port} は、ゲートウェイ以外のプログラムが使用しています (${reason})。そのプログラムを停止するか、--port で別のポートを指定してください。`,
    });
  });
}
