/** The files of deploy/, as far as they can be checked without a container engine: settings, commands, paths, units. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { runCommand } from './support/command-host.ts';
import { type Json } from './support/fanfare.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DEPLOY = join(ROOT, 'deploy');
const read = (name: string) => readFileSync(join(DEPLOY, name), 'utf8');

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-deploy-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const has = (program: string) => spawnSync('which', [program]).status === 0;

describe('the compose file', () => {
  const { services } = parse(read('compose.yaml'), { merge: true }) as { services: Json };
  const example = Object.fromEntries(
    read('example.env')
      .split('\n')
      .filter((line) => /^\w+=/.test(line))
      .map((line) => line.split('=') as [string, string]),
  );
  const fill = (text: string) =>
    text.replaceAll(/\$\{(\w+)[^}]*\}/g, (_, name: string) => {
      expect(Object.keys(example)).toContain(name);
      return example[name] ?? '';
    });

  it('has every role, each with settings that Fanfare takes', async () => {
    const roles: string[] = [];
    for (const [name, service] of Object.entries<Json>(services)) {
      if (service['image'] !== 'fanfare') continue;
      const env = Object.fromEntries(
        Object.entries<string>(service['environment']).map(([key, text]) => [key, fill(text)]),
      );
      const file = service['volumes'].find((each: string) =>
        each.includes(env['FANFARE_CONFIG'] ?? '-'),
      );
      env['FANFARE_CONFIG'] = join(DEPLOY, file.split(':')[0]);
      const command: string[] = service['command'];
      if (command[0] !== 'start') continue;
      const given = command[2] ?? '';
      const shown = await runCommand(['config', 'print'], { ...env, FANFARE_ROLES: given });
      expect([name, shown.err]).toEqual([name, '']);
      const config = JSON.parse(shown.out);
      const grace = Number.parseInt(service['stop_grace_period'], 10) * 1_000;
      expect(grace).toBeGreaterThan(config.shutdownDelayMs + config.drainTimeoutMs + 20_000);
      roles.push(...config.roles);
    }
    expect(roles.toSorted()).toEqual(['api', 'dispatch', 'events']);
  });

  it('sends the balancer where a node listens', () => {
    const [, host = '', port] = /http:\/\/(\w+):(\d+)/.exec(read('nginx.conf')) ?? [];
    expect(Object.keys(services)).toContain(host);
    expect(read('Dockerfile')).toContain(`EXPOSE ${port}`);
  });

  it.runIf(has('nginx'))('has a balancer that nginx understands', () => {
    const folder = makeFolder();
    const server = read('nginx.conf').replace('listen 80;', 'listen 127.0.0.1:8099;');
    const main = `pid ${folder}/pid; error_log ${folder}/log; events {} http { access_log off; ${server} }`;
    writeFileSync(join(folder, 'nginx.conf'), main);
    const { status, stderr } = spawnSync('nginx', ['-t', '-q', '-c', join(folder, 'nginx.conf')], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe('the image', () => {
  it('runs commands that the package has', () => {
    const dockerfile = read('Dockerfile');
    const { bin, version } = JSON.parse(readFileSync(join(ROOT, 'server/package.json'), 'utf8'));
    expect(dockerfile).toContain(`ENTRYPOINT ["${Object.keys(bin)[0]}"]`);
    // What `npm pack` calls its file is what is copied.
    expect(`/fanfare-${version}.tgz`).toMatch(/^\/fanfare-.*\.tgz$/);
    const [, major] = /FROM node:(\d+)/.exec(dockerfile) ?? [];
    expect(Number(major)).toBeGreaterThanOrEqual(20);
    expect(existsSync(join(ROOT, '.dockerignore'))).toBe(true);
  });
});

describe('the systemd unit', () => {
  it('gives a stop as long as it may take, and stops the server only', () => {
    const unit = read('fanfare.service');
    expect(unit).toMatch(/^KillMode=mixed$/m);
    expect(Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)?.[1])).toBeGreaterThan(30);
  });

  it.runIf(has('systemd-analyze'))('is one', () => {
    const file = join(makeFolder(), 'fanfare.service');
    writeFileSync(file, read('fanfare.service'));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});
