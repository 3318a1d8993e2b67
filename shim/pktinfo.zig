//! A source for single datagrams: IP_PKTINFO or IPV6_PKTINFO, as a control message with sendmsg(2).
//!
//! An unconnected UDP socket stays bound to the wildcard, as the guest knows it: it receives wherever it did, may
//! send to IPv4 and IPv6 in turn, and each datagram still leaves from the source. ip(7), ipv6(7)
//!
//! Rule: what the guest says itself wins, and its own memory is only read.

const std = @import("std");
const address = @import("address.zig");
const sys = @import("system.zig");
const Header = @import("message.zig").Header;
const Message = @import("message.zig").Message;

/// So many bytes of control messages are copied; a message with more goes as it is.
const control_bytes_max = 256;

/// A message of the guest and its source, on our stack.
pub const Sourced = struct {
    message: Message,
    control: [control_bytes_max]u8 align(@alignOf(Header)),

    pub const Outcome = enum {
        made,
        /// The guest says itself where its message leaves from.
        guests,
        /// Its control messages are too many, or cannot be read.
        no_room,
    };

    /// Not `made`: the message must go as the guest made it. `message` can be read.
    pub fn make(sourced: *Sourced, system: anytype, message: *const Message, from: *const sys.Name) Outcome {
        sourced.message = message.*;
        const given: usize = @as(u32, @truncate(message.control_length));
        var at = std.mem.alignForward(usize, given, @alignOf(Header));
        if (at > sourced.control.len or (given > 0 and !address.canRead(system, message.control, given))) return .no_room;
        @memset(&sourced.control, 0);
        if (given > 0) @memcpy(sourced.control[0..given], message.control.?[0..given]);
        if (saysItself(&sourced.control, given)) return .guests;
        at += if (from.ipv4()) |four|
            append(&sourced.control, at, sys.SOL.IP, sys.IP.PKTINFO, PacketInfo{ .source = four.* }) orelse return .no_room
        else
            append(&sourced.control, at, sys.SOL.IPV6, sys.IPV6_PKTINFO, PacketInfo6{
                .source = from.bytes.addr,
                .interface = from.bytes.scope_id,
            }) orelse return .no_room;
        sourced.message.control = &sourced.control;
        sourced.message.control_length = at;
        return .made;
    }
};

/// struct in_pktinfo, struct in6_pktinfo
const PacketInfo = extern struct { interface: c_int = 0, source: [4]u8, destination: [4]u8 = @splat(0) };
const PacketInfo6 = extern struct { source: [16]u8, interface: u32 };

/// How many bytes were added; null: there is no room.
fn append(control: *[control_bytes_max]u8, at: usize, level: c_int, kind: c_int, info: anytype) ?usize {
    const length = @sizeOf(Header) + @sizeOf(@TypeOf(info));
    const space = std.mem.alignForward(usize, length, @alignOf(Header));
    if (at + space > control.len) return null;
    const header: Header = .{ .length = length, .level = level, .kind = kind };
    @memcpy(control[at..][0..@sizeOf(Header)], std.mem.asBytes(&header));
    @memcpy(control[at + @sizeOf(Header) ..][0..@sizeOf(@TypeOf(info))], std.mem.asBytes(&info));
    return space;
}

/// Whether there is a source among the guest's control messages, in any of its spellings.
fn saysItself(control: *align(@alignOf(Header)) const [control_bytes_max]u8, length: usize) bool {
    var at: usize = 0;
    while (at + @sizeOf(Header) <= length) {
        const header: *const Header = @ptrCast(@alignCast(control[at..]));
        const own_length: usize = @as(u32, @truncate(header.length));
        if (header.level == sys.SOL.IP and header.kind == sys.IP.PKTINFO) return true;
        if (header.level == sys.SOL.IPV6 and (header.kind == sys.IPV6_PKTINFO or header.kind == sys.IPV6_2292PKTINFO)) return true;
        if (own_length < @sizeOf(Header) or own_length > length - at) return false;
        at += std.mem.alignForward(usize, own_length, @alignOf(Header));
    }
    return false;
}

const Readable = struct {
    pub fn isReadable(_: Readable, _: usize) bool {
        return true;
    }
};

fn messageOf(control: []const u8) Message {
    var message = std.mem.zeroes(Message);
    message.control = control.ptr;
    message.control_length = control.len;
    return message;
}

test "make() appends the source to what the guest sends along" {
    const mark: extern struct { header: Header, value: c_int } = .{
        .header = .{ .length = @sizeOf(Header) + @sizeOf(c_int), .level = sys.SOL.SOCKET, .kind = 36 },
        .value = 7,
    };
    const given = std.mem.asBytes(&mark)[0 .. @sizeOf(Header) + @sizeOf(c_int)];
    var sourced: Sourced = undefined;
    try std.testing.expectEqual(.made, sourced.make(Readable{}, &messageOf(given), &.ofIpv4(sys.AF.INET, .{ 192, 0, 2, 7 })));
    try std.testing.expectEqualSlices(u8, given, sourced.message.control.?[0..given.len]);
    const ours: *const Header = @ptrCast(@alignCast(&sourced.control[@sizeOf(@TypeOf(mark))]));
    try std.testing.expectEqual(sys.IP.PKTINFO, ours.kind);
    try std.testing.expectEqual(@sizeOf(@TypeOf(mark)) + std.mem.alignForward(usize, ours.length, @alignOf(Header)), sourced.message.control_length);
}

test "make() leaves the guest's own source alone, and what has no room" {
    var sourced: Sourced = undefined;
    const from: sys.Name = .ofIpv6(@splat(1));
    try std.testing.expectEqual(.made, sourced.make(Readable{}, &messageOf(""), &from));
    const own = sourced.control;
    try std.testing.expectEqual(.guests, sourced.make(Readable{}, &messageOf(own[0..sourced.message.control_length]), &from));
    const long: [control_bytes_max]u8 = @splat(0);
    try std.testing.expectEqual(.no_room, sourced.make(Readable{}, &messageOf(&long), &from));
}
