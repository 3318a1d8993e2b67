//! The next definition of a hooked symbol: what the guest would have reached without us.
//!
//! Rule: call on through the dynamic linker, so that other preload libraries keep their place in the
//! chain and pthread_cancel(3) keeps working in a call that blocks; where the process has no
//! dlsym(3), make the system call itself.

const std = @import("std");
const hooks = @import("hooks.zig");
const process = @import("process.zig");
const system = @import("system.zig");

/// Calls on with the hook's own arguments; -1 and errno on failure, as libc has it.
pub inline fn call(comptime hook: type, arguments: anytype) Result(hook) {
    const found = slot(hook).load(.monotonic) orelse return @intCast(system.libc(hook.system_call, arguments));
    const function: *const @TypeOf(hook.call) = @ptrCast(@alignCast(found));
    return @call(.auto, function, arguments);
}

/// Looks all of them up, so that none need be looked up in a signal handler or after vfork(2).
/// Until then calls go to the kernel: dlsym(3) may allocate, and somebody's malloc may connect.
pub fn findAll() void {
    var symbol: [*:0]const u8 = symbols;
    for (&slots) |*each| {
        each.store(process.nextDefinition(symbol), .monotonic);
        symbol += std.mem.len(symbol) + 1;
    }
}

/// A word that another thread may read at any time.
const Slot = std.atomic.Value(?*const anyopaque);

/// In the order of `hooks.wanted`.
var slots: [hooks.wanted.len]Slot = @splat(.init(null));

/// All names behind one another: a table of pointers would cost a relocation for each.
const symbols = join: {
    var joined: [:0]const u8 = "";
    for (hooks.wanted) |hook| joined = joined ++ hook.symbol ++ "\x00";
    break :join joined;
};

fn slot(comptime hook: type) *Slot {
    return &slots[
        comptime for (hooks.wanted, 0..) |each, index| {
            if (each == hook) break index;
        } else @compileError("Cannot call on: " ++ hook.symbol ++ " is not wanted by the policy")
    ];
}

fn Result(comptime hook: type) type {
    return @typeInfo(@TypeOf(hook.call)).@"fn".return_type.?;
}
