/** Server -> no rows of its own, but what is suspicious about its MAC addresses. */
import { warning } from '../finding.ts';
import { path, specOf } from '../intent.ts';
import { serversByMac } from '../relations.ts';
import type { Translator } from '../view.ts';

export const serverTranslator: Translator = {
  name: 'server',
  kind: 'Server',
  translate: (object, view) => {
    const { name } = object.metadata;
    const findings = Object.entries(specOf('Server', object).ports).flatMap(([port, { mac }]) => {
      if (mac === undefined) return [];
      const others = view.list(serversByMac, mac).filter((other) => other !== name);
      if (others.length === 0) return [];
      const message = `MAC address "${mac}" is also that of Server "${others.join('", "')}"; in one subnet neither would work, correct it`;
      return [warning('DuplicateMAC', path('spec', 'ports', port, 'mac'), message)];
    });
    return { rows: [], findings };
  },
};
