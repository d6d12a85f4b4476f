/** The cloud as people run it: real processes, killed, stopped and started again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fromBinary } from '@bufbuild/protobuf';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { awaited } from '../../../demo/processes.js';
import { decodeJoinCode } from '../../../core/identity/join-code.js';
import { Refused, Unreachable } from '../../../core/rpc/errors.js';
import { MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { MemberRecordSchema } from '../../../gen/glimpse/v1/records_pb.js';
import { DISCOVERY_LIMITS } from '../../../server/discovery/limits.js';
import { openSqliteStore } from '../../../server/store/sqlite.js';
import type { Row, Store } from '../../../server/store/store.js';
import { rowBecomes, temporaryFolder } from '../discovery/fixture.js';
import { Attendance, connect, join } from '../joining.js';
import type { Connection, Joined } from '../joining.js';
import type { AttendingInput } from './attending.process.js';
import { start, startCloud } from './running.js';

const isGone = (row: Row | undefined): boolean => row === undefined;
const hasLeft = (row: Row | undefined): boolean =>
  row !== undefined && fromBinary(MemberRecordSchema, row.value).member?.state === MemberState.LEFT;

async function openStore(t: ExecutionContext, data: string): Promise<Store> {
  const store = await openSqliteStore({ directory: data });
  t.teardown(() => store.close());
  return store;
}

function reach(t: ExecutionContext, client: Joined, address: string): Connection {
  const connection = connect(client.identity, address);
  t.teardown(() => connection.close());
  return connection;
}

async function refusal(t: ExecutionContext, call: Promise<unknown>): Promise<Reason> {
  const { reason } = await t.throwsAsync(call, { instanceOf: Refused });
  return reason;
}

test.serial('a cloud outlives its servers, and everything outlives the cloud', async (t) => {
  const data = await temporaryFolder(t);
  const { cloud, ready } = await startCloud(t, data);
  const store = await openStore(t, data);
  t.deepEqual(
    ready.servers.map(({ id }) => id),
    ['s1', 's2', 's3'],
  );
  const [s1, s2] = ready.servers;
  const alice = await join(ready.joinCode, 'alice');
  const bob = await join(ready.joinCode, 'bob');
  const attending = await Attendance.begin(reach(t, alice, s1!.address).discovery);
  const staying = await Attendance.begin(reach(t, bob, s2!.address).discovery);
  const observer = reach(t, bob, s2!.address).discovery;
  t.true((await observer.lookUp({ name: 'alice' })).entry?.online);

  process.kill(s1!.pid, 'SIGKILL');
  t.is((await cloud.line(({ event }) => event === 'died'))['id'], 's1');
  await t.throwsAsync(attending.next(), { instanceOf: Unreachable });
  await rowBecomes(store, 'session/alice', isGone);
  t.false((await observer.lookUp({ name: 'alice' })).entry?.online);
  t.is((await cloud.line(({ event }) => event === 'started'))['id'], 's1');
  const again = await Attendance.begin(reach(t, alice, s1!.address).discovery);
  t.is(again.attended.server, 's1');
  t.true((await observer.lookUp({ name: 'alice' })).entry?.online);

  const stopped = cloud.stop();
  t.is((await staying.next())?.case, 'goodbye');
  t.is(await stopped, 0);
  t.deepEqual(await store.list({ prefix: 'session/' }), []);
  t.true((await store.list({ prefix: 'member/' })).every(hasLeft));

  const restarted = await startCloud(t, data);
  const [before, after] = [ready.joinCode, restarted.ready.joinCode].map(decodeJoinCode);
  t.deepEqual(after!.secret, before!.secret);
  const { discovery } = reach(t, alice, restarted.ready.servers[2]!.address);
  t.deepEqual(
    (await discovery.list({})).entries.map(({ name }) => name),
    ['alice', 'bob'],
  );
  t.is(await restarted.cloud.stop(), 0);
  await noSecretLeaked(t, data, restarted.ready.joinCode, alice);
});

/** Nothing secret is in a log, and nobody else may read the folder. */
async function noSecretLeaked(
  t: ExecutionContext,
  data: string,
  code: string,
  client: Joined,
): Promise<void> {
  const names = await readdir(path.join(data, 'logs'));
  t.deepEqual(names.sort(), ['s1.log', 's1.log.1', 's2.log', 's2.log.1', 's3.log', 's3.log.1']);
  const logs = (await Promise.all(names.map((name) => readFile(path.join(data, 'logs', name), 'utf8')))).join(
    '',
  );
  t.true(logs.includes('"event":"ready"'));
  const secrets = (await readFile(path.join(data, 'cluster', 'secrets'), 'utf8')).match(/[0-9a-f]{64}/g)!;
  const hidden = [
    ...secrets,
    ...secrets.map((secret) => Buffer.from(secret, 'hex').toString('base64')),
    code,
    Buffer.from(decodeJoinCode(code).secret).toString('hex'),
    Buffer.from(decodeJoinCode(code).secret).toString('base64'),
    client.recovery,
    'PRIVATE KEY',
  ];
  for (const secret of hidden) t.false(logs.includes(secret));
  for (const name of [
    'join-code',
    'store.sqlite',
    'cluster',
    'logs',
    'cluster/secrets',
    'cluster/ca.key',
    'logs/s1.log',
  ])
    t.is((await stat(path.join(data, name))).mode & 0o077, 0, name);
  t.is((await readFile(path.join(data, 'join-code'), 'utf8')).trim(), code);
}

