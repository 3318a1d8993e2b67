//! What the shim takes from the process it is a guest in: weak symbols, each of which may be
//! missing, and the stack that the kernel left at exec(2).
//!
//! Rule: every use says what happens without the symbol. A strong reference would make the dynamic
//! linker refuse to start a program that has no libc.

const std = @import("std");
const linux = std.os.linux;

fn weak(comptime T: type, comptime name: []const u8) ?*const T {
    return @extern(?*const T, .{ .name = name, .linkage = .weak });
}

/// The errno of the calling thread; `.SUCCESS` in a process without one.
pub fn errno() linux.E {
    const location = errnoLocation() orelse return .SUCCESS;
    return @enumFromInt(@as(u16, @truncate(@as(c_uint, @bitCast(location.*)))));
}

/// Does nothing in a process without an errno.
pub fn setErrno(to: linux.E) void {
    const location = errnoLocation() orelse return;
    location.* = @intFromEnum(to);
}

fn errnoLocation() ?*c_int {
    // The name is the same in glibc and musl.
    const location = weak(fn () callconv(.c) *c_int, "__errno_location") orelse return null;
    return location();
}

/// The next definition of `symbol` after this library; null if there is none, or if the process has
/// no dlsym (before glibc 2.34 it lives in libdl, which a program may not have loaded).
pub fn nextDefinition(symbol: [*:0]const u8) ?*const anyopaque {
    const rtld_next: ?*anyopaque = @ptrFromInt(std.math.maxInt(usize));
    const dlsym = weak(fn (?*anyopaque, [*:0]const u8) callconv(.c) ?*const anyopaque, "dlsym") orelse return null;
    // RTLD_NEXT is relative to the caller's return address, so this must not become a tail call.
    return @call(.never_tail, dlsym, .{ rtld_next, symbol });
}

/// The calling convention of clock_gettime(2) as libc exports it under this name: on 32-bit
/// machines with 32-bit seconds, in glibc and in musl.
const timespec = extern struct { sec: c_long, nsec: c_long };

/// Seconds of CLOCK_MONOTONIC_COARSE, truncated; through libc, and so through the vDSO, where there is one.
pub fn coarseSeconds() u32 {
    var now: timespec = .{ .sec = 0, .nsec = 0 };
    const clock = linux.CLOCK.MONOTONIC_COARSE;
    if (weak(fn (c_int, *timespec) callconv(.c) c_int, "clock_gettime")) |clock_gettime| {
        // Fails only where the clock is missing (before Linux 2.6.32); 0 then stays right for ever.
        _ = clock_gettime(@intCast(@intFromEnum(clock)), &now);
    } else {
        // The number takes the same words as libc's function: the 32-bit machines' first one does.
        _ = linux.syscall2(.clock_gettime, @intFromEnum(clock), @intFromPtr(&now));
    }
    return @truncate(@as(c_ulong, @bitCast(now.sec)));
}

/// CLOCK_REALTIME, like coarseSeconds().
pub fn wallClock() timespec {
    var now: timespec = .{ .sec = 0, .nsec = 0 };
    if (weak(fn (c_int, *timespec) callconv(.c) c_int, "clock_gettime")) |clock_gettime| {
        _ = clock_gettime(@intCast(@intFromEnum(linux.CLOCK.REALTIME)), &now);
    } else {
        _ = linux.syscall2(.clock_gettime, @intFromEnum(linux.CLOCK.REALTIME), @intFromPtr(&now));
    }
    return now;
}

/// `NAME=value` strings up to a null.
pub const Environment = [*:null]const ?[*:0]const u8;

/// What exec(2) handed over.
pub const Start = struct {
    environment: Environment,
    /// AT_SECURE of getauxval(3): set-user-ID and the like.
    secure: bool,
    /// Unpredictable, from AT_RANDOM; 0 without it.
    seed: u32,
};

/// Null if the environment cannot be found. `handed` is what a constructor was handed as its third argument.
pub fn start(handed: ?Environment) ?Start {
    const environment = initialEnvironment(handed) orelse return null;
    const auxiliary = auxiliaryVector(environment);
    const random: ?[*]const u8 = @ptrFromInt(value(auxiliary, std.elf.AT_RANDOM));
    return .{
        .environment = environment,
        .secure = value(auxiliary, std.elf.AT_SECURE) != 0,
        .seed = if (random) |bytes| std.mem.readInt(u32, bytes[0..4], .native) else 0,
    };
}

/// glibc's loader remembers the stack as the kernel left it: argc, argv, null, environment, null,
/// auxiliary vector. musl has no such symbol but has set `environ` before any constructor runs. Where neither
/// is to be found there is no libc, and the loader is glibc's, which hands constructors the environment;
/// musl's hands them nothing, and what is in that register is no pointer.
fn initialEnvironment(handed: ?Environment) ?Environment {
    if (weak(?[*]const usize, "__libc_stack_end")) |stack_end| {
        if (stack_end.*) |stack| {
            const arguments = stack[0];
            if (arguments < 1 << 24 and stack[1 + arguments] == 0) return @ptrCast(stack + 1 + arguments + 1);
        }
    }
    const environ = weak(?Environment, "environ") orelse return handed;
    return environ.*;
}

fn auxiliaryVector(environment: Environment) [*]const std.elf.Auxv {
    var end: usize = 0;
    while (environment[end] != null) end += 1;
    return @ptrCast(@alignCast(environment + end + 1));
}

/// getauxval(3) where the process has it: unlike `environ`, it cannot have been moved by a constructor before us.
fn value(auxiliary: [*]const std.elf.Auxv, key: usize) usize {
    if (weak(fn (c_ulong) callconv(.c) c_ulong, "getauxval")) |getauxval| return getauxval(key);
    var entry = auxiliary;
    while (entry[0].a_type != std.elf.AT_NULL) : (entry += 1) {
        if (entry[0].a_type == key) return entry[0].a_un.a_val;
    }
    return 0;
}
