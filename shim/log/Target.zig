//! Where the lines of the log go; settled before main().
//!
//! Rule: the guest does not notice. Nothing stays open between two lines; a line is one write(2) to a file that is
//! appended to, so it stays whole among those of other processes; what cannot be written is lost, without a signal
//! and without waiting. Standard error counts only while descriptor 2 is certainly the file that the guest was
//! started with: never where the kernel cannot say so (statx(2), Linux 4.11).

const std = @import("std");
const linux = std.os.linux;
const Silence = @import("Silence.zig");
const Target = @This();

kind: enum { nowhere, file, standard_error } = .nowhere,
path: [linux.PATH_MAX:0]u8 = undefined,
/// Of the file that descriptor 2 was.
identity: ?Identity = null,

/// The guest's environment may be overwritten later, as setproctitle(3) does. False: no such target.
pub fn set(target: *Target, text: []const u8) bool {
    if (std.mem.eql(u8, text, "stderr")) {
        target.kind = .standard_error;
        target.identity = identify(linux.STDERR_FILENO);
        return true;
    }
    if (text.len == 0 or text[0] != '/' or text.len >= target.path.len) return false;
    @memcpy(target.path[0..text.len], text);
    target.path[text.len] = 0;
    target.kind = .file;
    return true;
}

pub fn isSomewhere(target: *const Target) bool {
    return target.kind != .nowhere;
}

/// A line, whole.
pub fn write(target: *const Target, line: []const u8) void {
    const silence: Silence = .begin();
    silence.end(target.append(line));
}

fn append(target: *const Target, line: []const u8) usize {
    if (target.kind == .standard_error) {
        const before = target.identity orelse return 0;
        const now = identify(linux.STDERR_FILENO) orelse return 0;
        if (now.device != before.device or now.inode != before.inode or !hasRoom(linux.STDERR_FILENO)) return 0;
        return linux.write(linux.STDERR_FILENO, line.ptr, line.len);
    }
    // O_NONBLOCK: a FIFO that nobody reads must not stop the guest.
    const flags: linux.O = .{ .ACCMODE = .WRONLY, .CREAT = true, .APPEND = true, .CLOEXEC = true, .NOCTTY = true, .NONBLOCK = true };
    const opened = linux.open(&target.path, flags, 0o666);
    if (linux.errno(opened) != .SUCCESS) return 0;
    defer _ = linux.close(@intCast(opened));
    return linux.write(@intCast(opened), line.ptr, line.len);
}

const Identity = struct { device: u64, inode: u64 };

fn identify(fd: i32) ?Identity {
    var status: linux.Statx = undefined;
    const rc = linux.statx(fd, "", linux.AT.EMPTY_PATH, .{ .INO = true }, &status);
    if (linux.errno(rc) != .SUCCESS) return null;
    return .{ .device = @as(u64, status.dev_major) << 32 | status.dev_minor, .inode = status.ino };
}

/// Whether a line goes in at once: a pipe that nobody empties has room for a page or for nothing. pipe(7)
fn hasRoom(fd: i32) bool {
    var entries = [_]linux.pollfd{.{ .fd = fd, .events = linux.POLL.OUT, .revents = 0 }};
    return linux.poll(&entries, entries.len, 0) == 1 and entries[0].revents & linux.POLL.OUT != 0;
}

test "a target is an absolute path or standard error" {
    var target: Target = .{};
    for ([_][]const u8{ "", "log", "./log", "STDERR", "/" ** linux.PATH_MAX }) |text| try std.testing.expect(!target.set(text));
    try std.testing.expect(!target.isSomewhere());
    try std.testing.expect(target.set("/var/log/portpin") and target.isSomewhere());
}

fn pipe() ![2]i32 {
    var ends: [2]i32 = undefined;
    try std.testing.expectEqual(.SUCCESS, linux.errno(linux.pipe2(&ends, .{ .CLOEXEC = true, .NONBLOCK = true })));
    return ends;
}

test "a pipe that nobody empties has no room" {
    const ends = try pipe();
    defer for (ends) |end| {
        _ = linux.close(end);
    };
    const page: [4096]u8 = @splat('x');
    try std.testing.expect(hasRoom(ends[1]));
    while (linux.errno(linux.write(ends[1], &page, page.len)) == .SUCCESS) {}
    try std.testing.expect(!hasRoom(ends[1]));
}

test "a file is told from another, and a closed descriptor from every file" {
    const ends = try pipe();
    const others = try pipe();
    defer for (ends ++ others) |end| {
        _ = linux.close(end);
    };
    try std.testing.expectEqual(identify(ends[0]).?, identify(ends[1]).?);
    try std.testing.expect(identify(ends[0]).?.inode != identify(others[0]).?.inode);
    try std.testing.expectEqual(null, identify(-1));
}
