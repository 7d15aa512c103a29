/**
 * Kannel: `mtbatch` hands messages to bearerbox, which keeps them in its store file and passes them to its fake SMSC
 * link, whose far side is a socket here that counts lines.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Peer } from '../peers.ts';
import { findPort } from './redis.ts';

const NEWLINE = 10;

export async function openKannel(folder: string): Promise<Peer> {
  const [admin, boxes, smsc, http] = [
    await findPort(),
    await findPort(),
    await findPort(),
    await findPort(),
  ];
  const config = join(folder, 'kannel.conf');
  await writeFile(
    config,
    `group = core
admin-port = ${admin}
admin-password = bench
smsbox-port = ${boxes}
box-allow-ip = 127.0.0.1
log-level = 4
store-type = file
store-location = ${join(folder, 'kannel.store')}

group = smsc
smsc = fake
smsc-id = fake
port = ${smsc}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = ${http}

group = sendsms-user
username = bench
password = bench
`,
  );
  const bearerbox = spawn('bearerbox', ['-v', '4', config], { stdio: 'ignore' });
  const socket = await connectTo(smsc, bearerbox);
  const content = join(folder, 'content');
  await writeFile(content, 'Hello Ada, your order is on its way.');
  return {
    name: 'kannel',
    async send(messages) {
      const receivers = join(folder, 'receivers');
      const numbers = Array.from({ length: messages }, (_, i) => 15_005_560_000 + i);
      await writeFile(receivers, `${numbers.join('\n')}\n`);
      const startedAt = performance.now();
      const arrived = countLines(socket, messages);
      const batch = spawn(
        'mtbatch',
        [
          '-v',
          '4',
          '-b',
          '127.0.0.1',
          '-p',
          String(boxes),
          '-f',
          '15005550100',
          content,
          receivers,
        ],
        { stdio: 'ignore' },
      );
      await Promise.all([arrived, once(batch, 'exit')]);
      return performance.now() - startedAt;
    },
    async close() {
      socket.destroy();
      bearerbox.kill('SIGTERM');
      await once(bearerbox, 'exit');
    },
  };
}

/** It listens some time after its start. */
async function connectTo(port: number, bearerbox: ChildProcess): Promise<Socket> {
  for (let tries = 0; ; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (tries > 100 || bearerbox.exitCode !== null) throw error;
      await sleep(100);
    }
  }
}

function countLines(socket: Socket, lines: number): Promise<void> {
  return new Promise((resolve) => {
    let left = lines;
    const count = (data: Buffer) => {
      for (const byte of data) if (byte === NEWLINE) left -= 1;
      if (left > 0) return;
      socket.off('data', count);
      resolve();
    };
    socket.on('data', count);
  });
}
