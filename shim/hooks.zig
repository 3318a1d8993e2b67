//! The hooks: the symbols through which a guest comes to us. One file each, all of one shape:
//!
//!     pub const symbol        the name that is exported
//!     pub const system_call   what it is to the kernel, where the process has no next definition
//!     pub fn isWanted         whether a library built from this policy needs it
//!     pub fn call             what the guest calls, with libc's own signature
//!
//! Rule: a hook says which moment it is and calls on. It decides nothing.

const Policy = @import("Policy.zig");
const policy = @import("instance.zig").policy;

const all = .{
    @import("hooks/socket.zig"),
    @import("hooks/connect.zig"),
    @import("hooks/bind.zig"),
    @import("hooks/listen.zig"),
    @import("hooks/sendto.zig"),
    @import("hooks/sendmsg.zig"),
    @import("hooks/sendmmsg.zig"),
    @import("hooks/recvmsg.zig"),
    @import("hooks/recvmmsg.zig").Named("recvmmsg"),
    // 32-bit machines with 64-bit time: the names that glibc and musl give the same call.
    @import("hooks/recvmmsg.zig").Named("__recvmmsg64"),
    @import("hooks/recvmmsg.zig").Named("__recvmmsg_time64"),
    @import("hooks/pidfd_getfd.zig"),
    @import("hooks/getsockname.zig"),
    @import("hooks/getsockopt.zig"),
    @import("hooks/setsockopt.zig"),
};

/// Those that the policy needs.
pub const wanted = select: {
    var selected: []const type = &.{};
    for (all) |hook| {
        if (mayPin(policy) and hook.isWanted(policy)) selected = selected ++ .{hook};
    }
    break :select selected[0..selected.len].*;
};

/// Without ports, source and rules, and without a variable that may name some, there is nothing to do.
fn mayPin(comptime of: Policy) bool {
    return of.ports.len > 0 or of.environment.ports or of.mayHaveSource() or of.rules.len > 0;
}

pub fn exportWanted() void {
    inline for (wanted) |hook| @export(&hook.call, .{ .name = hook.symbol });
}

comptime {
    // The generator has checked all this; a policy.zon written by hand is checked here.
    const Ports = @import("Ports.zig");
    var ports = Ports.init(policy.ports) catch |problem|
        @compileError("Cannot use the policy's ports: " ++ @errorName(problem));
    for (policy.ports) |range| {
        if (range.low == 0 or range.low > range.high) @compileError("Cannot use the policy's ports: a range is reversed or holds 0");
    }
    if (policy.slice) |slice| {
        if (slice.index >= slice.count) @compileError("Cannot use the policy's slice: its index is not below its count");
        if (ports.count > 0) ports.keepPart(slice) catch @compileError("Cannot use the policy's slice: more parts than ports");
    }
}
