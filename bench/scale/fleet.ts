/** Thousands of simulated devices with real agents, in a process of their own. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Fleet, type FleetStatus, startSimulatedDevices } from '../../src/simulate/fleet.ts';
import { deviceToken } from '../../src/southbound/tokens.ts';
import { answerQuestions } from './child.ts';

export type FleetQuestion =
  | { readonly do: 'start'; readonly server: string; readonly ca: string; readonly secret: string; readonly devices: readonly string[] }
  /** Connections break, and agents dial again. */
  | { readonly do: 'cut' }
  /** Agents die and come back: with journal and data plane, or as new devices. */
  | { readonly do: 'crash' | 'wipe' }
  | { readonly do: 'restart' }
  | { readonly do: 'status' };

let fleet: Fleet | undefined;

const running = (): Fleet => {
  if (fleet === undefined) throw new Error('the fleet is not started');
  return fleet;
};

export interface FleetAnswer extends FleetStatus {
  /** Milliseconds of this process on a processor so far. */
  readonly cpu: number;
}

answerQuestions<FleetQuestion, FleetAnswer>(async (question) => {
  switch (question.do) {
    case 'start': {
      const { server, ca, secret, devices } = question;
      const key = Buffer.from(secret, 'hex');
      fleet = await startSimulatedDevices({ server, ca, token: (device) => deviceToken(key, device), devices });
      while (fleet.connected < devices.length) await delay(10);
      break;
    }
    case 'cut':
      running().cut();
      break;
    case 'crash':
      running().crash();
      break;
    case 'wipe':
      running().fail('lost');
      break;
    case 'restart':
      await running().start();
      break;
    case 'status':
  }
  const { user, system } = process.cpuUsage();
  return { ...running().status(), cpu: (user + system) / 1000 };
});