test.serial('in a drill servers are away in turn, and each comes back', async (t) => {
  const { cloud, ready } = await startCloud(t, await temporaryFolder(t), '--servers', '2', '--drill', '1s');
  const happens = (what: string) => cloud.line(({ event }) => event === what);
  t.like(await happens('away'), { id: 's1', forMs: 1000 });
  const back = await happens('started');
  t.is(back['id'], 's1');
  t.not(back['pid'], ready.servers[0]!.pid);
  t.like(await happens('away'), { id: 's2' });
  t.is((await happens('started'))['id'], 's2');
  t.is(await cloud.stop(), 0);
});

test.serial('a killed cloud leaves no servers behind', async (t) => {
  const data = await temporaryFolder(t);
  const { cloud } = await startCloud(t, data, '--servers', '2');
  const store = await openStore(t, data);
  cloud.child.kill('SIGKILL');
  await cloud.ended;
  await rowBecomes(store, 'member/s1', hasLeft);
  await rowBecomes(store, 'member/s2', hasLeft);
  const { cloud: next, ready } = await startCloud(t, data, '--servers', '1', '--advertise', 'localhost');
  t.deepEqual(
    (await store.list({ prefix: 'member/' })).map(({ key }) => key),
    ['member/s1'],
    'a smaller cloud strikes the others out',
  );
  t.true(decodeJoinCode(ready.joinCode).addresses.every((address) => address.startsWith('localhost:')));
  const alice = await join(ready.joinCode, 'alice');
  t.true(alice.servers.every((address) => address.startsWith('localhost:')));
  t.is((await reach(t, alice, alice.servers[0]!).discovery.list({})).entries.length, 1);
  for (const _ of ['the terminal', 'npm']) next.child.kill('SIGINT');
  t.is(await next.ended, 0);
  t.true(hasLeft(await store.get('member/s1')));
});

test.serial('one folder has one cloud, and one server of a name', async (t) => {
  const data = await temporaryFolder(t);
  const { cloud } = await startCloud(t, data, '--servers', '1');
  const second = start(t, 'cloud', '--json', '--port', '0', '--data', data);
  t.is(await second.ended, 1);
  t.regex(await second.errors, /A cloud runs on .* already: stop it, or choose another folder with --data/);
  const twin = start(t, 'run', '--id', 's1', '--data', data);
  t.is(await twin.ended, 1);
  t.regex(await twin.errors, /A server s1 runs on .* already/);
  const sibling = start(t, 'run', '--json', '--id', 's2', '--data', data);
  t.is((await sibling.line())['id'], 's2');
  t.is(await sibling.stop(), 0);
  t.is(await cloud.stop(), 0);
});

test.serial('a port in use ends the cloud with what to do', async (t) => {
  const data = await temporaryFolder(t);
  const squatter = createServer();
  squatter.listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  t.teardown(() => squatter.close());
  const { port } = squatter.address() as AddressInfo;
  const server = start(t, 'run', '--id', 's1', '--data', data, '--listen', `127.0.0.1:${port}`);
  t.is(await server.ended, 1);
  t.regex(await server.errors, new RegExp(`127.0.0.1:${port} is in use: stop the program`));
  const cloud = start(t, 'cloud', '--data', data, '--port', String(port), '--servers', '1');
  t.is(await cloud.ended, 1);
  t.regex(await cloud.errors, new RegExp(`^glimpse-server: 127.0.0.1:${port} is in use: stop the program`));
});

