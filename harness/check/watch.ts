/**
 * What the kernel's socket table has of a program: its sockets, and those of every process that it starts,
 * looked up again and again. Independent of the library and of its log.
 *
 * What begins and ends between two looks is missed; so nothing follows from what is not here. A process
 * that was orphaned between two looks is missed, too, and so are children where the kernel has no
 * /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN).
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readOr } from "../read_or.ts";
import { libraryProblem } from "./library_problem.ts";
import { parseTable, type TableEntry, tableFiles } from "./socket_table.ts";

/** A process of the program. */
export interface Process {
  readonly pid: number;
  /** Its command name, see proc_pid_comm(5). */
  readonly name: string;
  /** Why it does not have the library, in words; undefined when it has, or nobody may know. */
  readonly problem?: string;
}

/** A socket of the program, as the kernel had it. */
export interface Sighting extends TableEntry {
  readonly process: Process;
}

/** All that was seen. */
export interface Watched {
  readonly sightings: readonly Sighting[];
  /** By process id, the command name that each process had last. */
  readonly names: ReadonlyMap<number, string>;
  /** The processes that go on. */
  readonly survivors: readonly number[];
}

/** Between two looks. The kernel takes some milliseconds for a table: it walks all its buckets. */
const pauseMs = 2;

/** Looks at the program whose first process is `pid`, until it is stopped. */
export class Watch {
  readonly #processes = new Map<number, Process>();
  readonly #names = new Map<number, string>();
  readonly #seen = new Map<string, Sighting>();
  readonly #library: string;
  readonly #notice: (sighting: Sighting) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `library`: the path that LD_PRELOAD names. `notice` hears of each socket once, when it is first seen. */
  constructor(pid: number, library: string, notice: (sighting: Sighting) => void) {
    this.#library = library;
    this.#notice = notice;
    this.#processes.set(pid, { pid, name: "" });
    this.#goOn();
  }

  /** Looks for the last time. */
  stop(): Watched {
    clearTimeout(this.#timer);
    this.#look();
    return {
      sightings: [...this.#seen.values()],
      names: this.#names,
      survivors: [...this.#processes.keys()],
    };
  }

  #goOn() {
    this.#look();
    this.#timer = setTimeout(() => this.#goOn(), pauseMs);
  }

  #look() {
    const owners = new Map<number, Process>();
    const namespaces = new Map<string, number>();
    for (const { pid } of this.#processes.values()) this.#lookAt(pid, owners, namespaces);
    if (owners.size === 0) return;
    for (const pid of namespaces.values()) {
      for (const [file, transport] of tableFiles) {
        const text = readOr("", () => readFileSync(`/proc/${pid}/net/${file}`, "utf8"));
        for (const entry of parseTable(text, transport, (inode) => owners.has(inode))) {
          const process = owners.get(entry.inode)!;
          if (entry.source.port !== 0) this.#note({ ...entry, process });
        }
      }
    }
  }

  /** One process: its sockets by inode, its network namespace, and its children, which come next. */
  #lookAt(pid: number, owners: Map<number, Process>, namespaces: Map<string, number>) {
    const name = readOr("", () => readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd());
    if (name === "" || isZombie(pid)) return this.#processes.delete(pid);
    this.#names.set(pid, name);
    for (const task of readOr([], () => readdirSync(`/proc/${pid}/task`))) {
      const text = readOr("", () => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8"));
      for (const child of text.match(/\d+/g) ?? []) {
        const known = this.#processes.has(Number(child));
        if (!known) this.#processes.set(Number(child), { pid: Number(child), name: "" });
      }
    }
    const sockets = socketsOf(pid);
    if (sockets.length === 0) return;
    const process = this.#describe(pid, name);
    for (const inode of sockets) owners.set(inode, process);
    namespaces.set(readOr(`${pid}`, () => readlinkSync(`/proc/${pid}/ns/net`)), pid);
  }

  /** A program that executes another one changes its name. */
  #describe(pid: number, name: string): Process {
    const known = this.#processes.get(pid)!;
    if (known.name === name && known.problem === undefined) return known;
    const process = { pid, name, problem: libraryProblem(pid, this.#library) };
    this.#processes.set(pid, process);
    return process;
  }

  #note(sighting: Sighting) {
    const { transport, source, destination, inode } = sighting;
    const key = [transport, inode, source.port, destination?.address, destination?.port].join(" ");
    const known = this.#seen.get(key);
    // A program that has only just begun may not have loaded the library yet.
    if (known?.process.problem === undefined && known !== undefined) return;
    this.#seen.set(key, sighting);
    if (known === undefined) this.#notice(sighting);
  }
}

/** The inodes of a process's sockets; none of one that we may not look into. */
function socketsOf(pid: number): number[] {
  const folder = `/proc/${pid}/fd`;
  return readOr([], () => readdirSync(folder)).flatMap((fd) => {
    const link = readOr("", () => readlinkSync(`${folder}/${fd}`));
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
    return inode === undefined ? [] : [Number(inode)];
  });
}

/** Whether it has ended, and only its parent has not asked yet. */
function isZombie(pid: number): boolean {
  return / [ZX] /.test(
    readOr("", () => readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/, "")),
  );
}
