import type { FrontMeasurement, LatencyMeasurement, TrafficMeasurement } from '@culvert/contracts';
import { type FrontPlace, visitFront } from './front.ts';
import { measureLatency } from './latency.ts';
import { readTraffic } from './traffic.ts';

/** What a measurement has to know of the gateway, as it is at that moment. */
export interface MeasuredGateway {
  front(): FrontPlace;
  isEngineConnected(): boolean;
  /** An address of the pool that no device has; undefined when all are taken. */
  freeAddress(): string | undefined;
}

/** Less than the agent waits, so that it hears why. */
const patienceMilliseconds = 6000;

/** Measures what only a process in the network of the gateway can see. Every method rejects with a sentence when it cannot. */
export class Measurements {
  readonly #gateway: MeasuredGateway;

  constructor(gateway: MeasuredGateway) {
    this.#gateway = gateway;
  }

  front(): Promise<FrontMeasurement> {
    return visitFront(this.#gateway.front(), AbortSignal.timeout(patienceMilliseconds));
  }

  async latency(): Promise<LatencyMeasurement> {
    if (!this.#gateway.isEngineConnected()) throw new Error('the gateway has no engine, so no packet passes');
    const freeAddress = this.#gateway.freeAddress();
    if (freeAddress === undefined)
      throw new Error('every address of the pool has a device, so none is left to measure with');
    return measureLatency(freeAddress, AbortSignal.timeout(patienceMilliseconds));
  }

  traffic(): Promise<TrafficMeasurement> {
    return readTraffic(this.#gateway.front().listenAddresses);
  }
}
