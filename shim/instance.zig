//! The one pin of this process: what policy and environment came to.
//!
//! Rule: settled once, before `main`, and only read afterwards. A hook that is called earlier (another
//! preload library's constructor may connect) settles it then.

const std = @import("std");
const build_policy: Policy = @import("policy");
const Policy = @import("Policy.zig");
const environment = @import("environment.zig");
const next = @import("next.zig");
const pin = @import("pin.zig");
const process = @import("process.zig");
const system = @import("system.zig");

pub const policy = build_policy;

const State = enum(u8) { unsettled, settling, idle, pinning };

var state: std.atomic.Value(State) = .init(.unsettled);
const Pin = pin.Pin(system.System, policy);
var instance: Pin = .{ .settings = undefined, .random = .{}, .system = .{} };

/// Null where portpin has nothing to do: no ports, PORTPIN_OFF, or an unusable value under `leave`.
/// Every hook asks first: it also finds the next definitions.
pub inline fn get() ?*Pin {
    if (state.load(.acquire) == .unsettled) load(null);
    return if (state.load(.acquire) == .pinning) &instance else null;
}

/// Before main(), on the only thread there is. Ends the process where the environment cannot be used
/// and the policy says `refuse`.
///
/// `environment` is null where a hook is called before our constructor.
pub noinline fn load(environment_handed: ?process.Environment) void {
    // A hook that is called from within this, as by somebody's malloc in dlsym(3), finds nothing to do.
    if (state.cmpxchgStrong(.unsettled, .settling, .acq_rel, .acquire) != null) return;
    next.findAll();
    const start = process.start(environment_handed);
    const pins = environment.settle(policy, &instance.settings, start);
    if (start) |given| instance.random.seed = given.seed;
    state.store(if (pins) .pinning else .idle, .release);
    if (!pins) return;
    adoptInherited();
}

/// Descriptors that were open at exec(2), as far as one poll(2) can tell them; of an inherited
/// socket above, connect and listen still take care.
fn adoptInherited() void {
    const linux = std.os.linux;
    var entries: [inherited_max]linux.pollfd = undefined;
    for (&entries, 0..) |*entry, fd| entry.* = .{ .fd = @intCast(fd), .events = 0, .revents = 0 };
    if (linux.errno(linux.poll(&entries, entries.len, 0)) != .SUCCESS) return;
    for (entries) |entry| {
        if (entry.revents & linux.POLL.NVAL == 0) instance.adoptStranger(entry.fd);
    }
}

/// One page of stack; the usual RLIMIT_NOFILE is twice as much.
const inherited_max = 512;

test {
    _ = environment;
    _ = next;
    _ = pin;
}
