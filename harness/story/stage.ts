/**
 * Where an act is played: it writes for the reader, and keeps whether what was said is what was
 * measured. An act says nothing about numbers but through {@linkcode Stage.conclude}.
 */
import { join } from "node:path";
import { type Approach, commandLine, programs } from "./approaches.ts";
import type { Measurements, Output } from "./measurements.ts";
import { wrap } from "./text.ts";

export interface Act {
  readonly title: string;
  /** Whether it must have a network namespace of its own. */
  readonly needsNamespace: boolean;
  /** Whether the kernel must have IP_LOCAL_PORT_RANGE. */
  readonly needsRangeOption?: true;
  play(stage: Stage): Promise<void>;
}

/** Something that an act says of what it has measured. */
export interface Conclusion {
  /** A whole sentence, without any number that was measured. */
  readonly claim: string;
  /** Whether the measurement agrees. */
  readonly holds: boolean;
  /** The numbers. */
  readonly measured: string;
}

export class Stage {
  #contradictions = 0;

  /** `write` takes whole lines; `width` is that of the reader's terminal, in columns. */
  constructor(
    readonly measurements: Measurements,
    readonly hasRangeOption: boolean,
    readonly width: number,
    readonly write: (line: string) => void,
  ) {}

  /** How many conclusions the measurements contradict. */
  get contradictions(): number {
    return this.#contradictions;
  }

  /** Which of them this kernel can show. */
  shown(approaches: readonly Approach[]): readonly Approach[] {
    return approaches.filter(({ needsRangeOption }) => this.hasRangeOption || !needsRangeOption);
  }

  title(text: string): void {
    this.write(text);
    this.write("=".repeat(text.length));
    this.write("");
  }

  /** A paragraph. */
  say(text: string): void {
    this.#writeAll(wrap(text, this.width));
  }

  /** A program as it is: what runs is what is shown. */
  async show(file: string): Promise<void> {
    const text = await Deno.readTextFile(join(programs, file));
    this.#writeAll(text.trimEnd().split("\n").map((line) => line && `    ${line}`));
  }

  /** What a program printed, under the command. */
  output(approach: Approach, { command, lines }: Output): void {
    const started = wrap(`    $ ${commandLine(approach, command)}`, this.width - 4, {
      indent: "    ",
      more: " \\",
    });
    this.#writeAll([...started, ...lines].map((line) => `    ${line}`));
  }

  /** Each is a paragraph of its own, but they stand together. */
  conclude(...conclusions: readonly Conclusion[]): void {
    const lines = conclusions.flatMap(({ claim, holds, measured }) => {
      if (!holds) this.#contradictions++;
      const text = holds
        ? `=> ${claim} Measured: ${measured}.`
        : `!! The measurement contradicts this: ${claim} Measured: ${measured}.`;
      return wrap(text, this.width, { indent: "   " });
    });
    this.#writeAll(lines);
  }

  #writeAll(lines: readonly string[]): void {
    for (const line of lines) this.write(line);
    this.write("");
  }
}
