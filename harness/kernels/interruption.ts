/**
 * What ends a run early: SIGINT and SIGTERM. Every program that was started with the signal
 * {@linkcode interruption} is ended, and whoever waits for it goes on to its `finally`, so that
 * neither a machine nor a folder is left behind.
 */
import { constants } from "node:os";

const endings = ["SIGINT", "SIGTERM"] as const;
const controller = new AbortController();

/** For `Deno.Command`: aborted when somebody ends us. */
export const interruption: AbortSignal = controller.signal;

/** Runs `action`; when somebody ends us meanwhile, this process ends as soon as `action` has. */
export async function interruptible<T>(action: () => Promise<T>): Promise<T> {
  let status: number | undefined;
  const listeners = endings.map((name) => {
    const listener = () => {
      // As a shell has it.
      status ??= 128 + constants.signals[name];
      controller.abort();
    };
    return { name, listener };
  });
  for (const { name, listener } of listeners) Deno.addSignalListener(name, listener);
  try {
    return await action();
  } finally {
    for (const { name, listener } of listeners) Deno.removeSignalListener(name, listener);
    if (status !== undefined) Deno.exit(status);
  }
}

/** All of what `started` come to, or, once every one has ended, the first failure. */
export async function allEnded<T>(started: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(started);
  return await Promise.all(started);
}
