import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { oldVersion, SimulatedSite, target } from './roll-out-testing.ts';
import { isInProgress } from './server-progress.ts';

const kinds = (site: SimulatedSite) =>
  site.events.map((event) => ('server' in event ? `${event.kind} ${event.server.serverId}` : event.kind));

/** A site whose first server was told to switch. */
const begun = () => {
  const site = new SimulatedSite('a', 'b');
  site.checkIn('a');
  return site;
};

/** Check-ins of the first server, once a minute. */
const checkIns = (site: SimulatedSite, times: number) => {
  for (let time = 0; time < times; time += 1) {
    site.pass(60);
    site.checkIn('a');
  }
};

test('servers are upgraded one after the other, each after the one before has stayed healthy', () => {
  const site = new SimulatedSite('a', 'b', 'c');
  site.live(60);
  expect(kinds(site)).toEqual([
    'serverBegan a',
    'serverDone a',
    'serverBegan b',
    'serverDone b',
    'serverBegan c',
    'serverDone c',
    'completed',
  ]);
  expect([...site.servers.values()].map(({ version }) => version)).toEqual([target, target, target]);
});

test('a server that runs the version, or a newer one, has nothing to do', () => {
  const site = new SimulatedSite();
  site.join('a', target);
  site.join('b', '2.0.0');
  site.live(20);
  expect([site.states(), site.told, site.rollOut.state]).toEqual([{ a: 'done', b: 'done' }, [], 'completed']);
});

test('the next server waits until the one before was healthy for the whole time', () => {
  const site = begun();
  site.finishSwitch('a');
  checkIns(site, 1);
  site.server('a').unhealthy = ['cpuUsage'];
  checkIns(site, 3);
  site.server('a').unhealthy = [];
  checkIns(site, 1);
  expect(site.states()).toEqual({ a: 'verifying', b: 'waiting' });
  // Silence is no health.
  site.pass(120);
  site.look();
  expect(site.states()).toEqual({ a: 'verifying', b: 'waiting' });
  site.checkIn('a');
  expect(site.states()).toMatchObject({ a: 'done' });
});

test('what was unhealthy before the upgrade does not count against it', () => {
  const site = new SimulatedSite('a');
  site.server('a').unhealthy = ['diskFree'];
  site.live(20);
  expect(site.states()).toEqual({ a: 'done' });
});

describe('a roll-out fails, no further server is touched, and the server goes back', () => {
  const expectFailure = (site: SimulatedSite, reason: string) => {
    expect([site.rollOut.state, site.rollOut.reason]).toEqual(['failed', reason]);
    site.live(60);
    expect(site.states()).toEqual({ a: 'returned', b: 'waiting' });
    expect([...site.servers.values()].map(({ version }) => version)).toEqual([oldVersion, oldVersion]);
    expect(site.told.filter(({ serverId }) => serverId === 'b')).toEqual([]);
    expect(kinds(site)).toEqual(['serverBegan a', 'serverFailed a', ...kinds(site).slice(2)]);
  };

  test('when its monitor could not switch', () => {
    const site = begun();
    site.finishSwitch('a', false);
    site.checkIn('a');
    expect(kinds(site)).toEqual(['serverBegan a', 'serverFailed a', 'serverReturned a', 'failed']);
    expectFailure(site, 'gateway a: the gateway did not answer');
  });

  test('when it does not come up in time', () => {
    const site = begun();
    checkIns(site, 31);
    expectFailure(
      site,
      'gateway a: did not come up with 1.1.0 within 30 minutes: its monitor still switches',
    );
  });

  test('when it is not heard of again after it was told', () => {
    const site = begun();
    site.server('a').isOn = false;
    site.pass(29 * 60);
    site.look();
    expect(site.states()).toEqual({ a: 'upgrading', b: 'waiting' });
    site.pass(120);
    site.look();
    site.server('a').isOn = true;
    expectFailure(
      site,
      'gateway a: did not come up with 1.1.0 within 30 minutes: its monitor still switches',
    );
  });

  test('when a metric is unhealthy that was not before', () => {
    const site = begun();
    site.finishSwitch('a');
    site.server('a').unhealthy = ['latency'];
    checkIns(site, 13);
    expectFailure(
      site,
      'gateway a: came up with 1.1.0 and was not healthy within 11 minutes: unhealthy are latency',
    );
  });

  test('when it goes back by itself', () => {
    const site = begun();
    site.finishSwitch('a');
    checkIns(site, 1);
    site.server('a').version = oldVersion;
    checkIns(site, 1);
    expectFailure(site, 'gateway a: came up with 1.1.0 and went back to 1.0.0 by itself');
  });
});

