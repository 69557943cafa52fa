/** What `GET …/fabrics/<name>/whatif` answers: what is lost when something fails. */

/** Name of the subresource. */
export const whatIfView = 'whatif';

export interface LostPairView {
  /** `<namespace>/<vpc>/<subnet>`, or the name of an External. */
  readonly from: string;
  readonly to: string;
  /** How many pairs of servers, and one of them. */
  readonly pairs: number;
  readonly example: string;
}

export interface LossView {
  /** What fails, such as `switch spine-1`. */
  readonly name: string;
  /** Servers out of reach of everybody, and servers left with one cable of several. */
  readonly cut: readonly string[];
  readonly single: readonly string[];
  /** Pairs that do not reach each other any more, and pairs with one cable or way left of several. */
  readonly lost: readonly LostPairView[];
  readonly degraded: readonly LostPairView[];
}

export interface WhatIfView {
  readonly apiVersion: string;
  readonly kind: 'WhatIf';
  readonly metadata: { readonly name: string };
  /** Failures that were tried; those without consequence are not listed. */
  readonly tried: number;
  readonly losses: readonly LossView[];
}
