//! sendmsg(2): the same moments as sendto(2). The message is not looked at here: it may be unreadable.

const Destination = @import("../address.zig").Destination;
const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Call = @import("../pin.zig").Call;
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "sendmsg";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, message: ?*const Destination, flags: c_int) callconv(.c) isize {
    const guest: Guest = .{
        .call = .{ .fd = fd, .moment = .send, .run = run, .message = message },
        .flags = flags,
    };
    const pin = instance.get() orelse return run(&guest.call);
    return pin.sendOrConnect(&guest.call, flags);
}

const Guest = struct { call: Call, flags: c_int };

fn run(call_of_guest: *const Call) isize {
    const guest: *const Guest = @alignCast(@fieldParentPtr("call", call_of_guest));
    return next.call(hook, .{ guest.call.fd, guest.call.message, guest.flags });
}
