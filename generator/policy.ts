// The policy: what a policy file may say (the schema), and what it comes to (the canonical Policy).
//
// The schema is the one source of the published JSON schema, of the defaults, and of the
// descriptions. What a value means is read by the parsers of ports.ts, source.ts and network.ts,
// which flags and environment variables go through as well.

import * as z from "zod";
import { networkPattern, networksMax, parseNetwork } from "./network.ts";
import {
  type Parsed,
  parsePorts,
  parseSlice,
  type PortSet,
  portsPattern,
  type Slice,
  slicePattern,
  valueOf,
} from "./ports.ts";
import { type Matcher, type Rule, rulesMax, transports } from "./rules.ts";
import { parseSource, type Source, sourcePattern } from "./source.ts";

/** How the ports are honoured; `auto` is the first of the others that can, for each socket. */
export const engines = ["auto", "kernel", "emulation"] as const;

/** How a range is honoured. */
export type Engine = typeof engines[number];

/** What happens to a call whose port cannot be one of the ports. */
export type WhenUnkept = "refuse" | "leave";

/** What a server that binds the wildcard is bound to. */
export type Listen = "keep" | "source";

/** A validated, canonical, frozen policy: the data of shim/Policy.zig. */
export interface Policy {
  readonly name: string;
  /** Empty: any port, unless `PORTPIN_PORTS` says which. */
  readonly ports: PortSet;
  readonly slice: Slice | null;
  /** Where connections and flows leave from. */
  readonly source: Source;
  readonly listen: Listen;
  /** Whether connected UDP sockets share ports while their 4-tuples differ. */
  readonly udpShare: boolean;
  /** First match wins; what matches none goes by the policy's own ports and source. */
  readonly rules: readonly Rule[];
  readonly deferBind: boolean;
  readonly engine: Engine;
  readonly whenUnkept: WhenUnkept;
  /** Which of the variables may override what is written here. */
  readonly environment: {
    readonly ports: boolean;
    readonly slice: boolean;
    readonly source: boolean;
    readonly engine: boolean;
    readonly log: boolean;
    readonly off: boolean;
  };
}

/** The variables that a policy may let override it. */
export const variables = [
  "PORTPIN_PORTS",
  "PORTPIN_SLICE",
  "PORTPIN_SOURCE",
  "PORTPIN_ENGINE",
  "PORTPIN_LOG",
  "PORTPIN_OFF",
] as const;

export type Variable = typeof variables[number];

/** A string in one of portpin's notations. Its issues carry the offset of the fault in the text. */
function notation(pattern: string, parse: (text: string) => Parsed<unknown>) {
  return z.string().check((context) => {
    const parsed = parse(context.value);
    if (parsed.ok) return;
    for (const { offset, reason } of parsed.problems) {
      context.issues.push({
        code: "custom",
        input: context.value,
        message: reason,
        params: { offset },
      });
    }
  }).meta({ pattern });
}

const sourceExamples = ["192.0.2.7", "192.0.2.7,2001:db8::7"];

/** The destinations that a rule is for. At least one part; value_problems.ts sees to that. */
const matcherSchema = z.strictObject({
  networks: z.array(notation(networkPattern, parseNetwork)).min(1).max(networksMax).optional().meta(
    {
      description:
        "Networks of the destination, ADDRESS/PREFIX, or addresses. A network is of one " +
        "family: ::/0 is no IPv4 destination. Default: every destination.",
      examples: [["192.0.2.0/24", "2001:db8::/32"]],
    },
  ),
  ports: notation(portsPattern, parsePorts).optional().meta({
    description: "Ports of the destination, in the notation of the policy's ports. Default: every.",
    examples: ["443,8000-8999"],
  }),
  transport: z.enum(transports).optional().meta({
    description: "MPTCP counts as tcp, UDP-Lite as udp. Default: every transport.",
  }),
});

/** One rule: it leaves alone, or has ports or a source; rule_problems.ts sees to that. */
const ruleSchema = z.strictObject({
  to: matcherSchema.meta({
    description: "Which destinations the rule is for: those that satisfy all parts.",
    minProperties: 1,
  }),
  ports: notation(portsPattern, parsePorts).optional().meta({
    description: "The source ports that guests may use there, instead of the policy's. The " +
      "policy's slice is taken of these, too.",
    examples: ["61000-61511"],
  }),
  source: notation(sourcePattern, parseSource).optional().meta({
    description: "The address to send from there, instead of the policy's, of either family.",
    examples: sourceExamples,
  }),
  leave: z.literal(true).optional().meta({
    description: "Leave guests alone there, as if portpin were not there.",
  }),
}).meta({
  oneOf: [{ required: ["leave"] }, { anyOf: [{ required: ["ports"] }, { required: ["source"] }] }],
});