test('a report of the monitor about an upgrade of before is not taken for one about this', () => {
  const site = begun();
  site.finishSwitch('a', false);
  site.checkIn('a');
  expect(site.rollOut.state).toBe('failed');
  const again = begunAgain(site);
  expect(again.states()).toEqual({ a: 'upgrading', b: 'waiting' });
  again.live(40);
  expect(again.rollOut.state).toBe('completed');
});

/** The same servers in another roll-out. */
function begunAgain(site: SimulatedSite): SimulatedSite {
  site.rollOut = { state: 'running', finishedAt: null, reason: null };
  site.progress = [];
  site.checkIn('a');
  return site;
}

describe('servers that are off', () => {
  test('are passed over, and have their turn after the others when they are back', () => {
    const site = new SimulatedSite('a', 'b', 'c');
    site.server('a').isOn = false;
    site.live(20);
    expect(site.states()).toEqual({ a: 'skipped', b: 'verifying', c: 'waiting' });
    site.server('a').isOn = true;
    site.live(60);
    expect(kinds(site).filter((kind) => kind.startsWith('serverDone'))).toEqual([
      'serverDone b',
      'serverDone c',
      'serverDone a',
    ]);
  });

  test('do not keep the roll-out open, and are upgraded whenever they come', () => {
    const site = new SimulatedSite('a', 'b');
    site.server('b').isOn = false;
    site.live(60);
    expect([site.rollOut.state, site.states()]).toEqual(['completed', { a: 'done', b: 'skipped' }]);
    site.server('b').isOn = true;
    site.live(30, 60);
    expect([site.rollOut.state, site.states()]).toEqual(['completed', { a: 'done', b: 'done' }]);
  });

  test('before they were told are passed over; those that were told are waited for', () => {
    const site = new SimulatedSite('a', 'b');
    site.look();
    site.server('a').isOn = false;
    site.pass(170);
    site.checkIn('b');
    site.pass(20);
    site.checkIn('b');
    expect(site.states()).toEqual({ a: 'skipped', b: 'upgrading' });
    site.server('b').isOn = false;
    site.pass(600);
    site.server('a').isOn = true;
    site.checkIn('a');
    expect(site.states()).toEqual({ a: 'skipped', b: 'upgrading' });
  });
});

test('a server that comes to the site later gets its version', () => {
  const site = new SimulatedSite('a');
  site.live(30);
  site.join('b');
  site.join('c', target);
  site.live(30);
  expect([site.rollOut.state, site.states()]).toEqual(['completed', { a: 'done', b: 'done', c: 'done' }]);
});

test('a server that comes later is left as it is when the release was taken away, or the roll-out has failed', () => {
  const site = new SimulatedSite('a');
  site.live(30);
  site.isReleased = false;
  site.join('b');
  site.live(30);
  expect(site.states()).toEqual({ a: 'done' });
  const failed = begun();
  failed.finishSwitch('a', false);
  failed.checkIn('a');
  failed.join('c');
  failed.live(60);
  expect(failed.told).toHaveLength(1);
});

test('a server that is done and is taken back on its host is left alone', () => {
  const site = new SimulatedSite('a');
  site.live(30);
  site.server('a').version = oldVersion;
  site.live(30);
  expect([site.states(), site.told]).toHaveLength(2);
  expect(site.told).toHaveLength(1);
});

test('a stopped roll-out ends what has begun and begins nothing', () => {
  const site = begun();
  site.rollOut = { ...site.rollOut, state: 'stopped' };
  site.live(60);
  expect([site.rollOut.state, site.states()]).toEqual(['stopped', { a: 'done', b: 'waiting' }]);
  site.rollOut = { ...site.rollOut, state: 'running' };
  site.live(60);
  expect(site.rollOut.state).toBe('completed');
});

