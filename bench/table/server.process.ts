/** One server of the cloud under measurement: the parts of the product, and a policy that can be changed. */
import { Closing } from '../../server/closing.js';
import type { Choose } from '../../server/election/ring/state.js';
import { createLog } from '../../server/log.js';
import { startServing } from '../../server/serving.js';
import { parseEtcdLocation } from '../../server/store/location.js';
import { answering } from './answering.js';
import { policyNamed } from './policies.js';

const [id, data, host, location = ''] = process.argv.slice(2) as [string, string, string, string?];
const etcd = parseEtcdLocation(location);
const now = (): Date => new Date();
const named = (name: string): Choose => policyNamed(name, () => performance.now(), Math.random);

let policy = named('ring');
const closing = new Closing();
const serving = await startServing(
  {
    id,
    data,
    storePlace: { directory: data, etcd: etcd && { ...etcd, files: {} } },
    listen: { host, port: 0 },
    enrol: { host, port: 0 },
    advertise: host,
    now,
    log: createLog((line) => process.stderr.write(line), now, { server: id }),
    choose: (...about) => policy(...about),
  },
  closing,
);
const { address, enrolment } = serving;
await answering({
  ready: () => ({ id, address, enrolment }),
  policy: (name: string) => {
    policy = named(name);
  },
});
await serving.drain();
await closing.close((what, error) => process.stderr.write(`could not close ${what}: ${String(error)}\n`));
process.exit();