test.serial('an invitation admits as many as it says, whom it says', async (t) => {
  const data = await temporaryFolder(t);
  const { cloud, ready } = await startCloud(t, data, '--servers', '1');
  const invite = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
    const command = start(t, 'invite', '--json', '--data', data, ...args);
    const line = await command.line();
    t.is(await command.ended, 0);
    return line;
  };
  const once_ = await invite();
  t.is(once_['uses'], 1);
  const carol = await join(once_['joinCode'] as string, 'carol');
  t.is(await refusal(t, join(once_['joinCode'] as string, 'dave')), Reason.JOIN_CODE_USED_UP);
  const again = await join(once_['joinCode'] as string, 'carol', { keys: carol.keys });
  t.deepEqual(again.fingerprint, carol.fingerprint);
  const named = await invite('--name', 'erin', '--uses', '2', '--expires', '7d');
  t.is(named['name'], 'erin');
  t.is(await refusal(t, join(named['joinCode'] as string, 'mallory')), Reason.BAD_JOIN_CODE);
  t.is((await join(named['joinCode'] as string, 'erin')).name, 'erin');
  t.is(await refusal(t, join(named['joinCode'] as string, 'erin')), Reason.NAME_TAKEN);
  t.is(await refusal(t, join(ready.joinCode, 'carol')), Reason.NAME_TAKEN);
  t.is(await cloud.stop(), 0);
  const late = start(t, 'invite', '--data', data);
  t.is(await late.ended, 5);
  t.regex(await late.errors, /No server of the cloud in .* runs: start it with npm start/);
});

test.serial('exit codes say what kind of trouble it is', async (t) => {
  const data = await temporaryFolder(t);
  const usage = start(t, 'invite', '--uses', 'none', '--data', data);
  t.is(await usage.ended, 2);
  t.regex(await usage.errors, /It must be a whole number/);
  const nowhere = start(t, 'invite', '--data', data);
  t.is(await nowhere.ended, 5);
  t.regex(await nowhere.errors, /There is no cloud in .*: start it with npm start/);
  const help = start(t, '--help');
  t.is(await help.ended, 0);
});

/** Settles when none of these processes is left. */
async function gone(pids: readonly number[]): Promise<boolean> {
  const isLeft = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  return (await awaited(async () => (pids.some(isLeft) ? undefined : true))) === true;
}

test.serial('a cloud whose reader goes away stops, and leaves no server behind', async (t) => {
  const { cloud, ready } = await startCloud(t, await temporaryFolder(t), '--servers', '2');
  const pids = ready.servers.map(({ pid }) => pid);
  cloud.child.stdout!.destroy();
  process.kill(pids[0]!, 'SIGKILL');
  t.is(await cloud.ended, 0, 'it has something to say, and nobody to say it to');
  t.true(await gone(pids));
});

test.serial('a cloud whose terminal is closed stops, and leaves no server behind', async (t) => {
  const { cloud, ready } = await startCloud(t, await temporaryFolder(t), '--servers', '2');
  cloud.child.kill('SIGHUP');
  t.is(await cloud.ended, 0);
  t.true(await gone(ready.servers.map(({ pid }) => pid)));
});

test.serial('a folder that cannot be had ends the cloud at once', async (t) => {
  const file = path.join(await temporaryFolder(t), 'file');
  await writeFile(file, 'not a folder');
  const nowhere = process.platform === 'linux' ? ['/proc/nowhere'] : [];
  for (const data of [file, path.join(file, 'below'), ...nowhere]) {
    const cloud = start(t, 'cloud', '--port', '0', '--data', data);
    t.is(await cloud.ended, 1, data);
    t.regex(await cloud.errors, /cannot be used: .*Choose another folder with --data/, data);
  }
});

test.serial('a stopped client is reported and taken out, a live one is not', async (t) => {
  const data = await temporaryFolder(t);
  const { cloud, ready } = await startCloud(t, data, '--servers', '2');
  const [s1, s2] = ready.servers;
  const alice = await join(ready.joinCode, 'alice');
  const bob = await join(ready.joinCode, 'bob');
  const reporter = reach(t, alice, s2!.address).discovery;
  const { child, sessionId } = await attendApart(t, bob, s1!.address);
  t.true((await reporter.reportOffline({ name: 'bob', sessionId })).online);
  child.kill('SIGSTOP');
  for (let tookMs: number = DISCOVERY_LIMITS.checkMs; tookMs >= DISCOVERY_LIMITS.checkMs;) {
    const askedMs = performance.now();
    t.false((await reporter.reportOffline({ name: 'bob', sessionId })).online);
    // A server that is too busy to look in that time leaves him where he is: then he is reported again.
    tookMs = performance.now() - askedMs;
  }
  t.false((await reporter.lookUp({ name: 'bob' })).entry?.online);
  t.is(await cloud.stop(), 0);
});

/** Attends in a process of its own. */
async function attendApart(t: ExecutionContext, client: Joined, address: string) {
  const script = fileURLToPath(new URL('./attending.process.js', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const { authority, certificate, privateKey } = client.identity;
  const input: AttendingInput = {
    address,
    authority: Buffer.from(authority).toString('base64'),
    certificate: Buffer.from(certificate).toString('base64'),
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
  child.stdin.end(JSON.stringify(input));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, sessionId: new Uint8Array(Buffer.from(line, 'hex')) };
}
