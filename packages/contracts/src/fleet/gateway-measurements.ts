import { z } from 'zod';

/**
 * What only a process in the network of the gateway can see: it measures, and the agent, which may be in another container,
 * asks at `admin.sock`. What cannot be measured is answered with an error in words.
 */

/** `GET /measurements/front`: what a device meets that comes here. */
export const frontMeasurementSchema = z.object({
  /** The certificates as they are served, leaf first; DER in base64. */
  chain: z.array(z.base64()),
  /** Status of the answer to `GET /`. */
  status: z.int(),
});
export type FrontMeasurement = z.output<typeof frontMeasurementSchema>;

/** `GET /measurements/latency`: how long a packet takes into the engine and out again. */
export const latencyMeasurementSchema = z.object({ milliseconds: z.number().nonnegative() });
export type LatencyMeasurement = z.output<typeof latencyMeasurementSchema>;

/** `GET /measurements/traffic`: counters of the interfaces of the public side. */
export const trafficMeasurementSchema = z.object({
  interfaces: z.array(
    z.object({
      name: z.string(),
      /** Another one when an interface of the same name was made again. */
      index: z.int(),
      /** Bytes since it was made. */
      received: z.number().nonnegative(),
      sent: z.number().nonnegative(),
    }),
  ),
});
export type TrafficMeasurement = z.output<typeof trafficMeasurementSchema>;
