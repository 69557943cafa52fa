/** Everything a control plane has stored, to a file and back. */
import type { Command } from 'commander';
import type { BackupOptions } from '../backup/backup.ts';
import type { Io } from '../io.ts';
import type { Finish } from '../program.ts';
import { addStoreOptions } from '../storeoption.ts';

export const addBackupVerbs = (program: Command, io: Io, finish: Finish): void => {
  addStoreOptions(program.command('backup'))
    .description('write everything that is stored to a file; the server may run meanwhile')
    .argument('<file>', 'file to be made, for its owner only')
    .option('--data <folder>', 'data folder of the server')
    .option('--with-keys', 'also the keys of the cluster: whoever has the file can then be its administrator')
    .action(async (file: string, options: BackupOptions) => {
      const { backup } = await import('../backup/backup.ts');
      finish(await backup(io, file, options));
    });

  addStoreOptions(program.command('restore'))
    .description('fill an empty store from a backup; resourceVersions go on above those of before')
    .argument('<file>', 'what "heddle backup" wrote')
    .option('--data <folder>', 'data folder of the server that is to be started on it')
    .action(async (file: string, options: BackupOptions) => {
      const { restore } = await import('../backup/backup.ts');
      finish(await restore(io, file, options));
    });
};
