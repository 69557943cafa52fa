/**
 * What lasts, a watch, goes on only while whoever began it may still do it: it ends with the token or certificate that it came
 * with, with the ServiceAccount behind it, and with the role that allowed it.
 */
import type { IncomingMessage } from 'node:http';
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Attributes, Authorize } from './attributes.ts';
import type { Authenticator } from './authentication.ts';
import type { Follower } from './follow.ts';
import { impersonated } from './impersonation.ts';
import type { User } from './user.ts';

export interface Visit {
  readonly request: IncomingMessage;
  /** Who has shown who it is, whomever it acts as. */
  readonly asker: User;
  /** What it was let in to. */
  readonly attributes: Attributes;
  /** Is called at most once. */
  end(): void;
}

export interface Guard {
  /** Looks after a visit until the answer is called. */
  admit(visit: Visit): () => void;
  /** Of ServiceAccounts. */
  readonly accounts: Follower;
  /** Roles or bindings have changed. */
  rolesChanged(): void;
}

export interface GuardOptions {
  readonly authenticator: Authenticator;
  readonly authorize: Authorize;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Between two looks at credentials that nothing else tells of, such as keys of a provider. */
  readonly lookMilliseconds?: number;
}

export const createGuard = ({ authenticator, authorize, now = Date.now, lookMilliseconds = 60_000 }: GuardOptions): Guard => {
  const open = new Set<Watched>();
  const endOf = (watched: Watched): void => {
    forget(watched);
    watched.visit.end();
  };
  const forget = (watched: Watched): void => {
    clearTimeout(watched.timer);
    open.delete(watched);
  };
  const arm = (watched: Watched): void => {
    const { until = Number.POSITIVE_INFINITY } = watched.visit.asker;
    clearTimeout(watched.timer);
    watched.timer = setTimeout(() => void lookAgain(watched), Math.min(lookMilliseconds, Math.max(0, until - now())));
    watched.timer.unref();
  };
  const lookAgain = async (watched: Watched): Promise<void> => {
    if (!open.has(watched)) return;
    if (!(await isKnown(authenticator, watched.visit))) endOf(watched);
    else if (open.has(watched)) arm(watched);
  };
  return {
    admit(visit) {
      const watched: Watched = { visit, timer: undefined };
      open.add(watched);
      arm(watched);
      return () => forget(watched);
    },
    accounts: {
      // What was missed is not known.
      reset: () => open.forEach((watched) => void lookAgain(watched)),
      put: (account) => {
        if (account.metadata.deletionTimestamp !== undefined) endAll(open, account, endOf);
      },
      remove: (account) => endAll(open, account, endOf),
    },
    rolesChanged: () => open.forEach((watched) => void (mayStill(authorize, watched.visit) || endOf(watched))),
  };
};

interface Watched {
  readonly visit: Visit;
  timer: NodeJS.Timeout | undefined;
}

const endAll = (open: ReadonlySet<Watched>, { metadata: { uid } }: Resource, end: (watched: Watched) => void): void => {
  for (const watched of open) if (watched.visit.asker.uid === uid) end(watched);
};

/** Whether what it came with is still good; what cannot be found out is as it was. */
const isKnown = async (authenticator: Authenticator, { request, asker }: Visit): Promise<boolean> => {
  try {
    const { name, uid } = await authenticator.userOf(request);
    return name === asker.name && uid === asker.uid;
  } catch (thrown) {
    return HeddleError.from(thrown).code !== 'Unauthorized';
  }
};

const mayStill = (authorize: Authorize, { request, asker, attributes }: Visit): boolean => {
  try {
    const user = impersonated(request, asker, attributes.path, authorize) ?? asker;
    return authorize({ ...attributes, user }).allowed;
  } catch {
    return false;
  }
};
