//! sendmsg(2): the same moments as sendto(2). The message is not looked at: it may be unreadable.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Call = @import("../pin.zig").Call;
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "sendmsg";

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, message: ?*const anyopaque, flags: c_int) callconv(.c) isize {
    const pin = instance.get() orelse return next.of(hook)(fd, message, flags);
    const guest: Guest = .{
        .call = .{ .fd = fd, .moment = .send, .run = run },
        .message = message,
        .flags = flags,
    };
    return pin.sendOrConnect(&guest.call, flags);
}

const Guest = struct { call: Call, message: ?*const anyopaque, flags: c_int };

fn run(call_of_guest: *const Call) isize {
    const guest: *const Guest = @alignCast(@fieldParentPtr("call", call_of_guest));
    return next.of(hook)(guest.call.fd, guest.message, guest.flags);
}

pub fn direct(fd: c_int, message: ?*const anyopaque, flags: c_int) callconv(.c) isize {
    return sys.libcResult(isize, sys.raw("sendmsg", .{ fd, message, flags }));
}
