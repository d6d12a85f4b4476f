/**
 * A client in a process of its own, to be stopped and killed: attends with the identity it is given on standard
 * input, answers probes, and prints its session id once it is present.
 */
import { createPrivateKey } from 'node:crypto';
import { json } from 'node:stream/consumers';
import { Attendance, connect } from '../joining.js';

export interface AttendingInput {
  readonly address: string;
  readonly authority: string;
  readonly certificate: string;
  readonly privateKeyPem: string;
}

const { address, authority, certificate, privateKeyPem } = (await json(process.stdin)) as AttendingInput;
const identity = {
  authority: new Uint8Array(Buffer.from(authority, 'base64')),
  certificate: new Uint8Array(Buffer.from(certificate, 'base64')),
  privateKey: createPrivateKey(privateKeyPem),
};
const attendance = await Attendance.begin(connect(identity, address).discovery);
process.stdout.write(`${Buffer.from(attendance.attended.sessionId).toString('hex')}\n`);
for (let heard = await attendance.next(); heard; heard = await attendance.next()) {
  if (heard.case === 'probe') attendance.say({ case: 'answer', value: { sequence: heard.value.sequence } });
}
