//! A port set at run time: up to `Policy.port_ranges_max` closed ranges, sorted, apart from one
//! another, in host byte order. It owns its memory, so it can be filled before `main` and read
//! from a signal handler.

const std = @import("std");
const Policy = @import("Policy.zig");
const PortRange = Policy.PortRange;
const Ports = @This();

ranges: [Policy.port_ranges_max]PortRange = undefined,
count: u8 = 0,

pub const none: Ports = .{};

pub fn one(range: PortRange) Ports {
    var ports: Ports = .{ .count = 1 };
    ports.ranges[0] = range;
    return ports;
}

pub const AddError = error{ Overlap, TooMany };

pub fn init(ranges: []const PortRange) AddError!Ports {
    var ports: Ports = .none;
    for (ranges) |range| try ports.add(range);
    return ports;
}

pub fn slice(ports: *const Ports) []const PortRange {
    return ports.ranges[0..ports.count];
}

/// How many ports there are.
pub fn size(ports: *const Ports) u32 {
    var sum: u32 = 0;
    for (ports.slice()) |range| sum += sizeOf(range);
    return sum;
}

/// Adds a range where it belongs; adjacent ranges become one.
pub fn add(ports: *Ports, range: PortRange) AddError!void {
    var at: usize = 0;
    while (at < ports.count and ports.ranges[at].low < range.low) at += 1;
    if (at > 0 and ports.ranges[at - 1].high >= range.low) return error.Overlap;
    if (at < ports.count and ports.ranges[at].low <= range.high) return error.Overlap;

    const joins_left = at > 0 and ports.ranges[at - 1].high + 1 == range.low;
    const joins_right = at < ports.count and ports.ranges[at].low == @as(u32, range.high) + 1;
    if (joins_left) {
        ports.ranges[at - 1].high = range.high;
        if (joins_right) {
            ports.ranges[at - 1].high = ports.ranges[at].high;
            ports.remove(at);
        }
    } else if (joins_right) {
        ports.ranges[at].low = range.low;
    } else try ports.insert(at, range);
}

fn insert(ports: *Ports, at: usize, range: PortRange) AddError!void {
    if (ports.count == ports.ranges.len) return error.TooMany;
    var index: usize = ports.count;
    while (index > at) : (index -= 1) ports.ranges[index] = ports.ranges[index - 1];
    ports.ranges[at] = range;
    ports.count += 1;
}

fn remove(ports: *Ports, at: usize) void {
    ports.count -= 1;
    for (at..ports.count) |index| ports.ranges[index] = ports.ranges[index + 1];
}

/// Keeps only part `part.index` of `part.count`: the parts are disjoint, cover the set, and differ in
/// size by at most one. Numbering the n ports from 0, a part has those from `index * n / count` up to,
/// not including, `(index + 1) * n / count`. The generator has the same formula.
pub fn keepPart(ports: *Ports, part: Policy.Slice) error{MorePartsThanPorts}!void {
    const total = ports.size();
    if (part.count > total) return error.MorePartsThanPorts;
    const from: u32 = @as(u32, part.index) * total / part.count;
    const to: u32 = (@as(u32, part.index) + 1) * total / part.count;

    var kept: u8 = 0;
    var passed: u32 = 0;
    for (ports.slice()) |range| {
        const begin = @max(from, passed);
        const end = @min(to, passed + sizeOf(range));
        if (begin < end) {
            ports.ranges[kept] = .{
                .low = @intCast(range.low + (begin - passed)),
                .high = @intCast(range.low + (end - passed) - 1),
            };
            kept += 1;
        }
        passed += sizeOf(range);
    }
    ports.count = kept;
}

/// The port numbered `index`, counting from 0 in ascending order.
pub fn number(ports: *const Ports, index: u32) u16 {
    var left = index;
    for (ports.slice()) |range| {
        if (left < sizeOf(range)) return @intCast(range.low + left);
        left -= sizeOf(range);
    }
    unreachable;
}

pub fn has(ports: *const Ports, port: u16) bool {
    return ports.holds(.{ .low = port, .high = port });
}

/// Which range holds the port that `random` stands for: every port is as likely as any other.
pub fn pick(ports: *const Ports, random: u32) usize {
    var left: u32 = @intCast(@as(u64, random) * ports.size() >> 32);
    for (ports.slice(), 0..) |range, index| {
        if (left < sizeOf(range)) return index;
        left -= sizeOf(range);
    }
    unreachable;
}

