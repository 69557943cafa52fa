/** A builder of its own, for the test that kills one at a random moment: `node testing-raise.ts NAME`. */
import { raise, smallWiring } from './testing.ts';

await raise(smallWiring(6), process.argv[2] ?? '');
