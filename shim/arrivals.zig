//! Descriptors that come over a Unix socket: SCM_RIGHTS messages, as the kernel has just written them.

const std = @import("std");
const sys = @import("system.zig");

/// struct msghdr as the kernel has it. musl's has shorter lengths with padding, which it clears before
/// the call, so that the kernel's view holds there too.
pub const Message = extern struct {
    name: ?*anyopaque,
    name_length: c_uint,
    data: ?*anyopaque,
    data_count: usize,
    control: ?[*]align(@alignOf(usize)) const u8,
    control_length: usize,
    flags: c_int,
};

/// struct mmsghdr.
pub const NumberedMessage = extern struct { message: Message, length: c_uint };

/// struct cmsghdr, followed by the data; the next one begins at the next multiple of a word.
const Header = extern struct { length: usize, level: c_int, kind: c_int };

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