const ids = ['a', 'b', 'c', 'd'];
const anEvent = fc.record({
  kind: fc.constantFrom(
    'checkIn',
    'checkIn',
    'look',
    'pass',
    'succeed',
    'succeed',
    'break',
    'power',
    'sicken',
    'join',
    'delete',
    'stop',
    'resume',
  ),
  id: fc.constantFrom(...ids),
  seconds: fc.constantFrom(1, 30, 61, 200, 700, 2_000),
});

describe('whatever happens, in any order', () => {
  /** Plays the events and calls `check` after each. */
  const play = (
    site: SimulatedSite,
    events: readonly { kind: string; id: string; seconds: number }[],
    check: (before: SimulatedSite['rollOut'], eventsBefore: number) => void,
  ) => {
    for (const { kind, id, seconds } of events) {
      const before = site.rollOut;
      const eventsBefore = site.events.length;
      const server = site.servers.get(id);
      if (kind === 'look') site.look();
      if (kind === 'pass') site.pass(seconds);
      if (kind === 'join' && server === undefined) site.join(id);
      if (kind === 'stop' && before.state === 'running') site.rollOut = { ...before, state: 'stopped' };
      if (kind === 'resume' && before.state === 'stopped') site.rollOut = { ...before, state: 'running' };
      if (server !== undefined) {
        if (kind === 'checkIn') site.checkIn(id);
        if (kind === 'succeed') site.finishSwitch(id);
        if (kind === 'break') site.finishSwitch(id, false);
        if (kind === 'power') server.isOn = !server.isOn;
        if (kind === 'sicken') server.unhealthy = server.unhealthy.length === 0 ? ['latency'] : [];
        if (kind === 'delete') site.delete(id);
      }
      check(before, eventsBefore);
    }
  };
  const property = (
    check: (site: SimulatedSite) => (before: SimulatedSite['rollOut'], count: number) => void,
  ) =>
    fc.assert(
      fc.property(fc.array(anEvent, { minLength: 20, maxLength: 120 }), (events) => {
        const site = new SimulatedSite('a', 'b', 'c');
        play(site, events, check(site));
      }),
      { numRuns: 400 },
    );

  test('at most one server is at its upgrade', () => {
    property((site) => () => {
      expect(site.progress.filter(isInProgress).length).toBeLessThanOrEqual(1);
    });
  });

  test('after a failure nothing begins any more', () => {
    property((site) => (before, count) => {
      if (before.state !== 'failed') return;
      expect(site.rollOut.state).toBe('failed');
      expect(site.events.slice(count).map(({ kind }) => kind)).not.toContain('serverBegan');
    });
  });

  test('no server is told an older version, but for the way back', () => {
    property((site) => () => {
      const last = site.told.at(-1);
      if (last === undefined || last.to === target) return;
      expect(last).toEqual({ serverId: last.serverId, from: target, to: oldVersion });
      expect(site.events.map((event) => 'server' in event && event.kind === 'serverFailed')).toContain(true);
    });
  });

  test('a second look changes nothing', () => {
    property((site) => () => {
      site.look();
      const [rollOut, progress, count] = [site.rollOut, site.progress, site.events.length];
      site.look();
      expect([site.rollOut, site.progress, site.events.length]).toEqual([rollOut, progress, count]);
    });
  });

  test('a roll-out ends once its servers do what they are told', () => {
    fc.assert(
      fc.property(fc.array(anEvent, { maxLength: 60 }), (events) => {
        const site = new SimulatedSite('a', 'b', 'c');
        play(site, events, () => {});
        if (site.rollOut.state === 'stopped') site.rollOut = { ...site.rollOut, state: 'running' };
        for (const server of site.servers.values()) Object.assign(server, { isOn: true, unhealthy: [] });
        site.live(100, 30);
        site.look();
        expect(['completed', 'failed']).toContain(site.rollOut.state);
        if (site.rollOut.state === 'failed') return;
        expect(site.progress.filter(({ state }) => state !== 'done')).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
