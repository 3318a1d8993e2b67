//! sendmsg(2): the same moments as sendto(2). The message is not looked at here: it may be unreadable.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Call = @import("../pin.zig").Call;
const Message = @import("../message.zig").Message;
const Policy = @import("../Policy.zig");
const Sourced = @import("../pktinfo.zig").Sourced;

const hook = @This();
const may_have_source = instance.policy.mayHaveSource();

pub const symbol = "sendmsg";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, message: ?*const Message, flags: c_int) callconv(.c) isize {
    const guest: Guest = .{
        .call = .{ .fd = fd, .moment = .send, .run = run, .message = message, .run_from_source = if (may_have_source) runFromSource else null },
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

fn runFromSource(call_of_guest: *const Call) isize {
    const guest: *const Guest = @alignCast(@fieldParentPtr("call", call_of_guest));
    var room: Sourced = undefined;
    const message = instance.get().?.fromSource(guest.call.fd, &room, guest.call.message.?);
    return next.call(hook, .{ guest.call.fd, message, guest.flags });
}
