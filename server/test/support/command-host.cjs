/**
 * Runs one command line after the other in this process, each with the program's files loaded anew: the start of a process
 * for each would take most of the time. Arguments, environment and folder come as messages of the parent. What was written
 * and the exit status go back when nothing is left to do, where a process of its own would end.
 */
'use strict';
const { dirname, join, sep } = require('node:path');

const PROGRAM = process.argv[2];
const FOLDER = join(dirname(PROGRAM), '../dist/program') + sep;
let written = null;

for (const name of ['stdout', 'stderr'])
  process[name].write = (chunk, encoding, callback) => {
    if (written !== null) written[name] += chunk;
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done !== undefined) process.nextTick(done);
    return true;
  };

function load() {
  const isFirst = require.cache[PROGRAM] === undefined;
  for (const file of Object.keys(require.cache))
    if (file.startsWith(FOLDER)) delete require.cache[file];
  // The program's own first file prepares the process, once.
  require(isFirst ? PROGRAM : join(FOLDER, 'main.cjs'));
}

process.on('message', ({ args, env, cwd }) => {
  written = { stdout: '', stderr: '' };
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  process.argv = [process.execPath, PROGRAM, ...args];
  process.exitCode = undefined;
  process.channel.unref();
  load();
});

process.on('beforeExit', () => {
  if (written === null) return;
  const { stdout: out, stderr: err } = written;
  written = null;
  process.stdout.removeAllListeners('error');
  process.removeAllListeners('SIGINT');
  process.channel.ref();
  process.send({ code: process.exitCode ?? 0, out, err });
  process.exitCode = undefined;
});
