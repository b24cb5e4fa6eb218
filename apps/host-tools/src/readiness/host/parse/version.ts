/**
 * Orders dotted versions by their numbers: `9.10` is after `9.9`, `4.9.4-rhel` equals `4.9.4`, and a missing part counts as 0.
 * Negative when `left` is earlier, 0 when equal, positive when later.
 */
export function compareVersions(left: string, right: string): number {
  const [leftParts, rightParts] = [numbersOf(left), numbersOf(right)];
  for (let index = 0; index < Math.max(leftParts.length, rightParts.length); index += 1) {
    const difference = (leftParts[index] ?? 0) - (rightParts[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version: string): number[] {
  const digits = /^\d+(?:\.\d+)*/.exec(version.trim())?.[0] ?? '';
  return digits.split('.').map(Number);
}
