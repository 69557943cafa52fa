/** `heddle version`: ours, and the server's when one can be reached. */
import { objectOr } from '../kit/json.ts';
import { HeddleError } from '../kit/error.ts';
import type { ExitStatus, Io } from './io.ts';
import { packageVersion } from './program.ts';
import { withSession, type GlobalOptions } from './session.ts';

export const version = async (io: Io, options: GlobalOptions): Promise<ExitStatus> => {
  io.out(`heddle ${packageVersion()} (Node ${process.versions.node})\n`);
  try {
    return await withSession<ExitStatus>(io, options, async ({ client }) => {
      const { gitVersion } = objectOr((await client.call({ path: '/version' })).body);
      io.out(`server ${String(gitVersion)} at ${client.access.server}\n`);
      return 0;
    });
  } catch (thrown) {
    io.out(`server unknown: ${HeddleError.from(thrown).message}\n`);
    return 0;
  }
};
