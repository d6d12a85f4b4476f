/** Asking clients as their people do, through the control socket, and writing down what came of it. */
import { existsSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import type {
  GivenLine,
  GrantLogLines,
  HeldLine,
  Received,
  RightsChanged,
  Shared,
} from '../client/engine.js';
import type { Outcome as Told } from '../client/web/control.js';
import { ControlLost, performThere } from '../client/web/control-client.js';
import { LogEntrySchema, LogEvent } from '../gen/glimpse/v1/discovery_pb.js';
import type { Action, Answer, Change, FinalLog, Operation, Outcome } from './rules/history.js';
import type { Client } from './town.js';

/** Longer than anything a client does before it gives up: what takes longer has hung. */
const hungMs = 120_000;

const refusals = ['VIEWS_SPENT', 'REVOKED', 'UNKNOWN_GRANT'] as const;

/** Nobody was there to be asked, so nothing was done. */
export class NobodyThere extends Error {
  override readonly name = 'NobodyThere';
}

export class Asking {
  readonly operations: Operation[] = [];
  readonly #now: () => number;
  readonly #mishap: (what: string) => void;
  #asked = 0;

  /** @param now since the run began, ms */
  constructor(now: () => number, mishap: (what: string) => void) {
    this.#now = now;
    this.#mishap = mishap;
  }

  /** What came of it; undefined: nobody was there to be asked. */
  async ask(client: Client, action: Action): Promise<Outcome | undefined> {
    const number = (this.#asked += 1);
    const beganMs = this.#now();
    const outcome = await this.#outcome(client, action);
    if (outcome)
      this.operations.push({
        ...{ number, client: client.name, action, beganMs, endedMs: this.#now(), outcome },
      });
    return outcome;
  }

  /** The log, as its owner proves it; undefined: it cannot be read now. */
  async log(client: Client, grant: string): Promise<FinalLog | undefined> {
    const told = await this.#perform(client, 'log', [grant], { verify: true });
    const log = told.result as GrantLogLines | undefined;
    return (
      log && {
        flaw: log.flaw?.message ?? null,
        events: log.entries.map((entry) => {
          const read = fromBinary(LogEntrySchema, Buffer.from(entry, 'base64'));
          const { event, version, remaining, viewId } = read;
          const view = Buffer.from(viewId).toString('hex');
          return { event: LogEvent[event].toLowerCase(), version, remaining, view };
        }),
      }
    );
  }

  /** Has thumbnails made and sent, so that photos can be asked for by their names. */
  async browse(client: Client, owner: string): Promise<void> {
    const { failure } = await this.#perform(client, 'gallery', [owner], {});
    if (failure) throw new Error(`${client.name} could not browse ${owner}: ${failure.message}`);
  }

  async #outcome(client: Client, action: Action): Promise<Outcome | undefined> {
    try {
      const [command, words, options] = typed(action);
      const { result, failure } = await this.#perform(client, command, words, options);
      const reason = refusals.find((each) => each === failure?.reason);
      if (reason) return { type: 'refused', reason };
      if (failure) return { type: 'maybe', why: `${failure.reason}: ${failure.message}` };
      return { type: 'ok', answer: await answerOf(client, action, result) };
    } catch (error) {
      if (error instanceof NobodyThere) return undefined;
      if (error instanceof ControlLost) return { type: 'maybe', why: `LOST: ${error.message}` };
      if ((error as Error).name !== 'TimeoutError') throw error;
      this.#mishap(`${client.name} has not answered for ${hungMs / 1000} s: ${JSON.stringify(action)}`);
      return { type: 'maybe', why: 'HUNG' };
    }
  }

  async #perform(
    { person: { home } }: Client,
    command: string,
    words: readonly string[],
    options: Readonly<Record<string, string | boolean>>,
  ): Promise<Told> {
    const asked = { arguments: words, options, folder: home, room: null };
    const signal = AbortSignal.timeout(hungMs);
    const told = await performThere(home, command, asked, () => undefined, signal);
    if (!told) throw new NobodyThere();
    return told;
  }
}

type Words = readonly [string, readonly string[], Readonly<Record<string, string | boolean>>];

function typed(action: Action): Words {
  switch (action.type) {
    case 'share':
      return ['share', [action.viewer, action.photo], { views: String(action.views) }];
    case 'request':
      return ['request', [action.owner, action.photo], {}];
    case 'view':
      return ['view', [action.grant], {}];
    case 'change':
      return ['rights', [action.viewer, action.grant], optionsOf(action.change)];
    case 'shared':
    case 'inbox':
      return [action.type, [], {}];
  }
}

function optionsOf({ views, add, revoke }: Change): Record<string, string | boolean> {
  if (revoke) return { revoke };
  return views === undefined ? { add: String(add) } : { views: String(views) };
}

async function answerOf(client: Client, action: Action, result: unknown): Promise<Answer> {
  switch (action.type) {
    case 'share': {
      const { grant, quota, delivery } = result as Shared;
      const begun = { grant, owner: client.name, viewer: action.viewer, photo: action.photo, quota };
      return { type: 'granted', begun, delivered: delivery === 'delivered' };
    }
    case 'request': {
      const { grant, quota } = result as Received;
      const begun = { grant, owner: action.owner, viewer: client.name, photo: action.photo, quota };
      return { type: 'granted', begun, delivered: true };
    }
    case 'view': {
      const { remaining, url } = result as { readonly remaining: number; readonly url: string };
      const digest = await client.reader.ask<string>('digest', url).catch(() => undefined);
      return { type: 'viewed', remaining, ...(digest !== undefined && { digest }) };
    }
    case 'change': {
      const { quota, revoked, version, delivered } = result as RightsChanged;
      return { type: 'changed', quota, revoked, version, pending: delivered === 'pending' };
    }
    case 'shared':
      return { type: 'given', grants: (result as GivenLine[]).map(givenState) };
    case 'inbox':
      return { type: 'held', grants: (result as HeldLine[]).map(heldState) };
  }
}

function givenState(line: GivenLine) {
  const { grant, used, quota, revoked, version, taken, pending, delivery } = line;
  return { grant, used, quota, revoked, version, taken, pending, delivered: delivery === 'delivered' };
}

function heldState({ grant, version, file }: HeldLine) {
  return { grant, version, isThere: existsSync(file) };
}