/** What a policy file may say. Unknown keys are refused. */
export const policySchema = z.strictObject({
  $schema: z.string().optional().meta({
    description: "Where this schema is, for editors.",
  }),
  name: z.string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
      "expected 1 to 64 of A-Z a-z 0-9 . _ - with a letter or digit first",
    )
    .meta({ description: "What the operator calls the policy; shown by tools." }),
  ports: notation(portsPattern, parsePorts).optional().meta({
    description:
      "The source ports that guests may use: LOW-HIGH, a single port, or several separated by " +
      "commas. Without it any port will do, unless PORTPIN_PORTS says which.",
    examples: ["60000-60511", "60000-60255,61000"],
  }),
  slice: notation(slicePattern, parseSlice).optional().meta({
    description:
      "INDEX/COUNT, INDEX from 0: use only that one of COUNT equal parts of the ports. " +
      "The parts are disjoint and cover the set.",
    examples: ["0/4"],
  }),
  source: notation(sourcePattern, parseSource).optional().meta({
    description: "The address to send from: one IPv4 and/or one IPv6 address, separated by a " +
      "comma. To loopback destinations guests keep their natural source.",
    examples: sourceExamples,
  }),
  listen: z.enum(["keep", "source"]).default("keep").meta({
    description: "What a server that binds the wildcard is bound to: the wildcard (keep), or the " +
      "policy's source (source).",
  }),
  udpShare: z.boolean().default(false).meta({
    description: "Whether connected UDP sockets share ports while their 4-tuples differ.",
  }),
  rules: z.array(ruleSchema).max(rulesMax).default([]).meta({
    description: "What applies to which destinations. The first rule that matches counts; what " +
      "matches none goes by the policy's own ports and source.",
  }),
  deferBind: z.boolean().default(true).meta({
    description: "Whether the guest's own bind(ip, 0) on TCP leaves the choice of port to " +
      "connect(), so that connections to different destinations can share one port.",
  }),
  engine: z.enum(engines).default("auto").meta({
    description:
      "How the ports are honoured: by the kernel's IP_LOCAL_PORT_RANGE (kernel), or by " +
      "the best engine there is (auto).",
  }),
  whenUnkept: z.enum(["refuse", "leave"]).default("refuse").meta({
    description: "What happens to a call whose port cannot be one of the ports: it fails with " +
      "EADDRNOTAVAIL (refuse), or goes on as if portpin were not there (leave).",
  }),
  environment: z.array(z.enum(variables)).superRefine((list, context) => {
    list.forEach((item, index) => {
      if (list.indexOf(item) === index) return;
      context.addIssue({ code: "custom", path: [index], message: "listed twice" });
    });
  }, { when: ({ value }) => Array.isArray(value) }).default([...variables]).meta({
    description: "Which environment variables may override this policy; an empty list forbids " +
      "them all. One that is forbidden and set all the same keeps the guest from starting " +
      "(whenUnkept refuse), or is named on standard error and ignored (leave).",
    uniqueItems: true,
  }),
}).meta({
  title: "portpin policy",
  description: "Which source ports unmodified programs use under portpin.",
});

/** A policy file's content after the schema's defaults. */
export type PolicyFile = z.output<typeof policySchema>;

/** One rule of a policy file. */
export type RuleFile = z.output<typeof ruleSchema>;

/** The published JSON schema: what an editor checks a policy file against. */
export function policyJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(policySchema, { io: "input" });
}

/** The canonical form of a file that passed {@linkcode policySchema}. */
export function canonicalPolicy(file: PolicyFile): Policy {
  const allows = (variable: Variable) => file.environment.includes(variable);
  return freeze({
    name: file.name,
    ports: file.ports === undefined ? [] : valueOf(parsePorts(file.ports)),
    slice: file.slice === undefined ? null : valueOf(parseSlice(file.slice)),
    source: file.source === undefined ? {} : valueOf(parseSource(file.source)),
    listen: file.listen,
    udpShare: file.udpShare,
    rules: file.rules.map(canonicalRule),
    deferBind: file.deferBind,
    engine: file.engine,
    whenUnkept: file.whenUnkept,
    environment: {
      ports: allows("PORTPIN_PORTS"),
      slice: allows("PORTPIN_SLICE"),
      source: allows("PORTPIN_SOURCE"),
      engine: allows("PORTPIN_ENGINE"),
      log: allows("PORTPIN_LOG"),
      off: allows("PORTPIN_OFF"),
    },
  });
}

/** The canonical form of a rule's `to` that passed the schema. */
export function canonicalMatcher(
  { networks = [], ports, transport }: RuleFile["to"],
): Matcher {
  return {
    networks: networks.map((network) => valueOf(parseNetwork(network))),
    ports: ports === undefined ? [] : valueOf(parsePorts(ports)),
    transport: transport ?? null,
  };
}

/** The canonical form of a rule that passed the schema and has no problem of its own. */
export function canonicalRule({ to, ports, source, leave }: RuleFile): Rule {
  return {
    ...canonicalMatcher(to),
    then: leave ? "leave" : {
      ports: ports === undefined ? [] : valueOf(parsePorts(ports)),
      source: source === undefined ? {} : valueOf(parseSource(source)),
    },
  };
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null) freeze(part);
  }
  return Object.freeze(value);
}

/** The policy of the general library: no ports of its own, all of it left to the environment. */
export const generalPolicy: Policy = canonicalPolicy(policySchema.parse({ name: "general" }));
