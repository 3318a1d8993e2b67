//! The order in which a search visits the ports: each exactly once, from a random start, in random
//! steps. Neighbouring searches so do not follow one another's traces, and no port is tried twice
//! or never, the last one included.

const std = @import("std");
const Ports = @import("Ports.zig");
const Random = @import("random.zig").Random;

pub const Shuffled = struct {
    ports: *const Ports,
    count: u32,
    /// Which port is next, numbering them from 0.
    at: u32,
    /// Has no divisor in common with `count`, so the steps come back only after all were visited.
    stride: u32,

    pub fn init(ports: *const Ports, random: *Random) Shuffled {
        const count = ports.size();
        var stride = random.below(count) | 1;
        while (std.math.gcd(stride, count) != 1) stride += 2;
        return .{ .ports = ports, .count = count, .at = random.below(count), .stride = stride };
    }

    pub fn next(shuffled: *Shuffled) u16 {
        defer shuffled.at = (shuffled.at + shuffled.stride) % shuffled.count;
        return shuffled.ports.number(shuffled.at);
    }
};

test "next() visits every port exactly once" {
    var random: Random = .{ .seed = 7 };
    const sets = [_]Ports{
        try .init(&.{.{ .low = 9, .high = 9 }}),
        try .init(&.{.{ .low = 1, .high = 65535 }}),
        try .init(&.{ .{ .low = 10, .high = 14 }, .{ .low = 20, .high = 30 }, .{ .low = 65535, .high = 65535 } }),
    };
    for (&sets) |*ports| for (0..50) |_| {
        var seen: std.StaticBitSet(65536) = .initEmpty();
        var shuffled: Shuffled = .init(ports, &random);
        for (0..ports.size()) |_| {
            const port = shuffled.next();
            try std.testing.expect(ports.has(port) and !seen.isSet(port));
            seen.set(port);
        }
    };
}
