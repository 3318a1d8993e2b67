//! sendto(2): to a destination, the moment when UDP chooses a port if it has none; with MSG_FASTOPEN, TCP too.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Call = @import("../call.zig").Call;
const Message = @import("../message.zig").Message;
const Piece = @import("../message.zig").Piece;
const Policy = @import("../Policy.zig");
const sendmsg = @import("sendmsg.zig");
const Sourced = @import("../pktinfo.zig").Sourced;

const hook = @This();
const may_have_source = instance.policy.mayHaveSource();

pub const symbol = "sendto";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(
    fd: c_int,
    data: ?*const anyopaque,
    data_length: usize,
    flags: c_int,
    address: ?*const anyopaque,
    length: c_uint,
) callconv(.c) isize {
    var guest: Guest = .{
        .call = .{
            .fd = fd,
            .moment = .send,
            .run = run,
            .address = address,
            .length = length,
            .flags = flags,
            .run_from_source = if (may_have_source) runFromSource else null,
        },
        .data = data,
        .data_length = data_length,
    };
    const pin = instance.get();
    if (pin == null or address == null) return run(&guest.call);
    return pin.?.choose(&guest.call);
}

const Guest = struct { call: Call, data: ?*const anyopaque, data_length: usize };

fn run(call_of_guest: *const Call) isize {
    const guest: *const Guest = @alignCast(@fieldParentPtr("call", call_of_guest));
    return next.call(hook, .{ guest.call.fd, guest.data, guest.data_length, guest.call.flags, guest.call.address, guest.call.length });
}

/// A source is said in a control message, which sendto(2) has none of.
fn runFromSource(call_of_guest: *const Call) isize {
    const guest: *const Guest = @alignCast(@fieldParentPtr("call", call_of_guest));
    const piece: Piece = .{ .data = guest.data, .length = guest.data_length };
    const same: Message = .{
        .name = guest.call.address,
        .name_length = guest.call.length,
        .data = &piece,
        .data_count = 1,
        .control = null,
        .control_length = 0,
        .flags = 0,
    };
    var room: Sourced = undefined;
    const message = instance.get().?.fromSource(guest.call.fd, &room, &same);
    return if (message == &same) run(call_of_guest) else next.call(sendmsg, .{ guest.call.fd, message, guest.call.flags });
}
