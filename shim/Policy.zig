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
/// Where connections and flows leave from; none: as the kernel chooses.
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

/// Whether a library built from this policy may itself bind sockets to ports that they share, and so leave its own
/// settings with them.
pub fn mayShare(policy: Policy) bool {
    return policy.mayEmulate() or policy.udp_share;
}

/// Whether a library built from this policy may force a source address.
pub fn mayHaveSource(policy: Policy) bool {
    for (policy.rules) |rule| switch (rule.then) {
        .pin => |choice| if (!choice.source.isNone()) return true,
        .leave => {},
    };
    return policy.environment.source or !policy.source.isNone();
}

/// More ranges than this are refused, here and by the generator.
pub const port_ranges_max = 32;

/// A closed range of ports, `0 < low <= high`.
pub const PortRange = struct { low: u16, high: u16 };

/// The part `index` (from 0) of `count` equal parts.
pub const Slice = struct { index: u16, count: u16 };

/// The address to send from, one for each family at most, in network byte order.
pub const Source = struct {
    ipv4: ?[4]u8,
    ipv6: ?[16]u8,

    pub const none: Source = .{ .ipv4 = null, .ipv6 = null };

    pub fn isNone(source: Source) bool {
        return source.ipv4 == null and source.ipv6 == null;
    }
};

pub const Listen = enum {
    /// What it asks for.
    keep,
    /// The source, port kept.
    source,
};

/// More rules than this, or networks in one, are refused, here and by the generator.
pub const rules_max = 64;
pub const networks_max = 16;

/// What applies to some destinations.
pub const Rule = struct {
    /// Empty: every destination.
    networks: []const Network,
    /// Destination ports; empty: every one.
    ports: []const PortRange,
    /// Null: every one. MPTCP counts as tcp, UDP-Lite as udp.
    transport: ?Transport,
    then: union(enum) {
        /// As if portpin were not there.
        leave,
        pin: Choice,
    },
};

/// The addresses whose first `prefix` bits are those of `address`; the rest of it is 0. IPv4 is written as
/// ::ffff:a.b.c.d, and its /n as 96 + n. A prefix below 96 is IPv6's, and holds no IPv4 address.
pub const Network = struct { address: [16]u8, prefix: u8 };

pub const Transport = enum { tcp, udp, sctp };

pub const Choice = struct {
    /// Empty: the policy's. The slice applies to these too.
    ports: []const PortRange,
    /// None: the policy's.
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
    log: bool,
    off: bool,
};
