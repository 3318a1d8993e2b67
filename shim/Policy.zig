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
/// The port set, sorted, without overlap or adjacency. Empty: `PORTPIN_PORTS` must say.
ports: []const PortRange,
/// Which part of the ports this library uses; null: all of them.
slice: ?Slice,
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

/// A closed range of ports, `0 < low <= high`.
pub const PortRange = struct { low: u16, high: u16 };

/// The part `index` (from 0) of `count` equal parts.
pub const Slice = struct { index: u16, count: u16 };

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
    engine: bool,
    off: bool,
};
