//! sendto(2): to a destination, the moment when UDP chooses a port if it has none; with MSG_FASTOPEN, TCP too.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Call = @import("../pin.zig").Call;
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "sendto";

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
    const pin = instance.get() orelse
        return next.of(hook)(fd, data, data_length, flags, address, length);
    if (address == null) return next.of(hook)(fd, data, data_length, flags, address, length);
    const guest: Guest = .{
        .call = .{ .fd = fd, .moment = .send, .run = run, .address = address, .length = length },
        .data = data,
        .data_length = data_length,
        .flags = flags,
    };
    return pin.sendOrConnect(&guest.call, flags);
}

const Guest = struct { call: Call, data: ?*const anyopaque, data_length: usize, flags: c_int };

fn run(call_of_guest: *const Call) isize {
    const guest: *const Guest = @alignCast(@fieldParentPtr("call", call_of_guest));
    return next.of(hook)(guest.call.fd, guest.data, guest.data_length, guest.flags, guest.call.address, guest.call.length);
}

pub fn direct(
    fd: c_int,
    data: ?*const anyopaque,
    data_length: usize,
    flags: c_int,
    address: ?*const anyopaque,
    length: c_uint,
) callconv(.c) isize {
    return sys.libcResult(isize, sys.raw("sendto", .{ fd, data, data_length, flags, address, length }));
}