/// Whether every port of `range` is one of the ports.
pub fn holds(ports: *const Ports, range: PortRange) bool {
    for (ports.slice()) |ours| {
        if (ours.low <= range.low and range.low <= range.high and range.high <= ours.high) return true;
    }
    return false;
}

/// The index of exactly this range.
pub fn find(ports: *const Ports, range: PortRange) ?usize {
    for (ports.slice(), 0..) |ours, index| {
        if (ours.low == range.low and ours.high == range.high) return index;
    }
    return null;
}

/// Whether all the ports lie inside `range`.
pub fn liesInside(ports: *const Ports, range: PortRange) bool {
    const ranges = ports.slice();
    return range.low <= ranges[0].low and ranges[ranges.len - 1].high <= range.high;
}

fn sizeOf(range: PortRange) u32 {
    return @as(u32, range.high) - range.low + 1;
}

test "add() sorts, joins neighbours and refuses overlap" {
    var ports: Ports = .none;
    try ports.add(.{ .low = 300, .high = 399 });
    try ports.add(.{ .low = 100, .high = 199 });
    try ports.add(.{ .low = 200, .high = 299 });
    try std.testing.expectEqualSlices(PortRange, &.{.{ .low = 100, .high = 399 }}, ports.slice());
    try std.testing.expectError(error.Overlap, ports.add(.{ .low = 399, .high = 400 }));
    try std.testing.expectError(error.Overlap, ports.add(.{ .low = 1, .high = 65535 }));
    try ports.add(.{ .low = 65535, .high = 65535 });
    try ports.add(.{ .low = 65534, .high = 65534 });
    try std.testing.expectEqual(302, ports.size());
}

test "add() refuses one range too many" {
    var ports: Ports = .none;
    for (0..Policy.port_ranges_max) |index| {
        const port: u16 = @intCast(1000 + 2 * index);
        try ports.add(.{ .low = port, .high = port });
    }
    try std.testing.expectError(error.TooMany, ports.add(.{ .low = 1, .high = 1 }));
}

test "keepPart() is disjoint, covers, and differs in size by at most one" {
    const ports = try init(&.{ .{ .low = 10, .high = 16 }, .{ .low = 20, .high = 20 }, .{ .low = 40, .high = 52 } });
    for (1..ports.size() + 1) |count| {
        var covered: Ports = .none;
        for (0..count) |index| {
            var part = ports;
            try part.keepPart(.{ .index = @intCast(index), .count = @intCast(count) });
            const floor = ports.size() / @as(u32, @intCast(count));
            try std.testing.expect(part.size() == floor or part.size() == floor + 1);
            for (part.slice()) |range| try covered.add(range);
        }
        try std.testing.expectEqualSlices(PortRange, ports.slice(), covered.slice());
    }
    var none_left = ports;
    try std.testing.expectError(error.MorePartsThanPorts, none_left.keepPart(.{ .index = 0, .count = 22 }));
}

test "keepPart() does not overflow with all ports in as many parts" {
    var ports = try init(&.{.{ .low = 1, .high = 65535 }});
    try ports.keepPart(.{ .index = 65534, .count = 65535 });
    try std.testing.expectEqualSlices(PortRange, &.{.{ .low = 65535, .high = 65535 }}, ports.slice());
}

test "pick() weighs ranges by their size" {
    const ports = try init(&.{ .{ .low = 1, .high = 3 }, .{ .low = 11, .high = 11 } });
    var counts = [_]u32{ 0, 0 };
    for (0..4096) |step| counts[ports.pick(@intCast(step << 20))] += 1;
    try std.testing.expectEqualSlices(u32, &.{ 3072, 1024 }, &counts);
    try std.testing.expectEqual(1, ports.pick(std.math.maxInt(u32)));
}

test "holds() takes parts of one range only" {
    const ports = try init(&.{ .{ .low = 10, .high = 19 }, .{ .low = 30, .high = 39 } });
    try std.testing.expect(ports.holds(.{ .low = 12, .high = 12 }));
    try std.testing.expect(ports.holds(.{ .low = 30, .high = 39 }));
    try std.testing.expect(!ports.holds(.{ .low = 19, .high = 30 }));
    try std.testing.expect(!ports.holds(.{ .low = 0, .high = 0 }));
    try std.testing.expect(!ports.holds(.{ .low = 15, .high = 12 }));
    try std.testing.expect(ports.liesInside(.{ .low = 10, .high = 39 }));
    try std.testing.expect(!ports.liesInside(.{ .low = 11, .high = 39 }));
}
