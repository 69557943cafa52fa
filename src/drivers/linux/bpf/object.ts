/** Where the compiled programs are (scripts/bundle.ts makes them): beside the bundle, or, of sources, where bundles are put. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const file = 'vlan.bpf.o';
const places = [join(import.meta.dirname, file), join(import.meta.dirname, '..', '..', '..', '..', 'dist', 'bundle', file)];

/** Undefined when they were not compiled, which takes clang; then this device cannot tag frames. */
export const vlanPrograms = (): string | undefined => places.find((path) => existsSync(path));
