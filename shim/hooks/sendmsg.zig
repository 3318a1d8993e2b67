//! sendmsg(2): the same moments as sendto(2). The message is not looked at here: it may be unreadable.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Call = @import("../call.zig").Call;
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
    var guest: Call = .{
        .fd = fd,
        .moment = .send,
        .run = run,
        .message = message,
        .flags = flags,
        .run_from_source = if (may_have_source) runFromSource else null,
    };
    const pin = instance.get() orelse return run(&guest);
    return pin.choose(&guest);
}

fn run(guest: *const Call) isize {
    return next.call(hook, .{ guest.fd, guest.message, guest.flags });
}

fn runFromSource(guest: *const Call) isize {
    var room: Sourced = undefined;
    const message = instance.get().?.fromSource(guest.fd, &room, guest.message.?);
    return next.call(hook, .{ guest.fd, message, guest.flags });
}
