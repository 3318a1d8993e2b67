//! The policy a library was built with, as the generator wrote it to `policy.zon`.
//!
//! `policy.zon` is the root of a module of its own and is coerced to this type, so the compiler
//! checks it a second time and points into the generated file when the two disagree. Everything
//! here is data: what it means at run time is decided in `pin.zig`.
//!
//! Ports are in host byte order everywhere in the shim.

const Policy = @This();

/// What the operator called the policy; shown by tools, never by the shim.
name: []const u8,
/// The port set, sorted, without overlap or adjacency. Empty: any, unless `PORTPIN_PORTS` says which.
ports: []const PortRange,
/// Which part of the ports this library uses; null: all of them.
slice: ?Slice,
/// Where connections and flows leave from; null: as the kernel chooses.
source: Source,
/// What a server that binds the wildcard is bound to.
listen: Listen,
/// Whether connected UDP sockets share ports while their 4-tuples differ.
udp_share: bool,
/// First match wins; what matches none goes by the policy's own ports and source.
rules: []const Rule,
/// Whether the guest's own `bind(ip, 0)` on TCP leaves the choice of port to `connect()`.
defer_bind: bool,
engine: Engine,
when_unkept: WhenUnkept,
/// Which of the variables may override what is written here.
environment: Environment,

/// Whether a library built from this policy may use the `emulation` engine.
pub fn mayEmulate(policy: Policy) bool {
    return policy.engine != .kernel or policy.environment.engine;
}

/// More ranges than this are refused, here and by the generator.
pub const port_ranges_max = 32;

/// More rules than this are refused.
pub const rules_max = 64;

/// More networks of one rule than this are refused.
pub const networks_max = 16;

/// A closed range of ports, `0 < low <= high`.
pub const PortRange = struct { low: u16, high: u16 };

/// The part `index` (from 0) of `count` equal parts.
pub const Slice = struct { index: u16, count: u16 };

/// At most one address of each family; null: as the kernel chooses.
pub const Source = struct { ipv4: ?[4]u8, ipv6: ?[16]u8 };

pub const Listen = enum {
    /// The wildcard, as the guest asked.
    keep,
    /// The source.
    source,
};

/// The addresses whose first `prefix` bits are those of `address`; the rest of it is 0. IPv4 is written as
/// ::ffff:a.b.c.d, and its /n as 96 + n. A prefix below 96 is IPv6's, and holds no IPv4 address.
pub const Network = struct { address: [16]u8, prefix: u8 };

/// MPTCP counts as tcp, UDP-Lite as udp.
pub const Transport = enum { tcp, udp, sctp };

/// What applies to which destinations.
pub const Rule = struct {
    /// Empty: every destination.
    networks: []const Network,
    /// The destination's ports, in the form of the policy's; empty: every.
    ports: []const PortRange,
    /// Null: every.
    transport: ?Transport,
    then: union(enum) { leave, pin: Choice },
};

/// What a rule has of its own.
pub const Choice = struct {
    /// Of which the policy's slice is taken, too; empty: the policy's.
    ports: []const PortRange,
    /// Both null: the policy's.
    source: Source,
};

pub const Engine = enum { auto, kernel, emulation };

/// What happens to a call whose port cannot be one of the ports.
pub const WhenUnkept = enum {
    /// It fails with `EADDRNOTAVAIL`.
    refuse,
    /// It goes on as if portpin were not there.
    leave,
};

pub const Environment = struct {
    ports: bool,
    slice: bool,
    source: bool,
    engine: bool,
    off: bool,
};
