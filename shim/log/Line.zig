//! A line under construction: one JSON object.
//!
//! Rule: no allocation, and no pointers in the tables, each of which would cost the library a relocation.

const std = @import("std");
const sys = @import("../system.zig");
const Line = @This();
const Ports = @import("../Ports.zig");

bytes: [bytes_max]u8 = undefined,
length: usize = 0,

/// 32 ranges, two IPv6 addresses, and the rest.
const bytes_max = 768;

/// Null: it has become too long.
pub fn whole(line: *const Line) ?[]const u8 {
    return if (line.length > line.bytes.len) null else line.bytes[0..line.length];
}

/// What has no room is left out.
pub fn put(line: *Line, text: []const u8) void {
    for (text) |byte| {
        if (line.length < line.bytes.len) line.bytes[line.length] = byte;
        line.length += 1;
    }
}

pub fn key(line: *Line, name: []const u8) void {
    line.put(if (line.length == 0) "{\"" else ",\"");
    line.put(name);
    line.put("\":");
}

pub fn string(line: *Line, name: []const u8, value: ?[]const u8) void {
    line.key(name);
    const text = value orelse return line.put("null");
    line.put("\"");
    line.put(text);
    line.put("\"");
}

/// `digits`: at least so many.
pub fn number(line: *Line, value: u64, radix: u8, digits: usize) void {
    var text: [20]u8 = undefined;
    var at = text.len;
    var left = value;
    while (left > 0 or text.len - at < digits) : (left /= radix) {
        at -= 1;
        text[at] = "0123456789abcdef"[@intCast(left % radix)];
    }
    line.put(text[at..]);
}

pub fn count(line: *Line, name: []const u8, value: ?u64) void {
    line.key(name);
    if (value) |it| line.number(it, 10, 1) else line.put("null");
}

pub fn end(line: *Line, name: []const u8, value: *const ?sys.Name) void {
    line.key(name);
    const it: *const sys.Name = if (value.*) |*there| there else return line.put("null");
    line.put("\"");
    line.address(it);
    line.put(":");
    line.number(it.port(), 10, 1);
    line.put("\"");
}

fn address(line: *Line, name: *const sys.Name) void {
    const is_ipv6 = name.bytes.family == sys.AF.INET6;
    if (is_ipv6) line.put("[");
    if (name.ipv4()) |four| {
        if (is_ipv6) line.put("::ffff:");
        for (four, 0..) |byte, index| {
            if (index > 0) line.put(".");
            line.number(byte, 10, 1);
        }
    } else line.ipv6(&name.bytes.addr);
    if (is_ipv6) line.put("]");
}

/// RFC 5952: the longest run of two or more zero words, the first of equals, is left out.
fn ipv6(line: *Line, bytes: *const [16]u8) void {
    var from: usize = 8;
    var longest: usize = 1;
    for (0..8) |start| {
        var length: usize = 0;
        while (start + length < 8 and bytes[2 * (start + length)] | bytes[2 * (start + length) + 1] == 0) length += 1;
        if (length > longest) {
            from = start;
            longest = length;
        }
    }
    var at: usize = 0;
    while (at < 8) {
        if (at == from) {
            line.put("::");
            at += longest;
            continue;
        }
        if (at > 0 and at != from + longest) line.put(":");
        line.number(std.mem.readInt(u16, bytes[2 * at ..][0..2], .big), 16, 1);
        at += 1;
    }
}

pub fn ports(line: *Line, value: ?*const Ports) void {
    line.key("ports");
    const it = value orelse return line.put("null");
    line.put("\"");
    for (it.slice(), 0..) |range, index| {
        if (index > 0) line.put(",");
        line.number(range.low, 10, 1);
        if (range.high == range.low) continue;
        line.put("-");
        line.number(range.high, 10, 1);
    }
    line.put("\"");
}

pub fn errno(line: *Line, value: sys.E) void {
    if (value == .SUCCESS) return line.string("errno", null);
    for (errno_names) |each| {
        if (each.errno == value) return line.string("errno", std.mem.sliceTo(&each.name, 0));
    }
    line.count("errno", @intFromEnum(value));
}

/// What these calls say; every other is a number.
const errno_names = names: {
    const listed = .{
        .ACCES,       .ADDRINUSE, .ADDRNOTAVAIL, .AFNOSUPPORT, .AGAIN,   .ALREADY, .BADF,     .CONNABORTED, .CONNREFUSED, .CONNRESET,
        .DESTADDRREQ, .FAULT,     .HOSTUNREACH,  .INPROGRESS,  .INTR,    .INVAL,   .ISCONN,   .MSGSIZE,     .NETUNREACH,  .NOBUFS,
        .NOTSOCK,     .OPNOTSUPP, .PERM,         .PIPE,        .NOTCONN, .NOMEM,   .TIMEDOUT,
    };
    var entries: [listed.len]struct { errno: sys.E, name: [16]u8 } = undefined;
    for (listed, &entries) |value, *entry| {
        entry.* = .{ .errno = value, .name = @splat(0) };
        const name = "E" ++ @tagName(value);
        entry.name[0..name.len].* = name.*;
    }
    break :names entries;
};

/// @tagName without a table of pointers.
pub fn nameOf(value: anytype) []const u8 {
    const Tag = @TypeOf(value);
    const names = comptime table: {
        var entries: [std.enums.values(Tag).len][15:0]u8 = @splat(@splat(0));
        for (std.enums.values(Tag)) |tag| entries[@intFromEnum(tag)][0..@tagName(tag).len].* = @tagName(tag).*;
        break :table entries;
    };
    return std.mem.sliceTo(&names[@intFromEnum(value)], 0);
}

test "IPv6 addresses are written as RFC 5952 has them" {
    const cases = [_][]const u8{ "::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "2001:db8::1:0:0:1", "1:2:3:4:5:6:7:8", "fe80::a:0:0:b" };
    for (cases) |text| {
        var line: Line = .{};
        line.ipv6(&(try std.Io.net.Ip6Address.parse(text, 0)).bytes);
        try std.testing.expectEqualStrings(text, line.bytes[0..line.length]);
    }
}
