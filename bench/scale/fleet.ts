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

answerQuestions<FleetQuestion, FleetStatus>(async (question) => {
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
  return running().status();
});
