//! The next definition of a hooked symbol: what the guest would have reached without us.
//!
//! Rule: call on through the dynamic linker, so that other preload libraries keep their place in the
//! chain and pthread_cancel(3) keeps working in a call that blocks; where the process has no
//! dlsym(3), make the system call itself.

const std = @import("std");
const hooks = @import("hooks.zig");
const process = @import("process.zig");

/// The function that a hook calls on to, of the hook's own type.
pub inline fn of(comptime hook: type) *const @TypeOf(hook.call) {
    return @ptrCast(@alignCast(cache(hook).load(.monotonic) orelse find(hook)));
}

/// Looks all of them up, so that none need be looked up in a signal handler or after vfork(2).
pub fn findAll() void {
    inline for (hooks.wanted) |hook| _ = find(hook);
}

fn find(comptime hook: type) *const anyopaque {
    const found = process.nextDefinition(hook.symbol) orelse @as(*const anyopaque, &hook.direct);
    cache(hook).store(found, .monotonic);
    return found;
}

fn cache(comptime hook: type) *std.atomic.Value(?*const anyopaque) {
    return &struct {
        const of_hook = hook;
        var address: std.atomic.Value(?*const anyopaque) = .init(null);
    }.address;
}
