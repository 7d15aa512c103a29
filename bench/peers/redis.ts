/** A Redis of its own, as BullMQ's guide wants one for production: append-only file, synced every second, no eviction. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** A port nobody listens on, at the moment. */
export async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function startRedis(
  folder: string,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const port = await findPort();
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder].concat(
      ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
      ['--maxmemory-policy', 'noeviction'],
    ),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  for await (const data of child.stdout) if (String(data).includes('Ready to accept')) break;
  child.stdout.resume();
  return {
    port,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
