import { expect, test } from 'vitest';
import { type DeviceClaims, platformOf } from './platform.ts';

const claims = (given: Partial<DeviceClaims>): DeviceClaims => ({
  deviceId: undefined,
  platform: undefined,
  deviceType: undefined,
  userAgent: undefined,
  ...given,
});

test.each([
  [{ deviceId: 'linux-64' }, 'linux'],
  [{ deviceId: 'win' }, 'windows'],
  [{ deviceId: 'mac-intel' }, 'macOS'],
  [{ deviceId: 'android', deviceType: 'Pixel 8' }, 'android'],
  [{ platform: 'apple-ios', deviceType: 'iPhone14,2' }, 'iOS'],
  [{ platform: 'apple-ios', deviceType: 'iPad13,1' }, 'iPadOS'],
  [{ deviceId: 'apple-ios', deviceType: 'iPad13,1' }, 'iPadOS'],
  [{ userAgent: 'Cisco AnyConnect VPN Agent for Apple iPhone 5.0' }, 'iOS'],
  [{ userAgent: 'AnyConnect Windows 4.10.07061' }, 'windows'],
  [{ userAgent: 'AnyConnect Darwin_i386 4.10' }, 'macOS'],
  [{ userAgent: 'AnyConnect Linux_64 4.10' }, 'linux'],
  [{ platform: 'android', deviceType: 'Google Chromebook Pixel' }, 'chromeOS'],
  [{ userAgent: 'AnyConnect-compatible OpenConnect VPN Agent v9.21' }, 'other'],
  [{}, 'other'],
] as const)('%j is %s', (given, platform) => {
  expect(platformOf(claims(given))).toBe(platform);
});
