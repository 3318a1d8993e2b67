/**
 * Listeners of ours that a program's arguments may name: `{tcp}`, `{tcp.address}`, `{tcp.port}` and so on.
 * They are on 127.0.0.1.
 */
import type { PortSet } from "../../generator/ports.ts";
import { includesPort } from "../judge.ts";
import { Observations } from "../observe.ts";
import { serviceWords, type Words } from "../placeholders.ts";
import { placeOf } from "../places.ts";
import type { Service } from "../services/service.ts";
import { startService } from "../services/start.ts";

const kinds = ["tcp", "udp", "http", "dns"] as const;
type Kind = typeof kinds[number];

const where = { family: "ipv4", host: 1, reply: "echo" } as const;

const placeholder = new RegExp(
  `\\{((${kinds.join("|")})(?:\\.(?:address|port|host))?)\\}`,
  "g",
);

/** The listeners of one run. */
export class Listeners implements AsyncDisposable {
  readonly #services = new Map<Kind, Service>();
  readonly observations = new Observations();

  /** Starts those that `argv` names. `ports` are the program's, `scratch` a folder. */
  static async start(
    argv: readonly string[],
    ports: PortSet,
    scratch: string,
  ): Promise<Listeners> {
    await using started = new AsyncDisposableStack();
    const listeners = started.use(new Listeners());
    for (const kind of namedIn(argv)) {
      const service = await startService({ kind, ...where }, {
        family: where.family,
        place: placeOf("loopback", where.family, where.host),
        record: listeners.observations.recorder(kind),
        scratch,
        isGuests: (port) => includesPort(ports, port),
      });
      listeners.#services.set(kind, service);
    }
    started.move();
    return listeners;
  }

  /** `argv` with all that names a listener replaced; other braces are the program's own. */
  fillIn(argv: readonly string[]): string[] {
    const words: Words = Object.assign(
      {},
      ...Array.from(this.#services, ([kind, { words }]) => serviceWords(kind, words)),
    );
    const fill = (word: string) => word.replaceAll(placeholder, (_, name: string) => words[name]);
    return [argv[0], ...argv.slice(1).map(fill)];
  }

  /** Waits for what is still on its way. */
  async drain(): Promise<void> {
    for (const service of this.#services.values()) await service.drain();
  }

  /** Those that nobody came to, as the arguments name them: `{tcp}`. */
  lonely(): string[] {
    const reached = new Set(this.observations.all.map(({ service }) => service));
    return [...this.#services.keys()].filter((kind) => !reached.has(kind)).map((kind) =>
      `{${kind}}`
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#services.values(), (service) => service.close()));
  }
}

function namedIn(argv: readonly string[]): Set<Kind> {
  const matches = argv.slice(1).flatMap((word) => [...word.matchAll(placeholder)]);
  return new Set(matches.map((match) => match[2] as Kind));
}
