/** Files that are either wholly there or not at all, also after a power cut. */
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes through a temporary file in the same directory, synced before it takes the name; the directory is made 0700. */
export const writeDurably = async (path: string, content: string | Uint8Array, mode: number): Promise<void> => {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = `${path}.new`;
  await syncing(temporary, 'w', mode, (file) => file.writeFile(content));
  await rename(temporary, path);
  await syncing(directory, 'r', undefined, async () => undefined);
};

type File = Awaited<ReturnType<typeof open>>;

const syncing = async (path: string, flags: string, mode: number | undefined, body: (file: File) => Promise<void>): Promise<void> => {
  const file = await open(path, flags, mode);
  try {
    // An earlier attempt that died may have left the file with another mode.
    if (mode !== undefined) await file.chmod(mode);
    await body(file);
    await file.sync();
  } finally {
    await file.close();
  }
};
