//! A write(2) that raises no signal.
//!
//! SIGPIPE of a pipe without a reader and SIGXFSZ of a file that has grown too large end a process that knows
//! nothing of our line. Both are sent to the thread that writes, and here they go no further. SIGTTOU would stop a
//! job in the background of a terminal; where it is blocked, the line is written and it is not sent. termios(3)

const std = @import("std");
const linux = std.os.linux;
const Silence = @This();

before: linux.sigset_t,
/// Pending already, and so the guest's.
pending: c_ulong,

const signals: c_ulong = 1 << @intFromEnum(linux.SIG.PIPE) - 1 | 1 << @intFromEnum(linux.SIG.XFSZ) - 1 | 1 << @intFromEnum(linux.SIG.TTOU) - 1;

pub fn begin() Silence {
    var silence: Silence = .{ .before = undefined, .pending = 0 };
    var blocked: linux.sigset_t = @splat(0);
    blocked[0] = signals;
    _ = linux.sigprocmask(linux.SIG.BLOCK, &blocked, &silence.before);
    // Only what the guest blocks itself can be pending.
    if (silence.before[0] & signals != 0) {
        var pending: linux.sigset_t = @splat(0);
        _ = linux.syscall2(.rt_sigpending, @intFromPtr(&pending), @sizeOf(linux.sigset_t));
        silence.pending = pending[0];
    }
    return silence;
}

pub fn end(silence: *const Silence, written: usize) void {
    if (linux.errno(written) != .SUCCESS) {
        var raised: linux.sigset_t = @splat(0);
        raised[0] = signals & ~silence.pending;
        const at_once = [_]u64{ 0, 0 };
        _ = linux.syscall4(wait, @intFromPtr(&raised), 0, @intFromPtr(&at_once), @sizeOf(linux.sigset_t));
    }
    _ = linux.sigprocmask(linux.SIG.SETMASK, &silence.before, null);
}

/// Zeros are the same time in either of the two.
const wait: linux.SYS = if (@hasField(linux.SYS, "rt_sigtimedwait")) .rt_sigtimedwait else .rt_sigtimedwait_time64;
