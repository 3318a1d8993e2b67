//! recvmmsg(2): recvmsg(2) for several messages, under each of its names.

const arrivals = @import("../arrivals.zig");
const instance = @import("../instance.zig");
const next = @import("../next.zig");
const NumberedMessage = @import("../message.zig").NumberedMessage;
const Policy = @import("../Policy.zig");

pub fn Named(comptime name: [:0]const u8) type {
    return struct {
        const hook = @This();

        pub const symbol = name;
        pub const system_call = "recvmmsg";

        pub fn isWanted(_: Policy) bool {
            return @sizeOf(usize) == 4 or name[0] != '_';
        }

        pub fn call(
            fd: c_int,
            messages: ?[*]NumberedMessage,
            count: c_uint,
            flags: c_int,
            timeout: ?*anyopaque,
        ) callconv(.c) c_int {
            const pin = instance.get();
            const received = next.call(hook, .{ fd, messages, count, flags, timeout });
            if (pin == null or received <= 0) return received;
            for (messages.?[0..@intCast(received)]) |*each| arrivals.adopt(pin.?, &each.message);
            return received;
        }
    };
}
