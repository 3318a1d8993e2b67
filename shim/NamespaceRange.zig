//! `ip_local_port_range` of the network namespace, as far as we know it.
//!
//! A socket's own range counts only while it lies inside the namespace's: else the kernel silently
//! ignores it. The namespace's range may change while the guest runs, by sysctl(8) or by
//! setns(2), so it is read again at most once in every second of the monotonic clock: three
//! system calls a second at the most, and none where no call of the guest may choose a port.

const std = @import("std");
const Policy = @import("Policy.zig");
const Scanner = @import("Scanner.zig");
const PortRange = Policy.PortRange;
const NamespaceRange = @This();

/// Low half: lowest port; high half: highest. One word, so that it is never seen half-written.
word: std.atomic.Value(u32) = .init(unknown),
/// The second in which it was read.
read_at: std.atomic.Value(u32) = .init(0),

/// No namespace has this range: the kernel refuses 0.
const unknown = 0;

/// Of every namespace, the reader's own is shown. proc_sys_net(5)
const path = "/proc/sys/net/ipv4/ip_local_port_range";
/// Two numbers of at most five digits, a tab, a newline.
const text_bytes_max = 16;

/// Not older than this second; null where it cannot be read and never could. A guest that has
/// shut itself off from /proc keeps what was known before.
pub fn get(range: *NamespaceRange, system: anytype) ?PortRange {
    const second = system.coarseSeconds();
    // Another thread may have announced a first reading that it has not finished.
    if (range.read_at.load(.monotonic) != second or range.known() == null) {
        range.read_at.store(second, .monotonic);
        if (read(system)) |new| range.word.store(new, .monotonic);
    }
    return range.known();
}

/// What was read last, without a look at the clock.
pub fn known(range: *const NamespaceRange) ?PortRange {
    const word = range.word.load(.monotonic);
    if (word == unknown) return null;
    return .{ .low = @truncate(word), .high = @truncate(word >> 16) };
}

fn read(system: anytype) ?u32 {
    var buffer: [text_bytes_max]u8 = undefined;
    const text = system.readFile(path, &buffer) orelse return null;
    return parse(text);
}

fn parse(text: []const u8) ?u32 {
    var scanner: Scanner = .{ .text = text };
    const low = scanner.number() orelse return null;
    if (!scanner.take('\t')) return null;
    const high = scanner.number() orelse return null;
    if (low > std.math.maxInt(u16) or high > std.math.maxInt(u16)) return null;
    return low | high << 16;
}

test "parse() reads what the kernel writes" {
    try std.testing.expectEqual(@as(u32, 32768 | 60999 << 16), parse("32768\t60999\n").?);
    try std.testing.expectEqual(@as(u32, 1 | 65535 << 16), parse("1\t65535\n").?);
    try std.testing.expectEqual(null, parse(""));
    try std.testing.expectEqual(null, parse("32768\n"));
    try std.testing.expectEqual(null, parse("-1\t70000\n"));
}
