//! Stands between `deno task` and the guest, and makes it seem that neither is there:
//! `relay PATH NAME ARGUMENT...` runs the program at PATH with those words as its child.
//!
//! `deno task` passes on to its child every signal that it gets. But what a terminal or a shell
//! sends, it sends to the whole process group, so the guest has it already and would get it twice;
//! and since `deno task` catches SIGTSTP too, it never stops, and Ctrl-Z would hang the terminal.
//! So every signal is passed on once (`Relay.receive`), and when the guest stops, so does
//! `deno task`. The guest's end, by exit or by signal, becomes our own.

const std = @import("std");
const linux = std.os.linux;
const SIG = linux.SIG;

pub const std_options: std.Options = .{ .enable_segfault_handler = false };

/// Not caught: what cannot be, what a fault of our own raises, and what tells us about the guest.
const uncaught = [_]SIG{ .KILL, .STOP, .ILL, .TRAP, .BUS, .FPE, .SEGV, .SYS, .CHLD };

/// The status that env(1) gives a program that it could not run.
const status_unusable = 126;

pub fn main(init: std.process.Init.Minimal) u8 {
    const words = init.args.vector;
    if (words.len < 3) return 2;

    const wrapper = linux.getppid();
    var received = linux.sigfillset();
    for (uncaught) |signal| linux.sigdelset(&received, signal);
    var blocked = received;
    linux.sigaddset(&blocked, .CHLD);
    var mask: linux.sigset_t = undefined;
    _ = linux.sigprocmask(SIG.BLOCK, &blocked, &mask);

    const forked = linux.fork();
    switch (linux.errno(forked)) {
        .SUCCESS => {},
        else => return status_unusable,
    }
    if (forked == 0) becomeGuest(words, init.environ, &mask);

    linux.sigaddset(&received, .CHLD);
    const descriptor = linux.signalfd(-1, &received, linux.SFD.CLOEXEC);
    var relay: Relay = .{ .wrapper = wrapper, .guest = @intCast(forked) };
    while (true) {
        var info: linux.signalfd_siginfo = undefined;
        const size = linux.read(@intCast(descriptor), std.mem.asBytes(&info), @sizeOf(linux.signalfd_siginfo));
        if (size != @sizeOf(linux.signalfd_siginfo)) continue;
        if (info.signo == @intFromEnum(SIG.CHLD)) relay.attend() else relay.receive(&info);
    }
}

const Relay = struct {
    /// `deno task`.
    wrapper: linux.pid_t,
    guest: linux.pid_t,
    /// When the guest got each signal last, as far as we saw, in milliseconds of the monotonic clock.
    guest_had: [65]u64 = @splat(never),

    const never = 0;

    /// `deno task` passes a signal on at once; what it sends later than this is another one.
    const echo_max_ms = 1000;

    /// What comes from anyone else but `deno task` came to the whole process group, so the guest
    /// has it, and what `deno task` then sends of its kind is an echo.
    fn receive(relay: *Relay, info: *const linux.signalfd_siginfo) void {
        const had = &relay.guest_had[info.signo];
        if (info.pid != relay.wrapper or info.code != si_user) {
            had.* = now();
            return;
        }
        if (had.* != never and now() - had.* <= echo_max_ms) return;
        const signal: SIG = @enumFromInt(info.signo);
        _ = linux.kill(relay.guest, signal);
        // It listens for this one twice, and sends it twice.
        if (signal == .INT) had.* = now();
    }

    /// Sent by kill(2), as siginfo.h has it.
    const si_user = 0;

    /// Sees what became of the guest, and does likewise.
    fn attend(relay: *Relay) void {
        while (true) {
            var status: u32 = 0;
            const pid = linux.wait4(relay.guest, &status, linux.W.NOHANG | linux.W.UNTRACED, null);
            if (pid != @as(usize, @intCast(relay.guest))) return;
            if (linux.W.IFSTOPPED(status)) {
                // Its parent, the shell, sees the stop and takes the terminal back; what then
                // continues it continues the whole group.
                if (linux.getppid() == relay.wrapper) _ = linux.kill(relay.wrapper, .STOP);
            } else if (linux.W.IFEXITED(status)) {
                linux.exit_group(linux.W.EXITSTATUS(status));
            } else {
                dieOf(linux.W.TERMSIG(status));
            }
        }
    }
};

fn now() u64 {
    var time: linux.timespec = undefined;
    _ = linux.clock_gettime(.MONOTONIC, &time);
    return @as(u64, @intCast(time.sec)) * 1000 + @as(u64, @intCast(time.nsec)) / 1_000_000;
}

/// Replaces this child by the guest, with the signals as we were given them, but for two that Deno
/// leaves ignored: those that C libraries keep for themselves.
fn becomeGuest(words: []const [*:0]const u8, environ: std.process.Environ, mask: *const linux.sigset_t) noreturn {
    for ([_]u6{ 32, 33 }) |signal| {
        const action: linux.Sigaction = .{ .handler = .{ .handler = SIG.DFL }, .mask = linux.sigemptyset(), .flags = 0 };
        _ = linux.sigaction(@enumFromInt(signal), &action, null);
    }
    _ = linux.sigprocmask(SIG.SETMASK, mask, null);
    const argv: [*:null]const ?[*:0]const u8 = @ptrCast(words[2..].ptr);
    const failed = linux.execve(words[1], argv, environ.block.slice.ptr);
    // What can be foreseen was checked, and said better, before we were started.
    say(&.{ "portpin: Cannot run ", std.mem.span(words[2]), ": E", @tagName(linux.errno(failed)), "\n" });
    linux.exit_group(status_unusable);
}

fn say(parts: []const []const u8) void {
    for (parts) |part| _ = linux.write(2, part.ptr, part.len);
}

/// Ends as the guest did; its core dump is the one that is wanted.
fn dieOf(signal: SIG) noreturn {
    const none: linux.rlimit = .{ .cur = 0, .max = 0 };
    _ = linux.setrlimit(.CORE, &none);
    const action: linux.Sigaction = .{ .handler = .{ .handler = SIG.DFL }, .mask = linux.sigemptyset(), .flags = 0 };
    _ = linux.sigaction(signal, &action, null);
    _ = linux.kill(linux.getpid(), signal);
    const everything = linux.sigfillset();
    _ = linux.sigprocmask(SIG.UNBLOCK, &everything, null);
    linux.exit_group(128 + @as(i32, @intCast(@intFromEnum(signal))));
}
