//! IP_BIND_ADDRESS_NO_PORT on a kernel that lacks it (before Linux 4.2): a bind(2) that was accepted and is not
//! carried out until a port is needed.
//!
//! Rule: here too the kernel is the table, the only one that stays right across dup, fork, exec and descriptor
//! passing. The address waits in the socket itself, as the constants of a classic BPF filter that would let every
//! packet pass: a socket without a port receives none, and the filter goes as soon as it has one. Whether the guest
//! asked for this is a mark, because it reads its option also later. Wherever the filter cannot be attached (the guest
//! has one of its own, a sandbox, too little memory), the bind is carried out at once.

const std = @import("std");
const deferral = @import("deferral.zig");
const sys = @import("system.zig");
const transport = @import("transport.zig");

/// A bind(2) that is not carried out yet.
pub const Pending = struct {
    /// The address with port 0, as the guest may see it.
    name: sys.Name,
    /// The guest does not know, and must see a port.
    is_ours: bool,
};

const ours = 0x706f7274;
const guests = 0x4e4f5054;

/// linux/filter.h: loads a constant; ends with a constant.
const load = 0x00;
const end = 0x06;
/// What of a packet passes: all of it.
const everything = std.math.maxInt(u32);

const Words = [@sizeOf(@FieldType(sys.Name, "bytes")) / @sizeOf(u32)]u32;
/// Whose it is, the address, the end.
const Program = [1 + @typeInfo(Words).array.len + 1]sys.Instruction;

/// The bind of `fd` that waits. A socket that has a port nevertheless was bound behind our back.
pub fn pending(system: anytype, fd: i32) ?Pending {
    var program: Program = undefined;
    const found = system.filter(fd, &program) orelse return null;
    return if (found == program.len) read(&program) else null;
}

fn read(program: *const Program) ?Pending {
    const owner = program[0].operand;
    if (owner != ours and owner != guests) return null;
    var words: Words = undefined;
    for (&words, program[1..][0..words.len]) |*to, instruction| to.* = instruction.operand;
    var name: sys.Name = .{ .bytes = @bitCast(words), .length = @sizeOf(Words) };
    if (name.bytes.family == sys.AF.INET) name.length = @sizeOf(std.os.linux.sockaddr.in);
    return .{ .name = name, .is_ours = owner == ours };
}

/// Leaves `name`, which the kernel would take, with the socket, in place of what waited there. False where that
/// cannot be: a filter of the guest's own stays.
pub fn leave(system: anytype, fd: i32, name: *const sys.Name, is_ours: bool) bool {
    var program: Program = undefined;
    const found = system.filter(fd, &program) orelse return false;
    if (found != 0 and (found != program.len or read(&program) == null)) return false;
    var shown = name.bytes;
    shown.port = 0;
    if (shown.family == sys.AF.INET6) {
        shown.flowinfo = 0;
        // An interface belongs to link-local addresses alone. RFC 4291, 2.5.6
        if (!name.isLinkLocal()) shown.scope_id = 0;
    }
    const words: Words = @bitCast(shown);
    program[0] = .{ .code = load, .operand = if (is_ours) ours else guests };
    for (words, program[1..][0..words.len]) |word, *to| to.* = .{ .code = load, .operand = word };
    program[program.len - 1] = .{ .code = end, .operand = everything };
    if (system.attachFilter(fd, &program) != .SUCCESS) return false;
    // As inet6_bind() leaves a socket that is bound to one true IPv6 address.
    if (name.ipv4() == null and !name.isWildcard()) _ = system.setOption(fd, sys.IPPROTO.IPV6, sys.IPV6_V6ONLY, 1);
    return true;
}

/// A filter of the guest's own stays.
pub fn forget(system: anytype, fd: i32) void {
    if (pending(system, fd) != null) _ = system.setOption(fd, sys.SOL.SOCKET, sys.SO.DETACH_FILTER, 0);
}

/// What the guest set by the option; null for a protocol that the option cannot be emulated for.
pub fn isAsked(system: anytype, fd: i32) ?bool {
    const mark: Mark = .of(system, fd);
    return switch (system.getOption(fd, sys.SOL.IP, mark.option)) {
        .value => |value| value == mark.value,
        .errno => null,
    };
}

/// False for such a protocol.
pub fn ask(system: anytype, fd: i32, asked: bool) bool {
    const mark: Mark = .of(system, fd);
    return system.setOption(fd, sys.SOL.IP, mark.option, if (asked) mark.value else 0) == .SUCCESS;
}

/// An option that the kernel keeps with the socket, and that the socket's protocol never looks at.
const Mark = struct {
    option: u32,
    value: u32,

    fn of(system: anytype, fd: i32) Mark {
        if (transport.isTcp(system, fd)) return .{ .option = deferral.mark, .value = 1 };
        // Not a distance that a program would ask for.
        return .{ .option = sys.IP.MINTTL, .value = 0xa5 };
    }
};
