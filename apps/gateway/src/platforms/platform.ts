import type { Platform } from '@culvert/contracts';

/** What a device says about itself (protocol.md §5.1). None of it is proved. */
export interface DeviceClaims {
  /** Text of `<device-id>`, such as `linux-64`. */
  deviceId: string | undefined;
  /** `X-AnyConnect-Identifier-Platform`, such as `apple-ios`. */
  platform: string | undefined;
  /** `X-AnyConnect-Identifier-DeviceType` or the attribute `device-type`, such as `iPhone14,2`. */
  deviceType: string | undefined;
  userAgent: string | undefined;
}

/** Most telling first: a Chromebook also says "android" or "linux", and an iPad also says "apple-ios". */
const rules: readonly [Platform, RegExp][] = [
  ['chromeOS', /chrome ?os|chromebook|\bcros\b/],
  ['iPadOS', /\bipad/],
  ['iOS', /apple-ios|\bios\b|iphone|ipod/],
  ['android', /android/],
  ['windows', /^win|windows|win32|win64/],
  ['macOS', /^mac|mac-intel|mac os|macos|darwin|os ?x\b/],
  ['linux', /linux/],
];

function match(text: string | undefined): Platform | undefined {
  if (text === undefined) return undefined;
  const lower = text.toLowerCase();
  return rules.find(([, pattern]) => pattern.test(lower))?.[0];
}

/** The platform of a device by its own words; `other` when it says nothing that is known. */
export function platformOf(claims: DeviceClaims): Platform {
  const stated = match(claims.platform) ?? match(claims.deviceId) ?? match(claims.userAgent) ?? 'other';
  const type = match(claims.deviceType);
  // Only the type of the hardware tells an iPad from an iPhone and a Chromebook from a phone.
  if (type === 'iPadOS' && (stated === 'iOS' || stated === 'other')) return 'iPadOS';
  if (type === 'chromeOS' && (stated === 'android' || stated === 'linux' || stated === 'other'))
    return 'chromeOS';
  return stated === 'other' ? (type ?? 'other') : stated;
}

/** How people call the platform. */
export const platformNames: Record<Platform, string> = {
  iOS: 'iOS',
  iPadOS: 'iPadOS',
  android: 'Android',
  windows: 'Windows',
  macOS: 'macOS',
  linux: 'Linux',
  chromeOS: 'ChromeOS',
  other: 'unknown',
};
