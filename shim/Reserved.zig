//! `ip_local_reserved_ports` of the network namespace: ports that the kernel's own choice skips, and so
//! does a search. An explicit bind(2) of the guest ignores them, as ever.
//!
//! One bit a port, in words that are each written at once: a search that runs while another thread reads
//! the file again sees each word either old or new.

const std = @import("std");
const Scanner = @import("Scanner.zig");
const Reserved = @This();

words: [65536 / 32]std.atomic.Value(u32) = @splat(.init(0)),
read_at: std.atomic.Value(u32) = .init(0),

const path = "/proc/sys/net/ipv4/ip_local_reserved_ports";
/// Longer lists are read up to here; on a signal handler's stack there is no more room.
const text_bytes_max = 1024;

/// Not older than this second, as NamespaceRange is.
pub fn refresh(reserved: *Reserved, system: anytype) void {
    const second = system.coarseSeconds();
    if (reserved.read_at.load(.monotonic) == second) return;
    reserved.read_at.store(second, .monotonic);
    var buffer: [text_bytes_max]u8 = undefined;
    reserved.set(system.readFile(path, &buffer) orelse return);
}

pub fn has(reserved: *const Reserved, port: u16) bool {
    const word = reserved.words[port / 32].load(.monotonic);
    return word >> @intCast(port % 32) & 1 != 0;
}

/// The kernel writes sorted ranges, so each word is complete when a later one begins.
fn set(reserved: *Reserved, text: []const u8) void {
    var scanner: Scanner = .{ .text = text };
    var word: u32 = 0;
    var at: usize = 0;
    while (scanner.number()) |low| {
        const high = if (scanner.take('-')) scanner.number() orelse break else low;
        var port = low;
        while (port <= @min(high, 65535)) : (port += 1) {
            while (at < port / 32) : (at += 1) {
                reserved.words[at].store(word, .monotonic);
                word = 0;
            }
            word |= @as(u32, 1) << @intCast(port % 32);
        }
        if (!scanner.take(',')) break;
    }
    while (at < reserved.words.len) : (at += 1) {
        reserved.words[at].store(word, .monotonic);
        word = 0;
    }
}

test "set() takes the kernel's notation, and forgets what is no longer there" {
    var reserved: Reserved = .{};
    for ([_][]const u8{ "8080,9148\n", "\n", "1-3,40000,40002-40100,65535\n" }) |text| reserved.set(text);
    for ([_]u16{ 1, 3, 40000, 40002, 40050, 40100, 65535 }) |port| try std.testing.expect(reserved.has(port));
    for ([_]u16{ 0, 4, 8080, 9148, 39999, 40001, 40101, 65534 }) |port| try std.testing.expect(!reserved.has(port));
}
