//! recvmmsg(2): recvmsg(2) for several messages, under each of its names.

const arrivals = @import("../arrivals.zig");
const next = @import("../next.zig");
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

pub fn Named(comptime name: [:0]const u8) type {
    return struct {
        const hook = @This();

        pub const symbol = name;

        pub fn isWanted(_: Policy) bool {
            return @sizeOf(usize) == 4 or name[0] != '_';
        }

        pub fn call(
            fd: c_int,
            messages: ?[*]arrivals.NumberedMessage,
            count: c_uint,
            flags: c_int,
            timeout: ?*anyopaque,
        ) callconv(.c) c_int {
            const received = next.of(hook)(fd, messages, count, flags, timeout);
            if (received <= 0) return received;
            for (messages.?[0..@intCast(received)]) |*message| arrivals.adoptFrom(&message.message);
            return received;
        }

        /// Without libc there is no name for the call with 64-bit time, so only the plain one comes here.
        pub fn direct(
            fd: c_int,
            messages: ?[*]arrivals.NumberedMessage,
            count: c_uint,
            flags: c_int,
            timeout: ?*anyopaque,
        ) callconv(.c) c_int {
            return sys.libcResult(c_int, sys.raw("recvmmsg", .{ fd, messages, count, flags, timeout }));
        }
    };
}
