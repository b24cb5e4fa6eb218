import { createHealthSource, type HealthSourceOptions } from './create-health-source.ts';
import { healthTable } from './report.ts';

/** `agent health`: measures everything once and prints it, as a table for people or as JSON for programs. */
export async function health(
  options: HealthSourceOptions,
  { json, print }: { json: boolean; print: (text: string) => void },
): Promise<void> {
  const source = createHealthSource(options);
  try {
    await source.measured();
    const reading = await source.sample();
    print(json ? JSON.stringify(reading, null, 2) : healthTable(reading));
  } finally {
    await source.close();
  }
}
