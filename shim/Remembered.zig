//! What guests set by IP_LOCAL_PORT_RANGE on a kernel that lacks the option, socket by socket.
//!
//! Rule: keyed by the socket (SO_COOKIE, Linux 4.12), never by its descriptor: so it survives dup, and fork as a
//! copy. It is lost over exec and when the socket is passed on. The table is bounded, and a new entry
//! takes the place of an old one where it must; each word is written at once, without a lock, so a signal handler
//! may come in between.

const std = @import("std");
const sys = @import("system.zig");
const Remembered = @This();

entries: [entry_count]Entry = @splat(.{}),

const entry_count = 512;
/// So many places are looked at for one socket.
const probe_count = 8;

const Entry = struct {
    /// The low half of the socket's cookie; 0: nothing here. Cookies count up, and are not used twice.
    cookie: std.atomic.Value(u32) = .init(0),
    value: std.atomic.Value(u32) = .init(0),
};

/// The option's value; 0, which the option reads as where nobody set it, for a socket that is not here.
pub fn recall(remembered: *const Remembered, system: anytype, fd: i32) u32 {
    const cookie = system.cookie(fd) orelse return 0;
    for (0..probe_count) |probe| {
        const entry = &remembered.entries[place(cookie, probe)];
        if (entry.cookie.load(.acquire) != cookie) continue;
        const value = entry.value.load(.acquire);
        // Between the two another socket may have come here.
        if (entry.cookie.load(.acquire) == cookie) return value;
    }
    return 0;
}

/// False where the kernel cannot tell sockets apart.
pub fn remember(remembered: *Remembered, system: anytype, fd: i32, value: u32) bool {
    const cookie = system.cookie(fd) orelse return false;
    for (0..probe_count) |probe| {
        const entry = &remembered.entries[place(cookie, probe)];
        const found = entry.cookie.load(.acquire);
        if (found == cookie or (found == 0 and entry.cookie.cmpxchgStrong(0, cookie, .acq_rel, .acquire) == null)) {
            entry.value.store(value, .release);
            return true;
        }
    }
    // All taken, most likely by sockets that were closed long ago.
    const entry = &remembered.entries[place(cookie, cookie % probe_count)];
    entry.cookie.store(0, .release);
    entry.value.store(value, .release);
    entry.cookie.store(cookie, .release);
    return true;
}

fn place(cookie: u32, probe: usize) usize {
    return (cookie *% 0x9e3779b1 >> 16) + probe & entry_count - 1;
}

const FakeCookies = struct {
    pub fn cookie(_: FakeCookies, fd: i32) ?u32 {
        return if (fd == 0) null else @intCast(fd);
    }
};

test "recall() gives what was remembered, and 0 for every other socket" {
    const system: FakeCookies = .{};
    var remembered: Remembered = .{};
    try std.testing.expect(!remembered.remember(system, 0, 7));
    for (1..100) |fd| try std.testing.expect(remembered.remember(system, @intCast(fd), @intCast(fd * 3)));
    try std.testing.expect(remembered.remember(system, 5, 1));
    for (1..100) |fd| {
        try std.testing.expectEqual(@as(u32, @intCast(if (fd == 5) 1 else fd * 3)), remembered.recall(system, @intCast(fd)));
    }
    try std.testing.expectEqual(0, remembered.recall(system, 100));
}

test "remember() forgets old sockets rather than new ones" {
    const system: FakeCookies = .{};
    var remembered: Remembered = .{};
    for (1..100_000) |fd| {
        _ = remembered.remember(system, @intCast(fd), @intCast(fd));
        try std.testing.expectEqual(@as(u32, @intCast(fd)), remembered.recall(system, @intCast(fd)));
    }
}
