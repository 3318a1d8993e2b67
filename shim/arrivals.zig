//! Descriptors that come over a Unix socket: SCM_RIGHTS messages, as the kernel has just written them.

const std = @import("std");
const sys = @import("system.zig");
const Header = @import("message.zig").Header;
const Message = @import("message.zig").Message;

pub fn adopt(pin: anytype, message: *const Message) void {
    const control = message.control orelse return;
    if (message.control_length < @sizeOf(Header)) return;
    var at: usize = 0;
    while (at + @sizeOf(Header) <= message.control_length) {
        const header: *const Header = @ptrCast(@alignCast(control + at));
        if (header.length < @sizeOf(Header) or header.length > message.control_length - at) return;
        if (header.level == sys.SOL.SOCKET and header.kind == sys.SCM.RIGHTS) {
            const rights: [*]const c_int = @ptrCast(@alignCast(control + at + @sizeOf(Header)));
            const count = (header.length - @sizeOf(Header)) / @sizeOf(c_int);
            for (rights[0..count]) |fd| pin.adoptStranger(fd);
        }
        at += std.mem.alignForward(usize, header.length, @sizeOf(usize));
    }
}
