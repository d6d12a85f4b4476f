/** Every command of glimpse, in the order of its help. */
import { allow } from './allow.js';
import { approve } from './approve.js';
import { cloud } from './cloud.js';
import type { Command } from './command.js';
import { forget } from './forget.js';
import { gallery } from './gallery.js';
import { inbox } from './inbox.js';
import { join } from './join.js';
import { leave } from './leave.js';
import { log } from './log.js';
import { passphrase } from './passphrase.js';
import { peers } from './peers.js';
import { prepay } from './prepay.js';
import { rebuild } from './rebuild.js';
import { refuse } from './refuse.js';
import { request } from './request.js';
import { requests } from './requests.js';
import { rights } from './rights.js';
import { share } from './share.js';
import { shared } from './shared.js';
import { status } from './status.js';
import { up } from './up.js';
import { verify } from './verify.js';
import { view } from './view.js';

export const commands: readonly Command[] = [
  join,
  up,
  status,
  peers,
  allow,
  requests,
  approve,
  refuse,
  gallery,
  request,
  share,
  inbox,
  view,
  prepay,
  rights,
  shared,
  log,
  cloud,
  verify,
  forget,
  passphrase,
  rebuild,
  leave,
];
