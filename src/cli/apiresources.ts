/** `heddle api-resources`: the kinds a server knows, with all their names. */
import { formatTable } from '../kit/table.ts';
import { apiVersionOf } from '../client/discovery.ts';
import type { ExitStatus, Io } from './io.ts';
import { withSession, type GlobalOptions } from './session.ts';

export const apiResources = (io: Io, options: GlobalOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    const types = (await session.types()).filter((type) => type.verbs.includes('list'));
    const rows = types.map((type) => [type.plural, type.shortNames.join(','), apiVersionOf(type), String(type.namespaced), type.kind]);
    io.out(formatTable(['name', 'shortnames', 'apiversion', 'namespaced', 'kind'], rows));
    return 0;
  });
