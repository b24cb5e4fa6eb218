import type { HostView } from './host-view.ts';

/** A service of systemd. `isActive` is undefined where systemd does not run. */
export type ServiceState = Readonly<{ isEnabled: boolean; isActive: boolean | undefined }>;

const wantedBy = ['multi-user.target.wants', 'sysinit.target.wants', 'basic.target.wants'];

/** Whether a service starts at boot, from the links that systemd goes by, and whether it runs. */
export async function serviceStateOf(view: HostView, service: string): Promise<ServiceState> {
  const unit = `${service}.service`;
  const [links, active] = await Promise.all([
    Promise.all(wantedBy.map((target) => view.link(`/etc/systemd/system/${target}/${unit}`))),
    view.run('systemctl', 'is-active', unit),
  ]);
  return {
    isEnabled: links.some((link) => link !== undefined),
    isActive: active === undefined ? undefined : active.stdout.trim() === 'active',
  };
}
