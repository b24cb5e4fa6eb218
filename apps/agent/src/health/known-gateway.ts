import { X509Certificate } from 'node:crypto';
import {
  frontMeasurementSchema,
  type LatencyMeasurement,
  latencyMeasurementSchema,
  type TrafficMeasurement,
  trafficMeasurementSchema,
} from '@culvert/contracts';
import type { z } from 'zod';
import { askGateway, GatewayAway } from './ask-gateway.ts';
import { type GatewayStatus, gatewayStatusSchema } from './gateway-status.ts';
import { seconds } from './probe.ts';

/** What a device meets at the front of the gateway. */
export interface Served {
  /** As sent, leaf first. */
  chain: X509Certificate[];
  /** Status of the answer to `GET /`. */
  status: number;
}

const statusPatience = 5 * seconds;
/** A measurement goes to the front or through the engine; the gateway ends it before. */
const measurementPatience = 7 * seconds;

/** The gateway of this host, which may be in another container. Every method rejects with a sentence when it cannot tell. */
export class KnownGateway {
  readonly #socketPath: string;
  #lastServed: Served | undefined;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  status(): Promise<GatewayStatus> {
    return this.#ask('/status', gatewayStatusSchema, statusPatience);
  }

  /**
   * What its front serves. Without a gateway that is what it served last: the engine serves on, and only a gateway gives it
   * another certificate.
   */
  async served(): Promise<Served> {
    try {
      const path = '/measurements/front';
      const { chain, status } = await this.#ask(path, frontMeasurementSchema, measurementPatience);
      this.#lastServed = {
        status,
        chain: chain.map((der) => new X509Certificate(Buffer.from(der, 'base64'))),
      };
    } catch (error) {
      if (!(error instanceof GatewayAway) || this.#lastServed === undefined) throw error;
    }
    return this.#lastServed;
  }

  latency(): Promise<LatencyMeasurement> {
    return this.#ask('/measurements/latency', latencyMeasurementSchema, measurementPatience);
  }

  traffic(): Promise<TrafficMeasurement> {
    return this.#ask('/measurements/traffic', trafficMeasurementSchema, measurementPatience);
  }

  #ask<Output>(path: string, schema: z.ZodType<Output>, patience: number): Promise<Output> {
    return askGateway(this.#socketPath, path, schema, patience);
  }
}
