//! sendmmsg(2): the same moments as sendto(2), for the first message. It fails only if that one fails.

const Destination = @import("../address.zig").Destination;
const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Call = @import("../pin.zig").Call;
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "sendmmsg";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, messages: ?*Destination, count: c_uint, flags: c_int) callconv(.c) c_int {
    const guest: Guest = .{
        .call = .{ .fd = fd, .moment = .send, .run = run, .message = messages },
        .messages = messages,
        .count = count,
        .flags = flags,
    };
    const pin = instance.get() orelse return @intCast(run(&guest.call));
    return @intCast(pin.sendOrConnect(&guest.call, flags));
}

const Guest = struct { call: Call, messages: ?*Destination, count: c_uint, flags: c_int };

fn run(call_of_guest: *const Call) isize {
    const guest: *const Guest = @alignCast(@fieldParentPtr("call", call_of_guest));
    return next.call(hook, .{ guest.call.fd, guest.messages, guest.count, guest.flags });
}
