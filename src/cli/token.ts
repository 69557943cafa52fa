/** `heddle token create`: what a device shows the server to be let in under its name. */
import { join } from 'node:path';
import { deviceToken, loadTokenSecret } from '../southbound/tokens.ts';

export interface TokenOptions {
  readonly device: string;
  /** The data folder of the server. */
  readonly data: string;
}

/** File in the data folder that holds the secret of all tokens. */
export const tokenSecretFile = (data: string): string => join(data, 'token-secret');

/** The same token whenever it is asked for; made with the server's secret, which is made when there is none. */
export const createToken = ({ device, data }: TokenOptions): string => deviceToken(loadTokenSecret(tokenSecretFile(data)), device);
