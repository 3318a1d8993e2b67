//! Reads the guest's socket addresses, which may be null, short, unaligned or unreadable.
//!
//! Rule: byte by byte, never past the length, never written to, and never before it is certain that
//! they can be read: the kernel has just read the same address, or was asked whether it could.

const std = @import("std");
const linux = std.os.linux;
const sys = @import("system.zig");
const Message = @import("message.zig").Message;

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
    if (!mayHoldOne(length) or !canRead(system, address, length)) return null;
    return givenPort(address.?, length);
}

/// The whole address, where `read` finds a port.
pub fn copy(system: anytype, address: ?*const anyopaque, length: c_uint) ?sys.Name {
    if (!mayHoldOne(length) or !canRead(system, address, length)) return null;
    return copyReadable(address.?, length);
}

/// The same where the kernel has just read the first bytes.
pub fn copyBegun(system: anytype, address: *const anyopaque, length: c_uint) ?sys.Name {
    if (!mayHoldOne(length) or !canReadEnd(system, @intFromPtr(address), length)) return null;
    return copyReadable(address, length);
}

/// The same where the kernel has written it, `length` bytes if there was room for as many.
pub fn copyWritten(address: *const anyopaque, length: c_uint) ?sys.Name {
    return if (mayHoldOne(length)) copyReadable(address, length) else null;
}

fn copyReadable(address: *const anyopaque, length: c_uint) ?sys.Name {
    if (givenPort(address, length) == null) return null;
    const bytes: [*]const u8 = @ptrCast(address);
    var name: sys.Name = std.mem.zeroes(sys.Name);
    name.length = @min(length, @sizeOf(linux.sockaddr.in6));
    const to: *[@sizeOf(linux.sockaddr.in6)]u8 = @ptrCast(&name.bytes);
    @memcpy(to[0..name.length], bytes[0..name.length]);
    return name;
}

/// The kernel refuses more than struct sockaddr_storage.
fn mayHoldOne(length: c_uint) bool {
    return length >= @sizeOf(linux.sockaddr.in) and length <= @sizeOf(linux.sockaddr.storage);
}

fn givenPort(address: *const anyopaque, length: c_uint) ?u16 {
    const bytes: [*]const u8 = @ptrCast(address);
    if (std.mem.readInt(u16, bytes[0..2], .native) == linux.AF.UNSPEC) return null;
    return port(address, length);
}

/// Whether all `length` bytes can be read, `length` being at most a page: the pages of the first and
/// the last byte are asked for.
pub fn canRead(system: anytype, start: ?*const anyopaque, length: usize) bool {
    var at = @intFromPtr(start);
    if (at < 8) return false; // Null, or so near that its word begins there.
    const last = at +% length -% 1;
    while (system.isReadable(at & word_mask)) : (at = last) {
        if ((at ^ last) < page_bytes_min) return true;
    }
    return false;
}

/// The same where the first byte can be.
fn canReadEnd(system: anytype, first: usize, length: usize) bool {
    const last = first +% length -% 1;
    return (first ^ last) < page_bytes_min or system.isReadable(last & word_mask);
}

/// isReadable() asks for eight bytes: eight that lie in one page with this one.
const word_mask = ~@as(usize, 7);
const page_bytes_min = 4096;

/// Where the guest's message (of sendmsg, or the first of sendmmsg) goes to; null where it does not say,
/// or cannot be read.
pub fn ofMessage(system: anytype, message: ?*const Message) ?sys.Name {
    if (!canRead(system, message, @sizeOf(Message))) return null;
    return copy(system, message.?.name, message.?.name_length);
}
