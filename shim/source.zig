//! The source: the address that connections and flows leave from, and which one a destination gets.
//!
//! Rule: loopback keeps its natural source, because a peer on 127.0.0.1 trusts 127.0.0.1; and a family that
//! the operator named no address for keeps the kernel's choice.

const std = @import("std");
const sys = @import("system.zig");
const Source = @import("Policy.zig").Source;

/// The end that a flow to `destination` leaves from, with port 0; null: as the kernel chooses.
pub fn towards(source: Source, destination: *const sys.Name) ?sys.Name {
    var name = choose(source, destination.bytes.family, destination.ipv4() != null) orelse return null;
    // 0.0.0.0 and :: as a destination are loopback. ip(7)
    if ((isLoopback(destination) or destination.isWildcard()) and !isLoopback(&name)) return null;
    // A link-local address means one on the destination's link.
    if (name.isLinkLocal()) name.bytes.scope_id = destination.bytes.scope_id;
    return name;
}

/// Whether a source means an address on a link, and the destination is on none. One that should be on a link
/// and does not say which, connect(2) refuses by itself.
pub fn isOffLink(from: *const sys.Name, destination: *const sys.Name) bool {
    return from.isLinkLocal() and from.bytes.scope_id == 0 and !destination.isLinkLocal();
}

/// What a server that asks for `wildcard` is bound to instead, with the same port. An IPv6 server that takes
/// IPv4 too gets the IPv4 source where there is no other; null: what it asked for.
pub fn forServer(source: Source, wildcard: *const sys.Name, is_v6_only: bool) ?sys.Name {
    const is_true_ipv6 = wildcard.ipv4() == null;
    const as_ipv4 = !is_true_ipv6 or (source.ipv6 == null and !is_v6_only);
    var name = choose(source, wildcard.bytes.family, as_ipv4) orelse return null;
    name.setPort(wildcard.port());
    return name;
}

/// Whether `name`'s address is this source.
pub fn isAt(source: Source, name: *const sys.Name) bool {
    const ours = choose(source, name.bytes.family, name.ipv4() != null) orelse return false;
    return ours.hasSameAddress(name);
}

fn choose(source: Source, family: u16, as_ipv4: bool) ?sys.Name {
    if (as_ipv4) return .ofIpv4(family, source.ipv4 orelse return null);
    return .ofIpv6(source.ipv6 orelse return null);
}

fn isLoopback(name: *const sys.Name) bool {
    if (name.ipv4()) |four| return four[0] == 127;
    const loopback = [_]u8{0} ** 15 ++ [_]u8{1};
    return std.mem.eql(u8, &name.bytes.addr, &loopback);
}

const both: Source = .{ .ipv4 = .{ 192, 0, 2, 7 }, .ipv6 = [_]u8{ 0x20, 0x01, 0x0d, 0xb8 } ++ [_]u8{0} ** 11 ++ [_]u8{7} };
const only_ipv4: Source = .{ .ipv4 = both.ipv4, .ipv6 = null };

fn ipv4(family: u16, text: [4]u8) sys.Name {
    return .ofIpv4(family, text);
}

test "towards() takes the destination's family, also mapped" {
    const plain = towards(both, &ipv4(sys.AF.INET, .{ 198, 51, 100, 1 })).?;
    try std.testing.expectEqual(sys.AF.INET, plain.bytes.family);
    try std.testing.expectEqualSlices(u8, &both.ipv4.?, plain.ipv4().?);
    const mapped = towards(both, &ipv4(sys.AF.INET6, .{ 198, 51, 100, 1 })).?;
    try std.testing.expectEqual(sys.AF.INET6, mapped.bytes.family);
    try std.testing.expectEqualSlices(u8, &both.ipv4.?, mapped.ipv4().?);
    const six: sys.Name = .ofIpv6(both.ipv6.?);
    try std.testing.expectEqual(both.ipv6.?, towards(both, &six).?.bytes.addr);
    try std.testing.expectEqual(null, towards(only_ipv4, &six));
}

test "towards() leaves loopback alone, unless the source is loopback itself" {
    const loopback: Source = .{ .ipv4 = .{ 127, 0, 0, 9 }, .ipv6 = null };
    for ([_][4]u8{ .{ 127, 0, 0, 1 }, .{ 0, 0, 0, 0 } }) |text| {
        for ([_]u16{ sys.AF.INET, sys.AF.INET6 }) |family| {
            try std.testing.expectEqual(null, towards(both, &ipv4(family, text)));
            try std.testing.expect(towards(loopback, &ipv4(family, text)) != null);
        }
    }
    for ([_]u8{ 0, 1 }) |last| {
        const name: sys.Name = .ofIpv6([_]u8{0} ** 15 ++ [_]u8{last});
        try std.testing.expectEqual(null, towards(both, &name));
    }
}

test "towards() puts a link-local source on the destination's link" {
    var destination: sys.Name = .ofIpv6([_]u8{ 0xfe, 0x80 } ++ [_]u8{0} ** 13 ++ [_]u8{2});
    destination.bytes.scope_id = 3;
    const source: Source = .{ .ipv4 = null, .ipv6 = [_]u8{ 0xfe, 0x80 } ++ [_]u8{0} ** 13 ++ [_]u8{1} };
    try std.testing.expectEqual(3, towards(source, &destination).?.bytes.scope_id);
    try std.testing.expectEqual(0, towards(both, &destination).?.bytes.scope_id);
    try std.testing.expect(!isOffLink(&towards(source, &destination).?, &destination));
    const far: sys.Name = .ofIpv6(both.ipv6.?);
    try std.testing.expect(isOffLink(&towards(source, &far).?, &far));
}

test "forServer() keeps the port, and prefers a socket's own family" {
    var wildcard: sys.Name = .ofIpv6(@splat(0));
    wildcard.setPort(8080);
    const six = forServer(both, &wildcard, false).?;
    try std.testing.expectEqual(both.ipv6.?, six.bytes.addr);
    try std.testing.expectEqual(8080, six.port());
    try std.testing.expectEqualSlices(u8, &both.ipv4.?, forServer(only_ipv4, &wildcard, false).?.ipv4().?);
    try std.testing.expectEqual(null, forServer(only_ipv4, &wildcard, true));
    try std.testing.expect(isAt(both, &six) and !isAt(only_ipv4, &six) and !isAt(both, &wildcard));
}
