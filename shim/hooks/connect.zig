//! connect(2): the moment when TCP chooses a port, and UDP if it has none.
//!
//! The destination is not looked at: the range is the socket's, and an address that cannot be
//! read is for the kernel to refuse.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Call = @import("../call.zig").Call;
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "connect";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, address: ?*const anyopaque, length: c_uint) callconv(.c) c_int {
    var guest: Call = .{ .fd = fd, .moment = .connect, .run = run, .address = address, .length = length };
    const pin = instance.get() orelse return @intCast(run(&guest));
    return @intCast(pin.choose(&guest));
}

fn run(guest: *const Call) isize {
    return next.call(hook, .{ guest.fd, guest.address, guest.length });
}
