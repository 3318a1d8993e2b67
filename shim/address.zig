//! Reads the guest's socket addresses, which may be null, short, unaligned or unreadable.
//!
//! Rule: byte by byte, never past the length, never written to, and never before it is certain that
//! they can be read: the kernel has just read the same address, or was asked whether it could.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("system.zig");

/// RFC 2133's sockaddr_in6 had no scope; the kernel still takes it (SIN6_LEN_RFC2133).
const in6_bytes_min = 24;

/// The port of an address that the kernel has read, in host byte order; null for families that have none.
pub fn port(address: *const anyopaque, length: c_uint) ?u16 {
    const bytes: [*]const u8 = @ptrCast(address);
    switch (std.mem.readInt(u16, bytes[0..2], .native)) {
        // bind(2) takes AF_UNSPEC for AF_INET where the address is the wildcard.
        linux.AF.INET, linux.AF.UNSPEC => if (length < @sizeOf(linux.sockaddr.in)) return null,
        linux.AF.INET6 => if (length < in6_bytes_min) return null,
        else => return null,
    }
    return std.mem.readInt(u16, bytes[2..4], .big);
}

/// The same before the kernel has read it; null also where it would fail, and for AF_UNSPEC.
pub fn read(system: anytype, address: ?*const anyopaque, length: c_uint) ?u16 {
    const given = address orelse return null;
    // The kernel refuses more than struct sockaddr_storage.
    if (length < @sizeOf(linux.sockaddr.in) or length > @sizeOf(linux.sockaddr.storage)) return null;
    if (!system.isReadable(given)) return null;
    const bytes: [*]const u8 = @ptrCast(given);
    if (std.mem.readInt(u16, bytes[0..2], .native) == linux.AF.UNSPEC) return null;
    return port(given, length);
}

/// Whether `count` bytes (at most eight) can be read there.
pub fn isReadable(system: anytype, pointer: ?*const anyopaque, count: usize) bool {
    const bytes: [*]const u8 = @ptrCast(pointer orelse return false);
    // Eight at a time can be asked for; fewer may be the last ones of a page.
    return system.isReadable(bytes) or system.isReadable(bytes - (8 - count));
}

/// The whole address, where `read` finds a port; null where the kernel could not read it whole.
pub fn copy(system: anytype, address: ?*const anyopaque, length: c_uint) ?sys.Name {
    if (read(system, address, length) == null) return null;
    const bytes: [*]const u8 = @ptrCast(address.?);
    var name: sys.Name = std.mem.zeroes(sys.Name);
    name.length = @min(length, @sizeOf(linux.sockaddr.in6));
    // Eight bytes at a time can be asked for; the last ones of 28 are asked for with some before them.
    for ([_]usize{ 8, 16, 20 }) |at| {
        if (at + 8 <= name.length and !system.isReadable(bytes + at)) return null;
    }
    const to: *[@sizeOf(linux.sockaddr.in6)]u8 = @ptrCast(&name.bytes);
    @memcpy(to[0..name.length], bytes[0..name.length]);
    return name;
}

/// The beginning of struct msghdr: where a message goes to.
pub const Destination = extern struct { address: ?*const anyopaque, length: c_uint };

/// Where the guest's message (of sendmsg, or the first of sendmmsg) goes to; null where it does not say,
/// or cannot be read.
pub fn ofMessage(system: anytype, message: ?*const Destination) ?Destination {
    const given = message orelse return null;
    const bytes: [*]const u8 = @ptrCast(given);
    if (!system.isReadable(bytes) or !system.isReadable(bytes + @sizeOf(usize))) return null;
    return given.*;
}
