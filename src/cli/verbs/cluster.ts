/** Verbs for running on a Kubernetes cluster instead of on our own API server. */
import { Option, type Command } from 'commander';
import type { ControllerVerbOptions } from '../controller.ts';
import type { Io } from '../io.ts';
import type { ManifestsOptions } from '../manifests.ts';
import { packageVersion, type Finish } from '../program.ts';
import { kubeconfigOption } from './objects.ts';

const several = (value: string, before: readonly string[]): string[] => [...before, value];

const southboundName = (): Option =>
  new Option('--southbound-name <name>', 'name or address by which devices reach it, for its certificate (may be repeated)').argParser(several).default([], '');

export const addClusterVerbs = (program: Command, io: Io, finish: Finish): void => {
  program
    .command('controller')
    .description('run controller and goal-state service against a Kubernetes API that has our kinds ("heddle manifests")')
    .addOption(kubeconfigOption())
    .requiredOption('--data <folder>', "where it keeps its certificate authority and the secret of devices' tokens")
    .option('--southbound <host:port>', 'where agents dial in', '127.0.0.1:7443')
    .addOption(southboundName())
    .option('--advertise-southbound <host:port>', 'where other replicas send agents while this one leads; left out: agents find it by trying')
    .option('--health <host:port>', 'where /livez, /readyz and /metrics are served', '127.0.0.1:8080')
    .option('--views <host:port>', 'where "heddle explain --controller" and "heddle trace --controller" are answered, on this machine only', '127.0.0.1:8081')
    .option('--lease <namespace/name>', 'Lease by which replicas decide who leads', 'kube-system/heddle-controller')
    .option('--lease-seconds <n>', 'how long after the leader is gone another one leads', '15')
    .option('--secret <namespace/name>', 'Secret that replicas share authority and token secret by; left out: the folder alone has them')
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error']).default('info'))
    .action(async (options: ControllerVerbOptions) => {
      const { runController } = await import('../controller.ts');
      finish(await runController(io, options));
    });

  program
    .command('manifests')
    .description('print what a Kubernetes cluster needs to run Heddle: definitions, roles, a Deployment')
    .option('-n, --namespace <name>', 'namespace of the controller', 'heddle-system')
    .option('--image <image>', 'image that has heddle as its entry point', `heddle:${packageVersion()}`)
    .addOption(southboundName())
    .option('-o, --output <folder>', 'write one file a part into this folder')
    .action(async (options: ManifestsOptions) => {
      const { printManifests } = await import('../manifests.ts');
      finish(await printManifests(io, options));
    });
};
