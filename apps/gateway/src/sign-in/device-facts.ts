import { canonicalAddress } from '../addresses/networks.ts';
import type { Device } from '../http/device.ts';
import { displayHeader, displayText } from '../http/display-text.ts';
import { platformOf } from '../platforms/platform.ts';
import type { DeviceFacts } from '../sessions/session.ts';
import { type Headers, single } from '../tunnel/connect-request.ts';
import type { DeviceId } from './request.ts';

/** Facts about the device from its headers, its `<device-id>` and its connection (protocol.md §5.1). */
export function deviceFacts(headers: Headers, deviceId: DeviceId, device: Device): DeviceFacts {
  const header = (name: string) => displayHeader(single(headers, name), 128);
  const deviceType = header('x-anyconnect-identifier-devicetype') ?? displayText(deviceId.deviceType, 128);
  const userAgent = header('user-agent');
  return {
    platform: platformOf({
      deviceId: displayText(deviceId.id, 128),
      platform: header('x-anyconnect-identifier-platform'),
      deviceType,
      userAgent,
    }),
    deviceType,
    deviceUniqueId: header('x-anyconnect-identifier-device-uniqueid') ?? displayText(deviceId.uniqueId, 128),
    userAgent,
    remoteAddress: canonicalAddress(device.address),
  };
}
