// Steps of `npm test`: each runs one program. Two lanes of steps run beside each other without mixing what they print.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root, say } from './setup.mjs';

/** Programs of npm start with `#!/usr/bin/env node`; they must find the pinned Node first. */
const environment = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` };

/**
 * A place to run programs one after the other. The lane in front shows what they print as it comes; what a lane behind it has
 * printed is kept until a program has ended and `show` is called.
 */
export class Lane {
  #isInFront;
  #kept = [];

  constructor({ isInFront }) {
    this.#isInFront = isInFront;
  }

  /** Runs a program to its end; resolves to its exit status (null when a signal ended it or it does not exist) and its standard output. */
  run(name, program, parameters, directory = root) {
    const kept = [`culvert: ${name}\n`];
    if (this.#isInFront) say(name);
    return new Promise((resolve) => {
      const child = spawn(program, parameters, {
        cwd: directory,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: environment,
      });
      let output = '';
      const print = (text, stream) => {
        if (this.#isInFront) stream.write(text);
        else kept.push(text);
      };
      child.stdout.setEncoding('utf8').on('data', (text) => {
        output += text;
        print(text, process.stdout);
      });
      child.stderr.setEncoding('utf8').on('data', (text) => print(text, process.stderr));
      child.on('error', (error) => print(`${program}: ${error.message}\n`, process.stderr));
      child.on('close', (status) => {
        if (!this.#isInFront) this.#kept.push(kept.join(''));
        resolve({ status, output });
      });
    });
  }

  /** Prints what the programs that have ended printed. */
  show() {
    for (const text of this.#kept.splice(0)) process.stderr.write(text);
  }
}
