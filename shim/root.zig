//! libportpin.so, a guest in somebody else's process: it chooses source ports and changes nothing
//! else that the program can see.
//!
//! Read `hooks.zig` for how a call comes in, `pin.zig` and `pin/` for what is decided, `engines/` for how a range
//! is honoured. The library links nothing, keeps no lock, allocates nothing and prints nothing but
//! the one line for a variable it cannot use.

const std = @import("std");
const hooks = @import("hooks.zig");
const instance = @import("instance.zig");
const process = @import("process.zig");

/// A guest's process never hears of our mistakes: no text, no handlers.
pub const panic = std.debug.no_panic;
/// Threads, locks and allocation stay out of the library, or it does not compile.
pub const std_options_debug_io: std.Io = @compileError("a guest does no input or output of its own");

comptime {
    if (!@import("builtin").is_test) {
        hooks.exportWanted();
        if (hooks.wanted.len > 0) @export(&on_load, .{
            .name = "portpin_on_load",
            .section = ".init_array",
            .visibility = .hidden,
        });
    }
}

/// Before `main`, on the only thread.
const on_load: *const @TypeOf(onLoad) = &onLoad;

fn onLoad(_: c_int, _: ?*const anyopaque, environment: ?process.Environment) callconv(.c) void {
    instance.load(environment);
}

test {
    _ = @import("log.zig");
    _ = hooks;
    _ = instance;
}
